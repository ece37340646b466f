"""A signature's dictionary that is read as a whole is the one that pyHanko reads, or pyHanko reads it."""

import io
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.verify.pdfreader import Reader
from tests.unit.test_verify_survey import numbered

FILES = Path(__file__).parent.parent / "vectors" / "files"
CMS = b"<3082" + b"00ff" * 300 + b">"


def with_signature(dictionary: bytes) -> bytes:
    """A PDF whose object 2 is the dictionary; RANGE in it becomes the byte range around the CMS."""
    pdf = numbered(b"<</Type/Catalog>>", dictionary.replace(b"RANGE", b"/ByteRange[0 1111 2222 10]"))
    start = pdf.index(CMS)
    return pdf.replace(b"0 1111 2222", b"0 %04d %04d" % (start, start + len(CMS)))


def both(pdf: bytes) -> tuple[generic.DictionaryObject, generic.DictionaryObject]:
    """Object 2 as read here, and as read by pyHanko."""
    ours, theirs = Reader(pdf, strict=True), PdfFileReader(io.BytesIO(pdf), strict=True)
    return tuple(reader.get_object(generic.Reference(2, 0, reader)) for reader in (ours, theirs))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "dictionary",
    [
        b"<</Type/Sig/Contents " + CMS + b" RANGE/Reason(why)>>",
        b"<<RANGE/M(D:2026)/Contents" + CMS + b">>",
        b"<</Contents<3000>RANGE/Other " + CMS + b">>",  # the range leaves out something else
        b"<</Contents<3000>/Nested<</Contents " + CMS + b">>RANGE>>",
        b"<</Contents<3000>RANGE/Text(" + CMS + b")>>",
        b"<</Contents[" + CMS + b"]RANGE>>",
        b"<</Contents<3000>RANGE>>\n%" + CMS,
    ],
)
def test_dictionaries_are_read_alike(dictionary: bytes) -> None:
    ours, theirs = both(with_signature(dictionary))
    assert ours == theirs
    assert list(ours) == list(theirs)
    assert ours.raw_get("/Contents") == theirs.raw_get("/Contents")


@pytest.mark.parametrize("name", ["b_b", "b_t", "b_lta", "two_in_made_fields", "padding_used"])
def test_signatures_of_real_files_are_read_alike(name: str) -> None:
    pdf = (FILES / f"{name}.pdf").read_bytes()
    ours, theirs = Reader(pdf, strict=True), PdfFileReader(io.BytesIO(pdf), strict=True)
    signatures = zip(ours.embedded_signatures, theirs.embedded_signatures, strict=True)
    contents = [(one.pkcs7_content, other.pkcs7_content) for one, other in signatures]
    assert contents
    assert all(one == other for one, other in contents)


def test_a_key_that_occurs_twice_is_refused_all_the_same() -> None:
    pdf = with_signature(b"<</Contents " + CMS + b" RANGE/Contents<3000>>>")
    with pytest.raises(PdfReadError, match="Multiple definitions"):
        both(pdf)


NAME, ESCAPED = "/Größe".encode(), b"/Gr#C3#B6#C3#9Fe"


@pytest.mark.parametrize(
    ("written", "escaped"),
    [
        (b"<</Font" + NAME + b">>", b"<</Font" + ESCAPED + b">>"),
        (b"<<" + NAME + b" 1/Next[" + NAME + b"]>>", b"<<" + ESCAPED + b" 1/Next[" + ESCAPED + b"]>>"),
        (b"[(" + NAME + b"\\)(endobj))" + NAME + b"]", b"[(" + NAME + b"\\)(endobj))" + ESCAPED + b"]"),
        (
            b"<</Length 8" + NAME + b" 1>>\nstream\n" + NAME + b"\nendstream",
            b"<</Length 8" + ESCAPED + b" 1>>\nstream\n" + NAME + b"\nendstream",
        ),
        (b"[/a#C3\xb6]", b"[/a#C3#B6]"),
    ],
)
def test_names_beyond_ascii_are_read_as_if_they_were_escaped(written: bytes, escaped: bytes) -> None:
    """And nothing else: not in strings, not in the data of streams."""
    pdf, plain = (numbered(b"<</Type/Catalog>>", each) for each in (written, escaped))
    ours, theirs = Reader(pdf, strict=True), PdfFileReader(io.BytesIO(plain), strict=True)
    with pytest.raises(PdfReadError, match=r"must be escaped|expected PDF name"):
        PdfFileReader(io.BytesIO(pdf), strict=True).get_object(generic.Reference(2, 0))
    read = [reader.get_object(generic.Reference(2, 0, reader)) for reader in (ours, theirs)]
    assert read[0] == read[1]
    assert getattr(read[0], "data", b"") == getattr(read[1], "data", b"")


@pytest.mark.parametrize(
    "written",
    [
        "/À".encode(),  # C3 80: PDFium ends the name before 80
        b"/Gr\xf6\xdfe",  # not UTF-8
        b"/#F6" + NAME[1:],
        b"<<" + NAME + b" 1" + NAME + b" 2>>",
        b"<<" + NAME + b" 1" + ESCAPED + b" 2>>",
        b"<<%\n" + NAME + b" 1>>",
        b"<</Length 9" + NAME + b" 1>>\nstream\nx\nendstream",
        NAME + b" 1",
    ],
)
def test_names_that_programs_read_otherwise_are_refused(written: bytes) -> None:
    reader = Reader(numbered(b"<</Type/Catalog>>", written), strict=True)
    with pytest.raises(PdfReadError):
        reader.get_object(generic.Reference(2, 0, reader))
