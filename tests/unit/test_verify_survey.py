"""What is read of an object by its bytes is what pyHanko reads, or nothing is."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from signing.verify.pdfreader import Reader
from signing.verify.survey import Key, as_value, places_in, survey
from signing.verify.usages import NotPlainError, graph_of, revision_of

FILES = Path(__file__).parent.parent / "vectors" / "files"
READABLE = ["b_lta", "two_in_made_fields", "certified_then_filled", "form_filled", "overlay_signature"]
READABLE += ["text_replaced_in_update", "b_lt_with_loose_validation_data", "form_removed", "unsigned"]


def one_object(body: bytes) -> bytes:
    """A PDF whose object 2 has these bytes between "obj" and what follows it."""
    start = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
    whole = start + b"2 0 obj\n" + body
    entries = b"0000000000 65535 f \n%010d 00000 n \n%010d 00000 n \n" % (9, len(start))
    trailer = b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(whole)
    return whole + b"xref\n0 3\n" + entries + trailer


def agrees(pdf: bytes, key: Key) -> bool:
    """Whether an object was read by its bytes; fails when pyHanko reads it otherwise."""
    reader = Reader(pdf, strict=True)
    reference = generic.Reference(*key, reader)
    found = survey(reader, key, reader.xrefs[reference])
    if found is None:
        return False
    held = PdfFileReader(io.BytesIO(pdf)).get_object(reference)
    assert _rounded(as_value(held)) == _rounded(found.value)
    assert tuple(places_in(held)) == found.places
    return True


def _rounded(value: object) -> object:
    """Strings as lengths, numbers as floats: those aren't looked at, so they needn't be unescaped."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, generic.BooleanObject):
        return value.value
    if isinstance(value, bytes | str):
        return "text"
    return float(value) if isinstance(value, int | float | generic.FloatObject) else value


@pytest.mark.parametrize("name", READABLE)
def test_objects_of_real_files_are_read_alike(name: str) -> None:
    pdf = (FILES / f"{name}.pdf").read_bytes()
    reader = Reader(pdf, strict=True)
    references = [
        (each.idnum, each.generation)
        for revision in range(reader.xrefs.total_revisions)
        for each in reader.xrefs.explicit_refs_in_revision(revision)
    ]
    assert sum(agrees(pdf, key) for key in references) > len(references) / 2


PIECES = st.sampled_from(
    [
        b"<<",
        b">>",
        b"[",
        b"]",
        b"/A",
        b"/B",
        b"/V",
        b"/S",
        b"/FT",
        b"/Sig",
        b"/Parent",
        b"/A#20",
        b"1",
        b"-2",
        b".5",
        b"3.",
        b"1 0 R",
        b"2  0 R",
        b"0 0 R",
        b"1\n0\nR",
        b"(a)",
        b"(a\\)",
        b"(a(b))",
        b"<30>",
        b"<3>",
        b"true",
        b"null",
        b"%x",
        b"\x00",
        b"stream\nab\nendstream",
        b"/Length 2",
        b"endobj",
        b"1 0 R/C",
        b"<3 0>",
    ]
)


@given(st.lists(PIECES, max_size=12), st.sampled_from([b" ", b"", b"\n"]))
def test_any_bytes_are_read_alike_or_left_to_pyhanko(pieces: list[bytes], between: bytes) -> None:
    agrees(one_object(between.join([b"<<", *pieces, b">>", b"endobj "])), (2, 0))


@pytest.mark.parametrize(
    "body",
    [
        b"<</A 1/A 2>>\nendobj\n",  # twice the same key
        b"<</A(\\z)>>\nendobj\n",  # an escape that pyHanko refuses
        b"<</A 12            0            R>>\nendobj\n",  # pyHanko takes it for numbers
        b"<</A 0 0 R>>\nendobj\n",
        b"<</S(/JavaScript)>>\nendobj\n",  # counts as what it says
        b"<</S 1 0 R>>\nendobj\n",  # must be followed
        b"<</Length 9>>\nstream\nab\nendstream\nendobj\n",  # does not end where it says
        b"<</A 1>>\nendobj",  # nothing behind it to tell where it ends
        b"<</A 1>> 5\nendobj\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_left_to_pyhanko(body: bytes) -> None:
    reader = Reader(one_object(body), strict=True)
    assert survey(reader, (2, 0), reader.xrefs[generic.Reference(2, 0, reader)]) is None


@pytest.mark.parametrize("name", READABLE)
def test_usages_are_those_that_pyhanko_finds(name: str) -> None:
    """Every object's ways from the trailer, in every revision; the difference analysis stands on them."""
    reader = Reader((FILES / f"{name}.pdf").read_bytes(), strict=True)
    compared = 0
    for revision in range(reader.xrefs.total_revisions):
        theirs = HistoricalResolver(reader, revision)
        theirs._load_reverse_xref_cache()
        graph = graph_of(reader)
        graph.advance(revision_of(reader, revision))
        for each in {
            each
            for number in range(reader.xrefs.total_revisions)
            for each in reader.xrefs.explicit_refs_in_revision(number)
        }:
            expected = {path.path for path in theirs._get_usages_of_ref(each)}
            assert graph.usages((each.idnum, each.generation)) == expected, (revision, each)
            compared += len(expected)
    assert compared > 5


def numbered(*objects: bytes) -> bytes:
    """A PDF out of raw objects, numbered from 1."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return bytes(
        out
    ) + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        entries,
        size,
        len(out),
    )


REFERENCES = st.sampled_from([b"%d 0 R" % number for number in range(2, 10)])
ENTRY = st.builds(
    lambda key, one, more: b"%b[%b]" % (key, b" ".join(more)) if more else b"%b %b" % (key, one),
    st.sampled_from([b"/K", b"/P", b"/Parent", b"/A", b"/Annots", b"/Obj", b"/B"]),
    REFERENCES,
    st.lists(REFERENCES, max_size=3),
)
NODE = st.builds(
    lambda kind, entries: b"<<%b%b>>" % (kind, b"".join(dict.fromkeys(entries))),
    st.sampled_from([b"", b"/Type/StructElem", b"/Type/Annot"]),
    st.lists(ENTRY, max_size=3, unique_by=lambda entry: entry[:3]),
)


@given(st.lists(NODE, min_size=6, max_size=6), st.integers(2, 9))
def test_usages_in_any_tangle_are_those_that_pyhanko_finds(nodes: list[bytes], root: int) -> None:
    """Pages, a structure tree and six more objects that refer to each other in every way."""
    catalog = b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot %d 0 R/X 5 0 R>>" % root
    page = b"<</Type/Page/Parent 2 0 R/Annots[4 0 R 5 0 R]>>"
    pdf = numbered(catalog, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, *nodes)
    reader = Reader(pdf, strict=True)
    theirs = HistoricalResolver(reader, 0)
    try:
        graph = graph_of(reader)
        graph.advance(revision_of(reader, 0))
        found = {number: graph.usages((number, 0)) for number in range(1, 10)}
    except NotPlainError:
        return
    theirs._load_reverse_xref_cache()
    for number, ways in found.items():
        expected = theirs._get_usages_of_ref(generic.Reference(number, 0, reader))
        assert ways == {path.path for path in expected}, number


def test_a_structure_tree_that_is_its_own_only_child_is_left_to_pyhanko() -> None:
    catalog = b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot 4 0 R>>"
    page = b"<</Type/Page/Parent 2 0 R>>"
    pdf = numbered(catalog, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, b"<</K 4 0 R>>")
    reader = Reader(pdf, strict=True)
    with pytest.raises(NotPlainError):
        graph_of(reader).advance(revision_of(reader, 0))


def test_the_structure_tree_is_entered_from_its_root_only() -> None:
    """A widget that an element of the structure tree names, which something else names too."""
    pdf = numbered(
        b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot 4 0 R/X 5 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/Annots[6 0 R]>>",
        b"<</Type/StructTreeRoot/K[5 0 R]/ParentTree<</Nums[0 5 0 R]>>>>",
        b"<</Type/StructElem/S/Form/P 4 0 R/K<</Type/OBJR/Obj 6 0 R>>>>",
        b"<</Type/Annot/P 3 0 R/Parent 7 0 R>>",
        b"<</Kids[6 0 R]>>",
    )
    reader = Reader(pdf, strict=True)
    graph = graph_of(reader)
    graph.advance(revision_of(reader, 0))
    assert graph.usages((6, 0)) == {
        ("/Root", "/Pages", "/Kids", 0, "/Annots", 0),
        ("/Root", "/StructTreeRoot", "/K", 0, "/K", "/Obj"),
    }
