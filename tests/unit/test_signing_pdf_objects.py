"""PDF objects: what is parsed is written back, and what is malformed is refused or given to pyHanko."""

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing import pdf_objects
from signing.opened import OpenedPdf
from signing.pdf_objects import PdfSyntaxError, PlainObjects, Raw, Ref, Stream, parse, text_of, write
from tests.signing_samples import form_pdf, plain_pdf

RAW = st.sampled_from([b"1", b"-2.50", b"true", b"null", b"(a (nested) \\) string)", b"<FEFF0041>"]).map(Raw)
ASCII_NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12).map(
    "/{}".format
)
ANY_NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=12).map("/{}".format)


def values(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.one_of(RAW, names, st.builds(Ref, st.integers(1, 9999), st.integers(0, 3))),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
        max_leaves=12,
    )


@given(values(ANY_NAMES))
def test_what_is_written_is_parsed_back(value: Any) -> None:
    data = write(value)
    assert parse(data) == (value, len(data))


@given(values(ASCII_NAMES))
def test_pyhanko_reads_the_same(value: Any) -> None:
    reader: Any = None
    theirs = generic.read_object(BytesIO(write([value]) + b" "), generic.TrailerReference(reader))
    stream = BytesIO()
    theirs.write_to_stream(stream, None)
    ours, _ = parse(stream.getvalue())
    assert plain(ours) == plain([value])


def plain(value: Any) -> Any:
    """Strings by their bytes, numbers by their value: two writers may write them differently."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, Raw):
        if value[:1] in b"(<":
            return text_of(value)
        return float(value) if value[:1] in b"+-.0123456789" else bytes(value)
    return value


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"(plain)", "plain"),
        (rb"(a\(b\)\\ \101\n)", "a(b)\\ A\n"),
        (b"<FEFF005A006F00EB>", "Zoë"),
        (b"(\xfe\xff\x00A)", "A"),
        (b"<5a6>", "Z`"),
        (b"(\xef\xbb\xbfZo\xc3\xab)", "Zoë"),
    ],
)
def test_text_strings(written: bytes, text: str) -> None:
    assert text_of(written) == text


@pytest.mark.parametrize(
    "data",
    [
        b"<</A 1",
        b"<</A 1/A 2>>",
        b"<<1 2>>",
        b"[1 2",
        b"(open",
        b">>",
        b"]",
        b"",
        b"[" * 100 + b"]" * 100,
        b"<zz>",
    ],
)
def test_malformed_values_are_refused(data: bytes) -> None:
    with pytest.raises(PdfSyntaxError):
        parse(data)


def test_every_object_of_a_plain_file_is_what_pyhanko_reads() -> None:
    pdf = form_pdf()
    ours, theirs = PlainObjects(pdf), PdfFileReader(BytesIO(pdf))
    compared = 0
    for number in range(1, ours.layout.size):
        stream = BytesIO()
        found = theirs.get_object(generic.Reference(number, 0))
        own = ours.get(Ref(number, 0))
        if isinstance(found, generic.StreamObject):
            assert isinstance(own, Stream)
            continue
        found.write_to_stream(stream, None)
        assert plain(own) == plain(parse(stream.getvalue())[0])
        compared += 1
    assert compared > 5


def test_a_file_of_cross_reference_streams_is_read_through_pyhanko() -> None:
    pdf = form_pdf(stream_xrefs=True)
    with pytest.raises(PdfSyntaxError):
        PlainObjects(pdf)
    opened = OpenedPdf(pdf)
    assert opened.layout.stream_xref
    assert opened.field_names() == ["employer", "manager", "archive-timestamp"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda pdf: pdf.replace(b"startxref", b"startxxxx"),
        lambda pdf: pdf.replace(b"\nxref\n", b"\nyref\n"),
        lambda pdf: pdf.replace(b" 00000 n", b" 00000 q"),
        lambda pdf: pdf.replace(b"/Size ", b"/Sise "),
        lambda pdf: pdf.replace(b" obj", b" bjo"),
    ],
)
def test_a_damaged_table_is_not_read_as_if_nothing_was(damage: Any) -> None:
    damaged = damage(plain_pdf())
    assert damaged != plain_pdf()
    with pytest.raises(PdfSyntaxError):
        read_all(damaged)


def read_all(pdf: bytes) -> None:
    objects = PlainObjects(pdf)
    for number in range(1, objects.layout.size):
        objects.get(Ref(number, 0))


def test_only_short_names_are_kept_for_the_next_file() -> None:
    before = pdf_objects._kept_name.cache_info().currsize
    long = b"/" + b"n" * 100_000
    assert parse(long)[0] == long.decode()
    assert pdf_objects._kept_name.cache_info().currsize == before
    assert parse(b"/S#69g")[0] == "/Sig"
