"""The grammar for what lies behind a signature: what honest programs write is read, nothing else is."""

import re
import zlib
from pathlib import Path

import pytest

from signing.verify.lexing import GrammarError, Name, Ref, read_value
from signing.verify.pdfreader import Reader
from signing.verify.references import leads_to
from signing.verify.updates import Base, Update, read_updates

FILES = Path(__file__).parent.parent / "vectors" / "files"
SIGNED = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\nxref\n0 0\ntrailer\n<<>>\nstartxref\n43\n%%EOF\n"
BASE = Base(len(SIGNED), Ref(1, 0), {1: 0, 2: 0}.get)
TRAILER = b"/Size 9/Root 1 0 R/Prev 43"
HELD = ((5, b"<</A 1>>"), (6, b"[1 0 R]"))


def packed(
    objects: tuple[tuple[int, bytes], ...],
    extra: bytes = b"",
    *,
    header: bytes = b"",
    gap: bytes = b"",
    between: bytes = b" ",
    behind: bytes = b"",
    unpacked_behind: bytes = b"",
) -> bytes:
    """An object stream's body; what is given by name stands where nothing, or white space, should."""
    heads, bodies = [], b""
    for number, body in objects:
        heads.append(b"%d %d" % (number, len(bodies)))
        bodies += body + between
    head = b" ".join(heads) + b" " + header
    data = zlib.compress(head + gap + bodies + behind) + unpacked_behind
    told = b"<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d%b>>" % (
        len(objects),
        len(head),
        len(data),
        extra,
    )
    return told + b"\nstream\n" + data + b"\nendstream"


def with_stream(
    rows: tuple[tuple[int, int, int], ...] = ((2, 4, 0), (2, 4, 1)),
    pack: bytes = packed(HELD),
    between: bytes = b"",
) -> bytes:
    """The signed file and an update made of an object stream (4) and a cross-reference stream (7)."""
    at = len(SIGNED)
    first = b"4 0 obj\n" + pack + b"\nendobj\n" + between
    index = at + len(first)
    table = [(1, at, 0), *rows, (1, index, 0)]
    raw = [bytes([kind]) + second.to_bytes(3) + bytes([third]) for kind, second, third in table]
    above, data = bytes(5), b""
    for row in raw:  # PNG prediction "up"
        data += b"\x02" + bytes((new - old) & 255 for new, old in zip(row, above, strict=True))
        above = row
    body = zlib.compress(data)
    head = (
        b"7 0 obj\n<</Type/XRef/W[1 3 1]/Index[4 %d 7 1]%b/Filter/FlateDecode/Length %d"
        b"/DecodeParms<</Predictor 12/Columns 5>>>>\nstream\n"
    ) % (1 + len(rows), TRAILER, len(body))
    return SIGNED + first + head + body + (b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % index)


def with_table(objects: bytes, entries: bytes, trailer: bytes = TRAILER, tail: bytes = b"") -> bytes:
    """The signed file and an update with a table."""
    section = len(SIGNED) + len(objects)
    end = b"trailer\n<<%b>>\nstartxref\n%d\n%%%%EOF\n%b" % (trailer, section, tail)
    return SIGNED + objects + b"xref\n" + entries + end


ENTRY = b"%010d 00000 n \n" % len(SIGNED)
OBJECT = b"3 0 obj\n<</A(b\\)c)>>\nendobj\n"


def test_object_and_cross_reference_streams_are_read() -> None:
    (update,) = read_updates(with_stream(), BASE)
    assert isinstance(update, Update)
    assert update.numbers == {4, 5, 6, 7}
    assert update.values[5] == {b"A": 1}
    assert update.values[6] == [Ref(1, 0)]


def test_a_table_is_read() -> None:
    (update,) = read_updates(with_table(OBJECT, b"0 1\n0000000000 65535 f \n3 1\n" + ENTRY), BASE)
    assert update.values == {3: {b"A": b"b\\)c"}}


def test_remarks_that_libraries_sign_their_work_with_are_passed_over() -> None:
    remarked = b"%Example-Library-8.0.1 (c) 2026\r\n%\n" + OBJECT + b"% done\n"
    entry = b"3 1\n%010d 00000 n \n" % (len(SIGNED) + remarked.index(b"3 0 obj"))
    before_the_end = with_table(remarked, entry).replace(b"startxref\n", b"%Example-8\nstartxref\n")
    (update,) = read_updates(before_the_end.replace(b"%Example-8\n", b"", 1), BASE)
    assert update.values == {3: {b"A": b"b\\)c"}}


@pytest.mark.parametrize(
    "pdf",
    [
        with_stream(rows=((2, 4, 0),)),
        with_stream(rows=((2, 4, 1), (2, 4, 0))),
        with_stream(rows=((2, 4, 0), (3, 4, 1))),
        with_stream(rows=((2, 4, 0), (0, 0, 0))),
        with_stream(pack=packed((*HELD, (1, b"<</Type/Catalog>>")))),
        with_stream(pack=packed(HELD, b"/Extends 2 0 R")),
        with_stream(pack=packed(((5, b"<</A 1/A 2>>"), (6, b"[1 0 R]")))),
        with_stream(pack=packed(HELD, b"/DecodeParms<</Predictor 12/Columns 4>>")),
        with_stream(pack=packed(HELD, b"/F(x)")),
        with_stream(pack=packed(HELD, gap=b" <<>> ")),
        with_stream(pack=packed(HELD, header=b" 7 9 ")),
        with_stream(pack=packed(HELD, behind=b"%x")),
        with_stream(pack=packed(HELD, unpacked_behind=b"4 0 R")),
        with_stream(pack=packed(((5, b"12"), (6, b"34")), between=b"")),
        with_table(b"3 0 obj\n(\n1 0 obj\n<<>>endobj)\nendobj\n", b"3 1\n" + ENTRY),
        with_table(b"3 0 obj\n(trailer <<>>)\nendobj\n", b"3 1\n" + ENTRY),
        with_table(b"3 0 obj\n[8388608 0 R]\nendobj\n", b"3 1\n" + ENTRY),
        with_stream(between=b"2 0 obj\n<<>>\nendobj\n"),
        with_table(OBJECT, b"3 2\n" + ENTRY + b"0000000000 00001 f \n"),  # an object removed
        with_table(OBJECT, b"3 1\n%010d 00001 n \n" % len(SIGNED)),  # another generation
        with_table(OBJECT + b"%[x]\n", b"3 1\n" + ENTRY),
        with_table(OBJECT + b"%x\r", b"3 1\n" + ENTRY),  # does it end there?
        with_table(OBJECT + b"%x 9 0 OBJ\n", b"3 1\n" + ENTRY),
        with_table(OBJECT + b"%" + b"x" * 200 + b"\n", b"3 1\n" + ENTRY),
        with_table(OBJECT + b"%%EOF\n", b"3 1\n" + ENTRY),
        with_table(b"3 0 obj\n<<%x\n/A 1>>\nendobj\n", b"3 1\n" + ENTRY),  # inside an object
        with_table(OBJECT, b"3 1\n" + ENTRY, TRAILER + b"/XRefStm 9"),
        with_table(OBJECT, b"3 1\n" + ENTRY, b"/Size 9/Root 1 0 R/Prev 42"),
        with_table(OBJECT, b"3 1\n" + ENTRY, b"/Size 9/Root 2 0 R/Prev 43"),
        with_table(OBJECT, b"3 1\n" + ENTRY, tail=b"x"),
        with_table(OBJECT.replace(b"/A", b"/B/A"), b"3 1\n" + ENTRY),
    ],
)
def test_anything_else_is_refused(pdf: bytes) -> None:
    with pytest.raises(GrammarError):
        read_updates(pdf, BASE)


LOOSE = Base(len(SIGNED), Ref(1, 0), {1: 0, 2: 0, 8: 0}.get, lambda: frozenset({2}))
HEAD = b"0 1\n0000000008 65535 f \n"


@pytest.mark.parametrize("entry", [b"0000000000 00001 f \n", b"0000000000 65535 f \n"])
def test_an_object_that_nothing_leads_to_may_be_declared_free(entry: bytes) -> None:
    (update,) = read_updates(with_table(OBJECT, HEAD + b"3 1\n" + ENTRY + b"8 1\n" + entry), LOOSE)
    assert set(update.freed) == {8}
    assert update.numbers == {3}


FREED = b"3 1\n" + ENTRY + b"8 1\n0000000000 00001 f \n"


@pytest.mark.parametrize(
    ("objects", "entries"),
    [
        (OBJECT, b"2 1\n0000000000 00001 f \n3 1\n" + ENTRY),  # what was signed needs it
        (OBJECT, b"1 1\n0000000000 00001 f \n3 1\n" + ENTRY),  # the catalog
        (OBJECT, b"3 1\n" + ENTRY + b"7 1\n0000000000 00001 f \n"),  # there is none
        (OBJECT, b"3 1\n" + ENTRY + b"8 1\n0000000000 00000 f \n"),  # to be used again as what it was
        (OBJECT, b"3 1\n" + ENTRY + b"8 1\n0000000043 00001 f \n"),  # an offset, no free object
        (OBJECT, FREED + b"8 1\n0000000000 00001 f \n"),
        (b"3 0 obj\n[8 0 R]\nendobj\n", FREED),
        (b"3 0 obj\n<</A[<</B 8 1 R>>]>>\nendobj\n", FREED),
        (OBJECT.replace(b"3 0", b"8 0"), b"8 1\n" + ENTRY + b"8 1\n0000000000 00001 f \n"),
    ],
)
def test_no_other_object_may_be_declared_free(objects: bytes, entries: bytes) -> None:
    with pytest.raises(GrammarError, match=r"removed|prescribed|free twice"):
        read_updates(with_table(objects, entries), LOOSE)


def test_an_object_declared_free_is_not_written_again() -> None:
    once = with_table(OBJECT, FREED)
    again = b"8 0 obj\n<<>>\nendobj\n"
    index = b"xref\n8 1\n%010d 00000 n \ntrailer\n<</Size 9/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
    twice = once + again + index % (len(once), once.rindex(b"xref\n3 1"), len(once) + len(again))
    with pytest.raises(GrammarError, match="object 8 was removed"):
        read_updates(twice, LOOSE)


@pytest.mark.parametrize("name", ["object_stream", "index_stream", "update_with_an_index_stream"])
def test_objects_that_hold_others_or_an_index_are_led_to(name: str) -> None:
    pdf = (FILES / f"{name}.pdf").read_bytes()
    holding = {int(number) for number in re.findall(rb"(\d+) 0 obj\s*<<[^>]*/(?:ObjStm|XRef)", pdf)}
    assert holding
    assert holding <= leads_to(Reader(pdf, strict=True))


def test_names_are_compared_as_they_read() -> None:
    assert read_value(b"<</R#6fot 1 0 R>>", 0)[0] == {b"Root": Ref(1, 0)}
    with pytest.raises(GrammarError, match="twice"):
        read_value(b"<</Root 1 0 R/R#6fot 2 0 R>>", 0)
    with pytest.raises(GrammarError):
        read_value(b"/a#4 ", 0)


@pytest.mark.parametrize("text", [b"1_0 ", b"--1 ", b"(a", b"<4G>", b"[1", b"<</A>>", b"%c\n1 ", b"[" * 500])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(GrammarError):
        read_value(text, 0)


def test_values() -> None:
    value, end = read_value(b"[1 -2.5 /N (a(b)\\)c) <4A 4b> true null 3 0 R] x", 0)
    assert value == [1, -2.5, Name(b"N"), b"a(b)\\)c", b"<4A 4b>", True, None, Ref(3, 0)]
    assert end == 45
