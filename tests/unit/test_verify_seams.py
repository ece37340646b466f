"""Files cut at their seams: what two of them begin with alike, and what is left to the whole validation."""

import re
from pathlib import Path

import pytest

from signing.verify.seams import Beginning, Seamless, _Knife, common_beginning, cut
from tests.vectors.rawupdates import Place, Shape, appended, stream
from tests.vectors.two_faced import body

PDF = (Path(__file__).parent.parent / "vectors" / "layouts" / "now_b_lt.pdf").read_bytes()


def test_what_files_begin_with_ends_before_the_first_signature() -> None:
    found = common_beginning(PDF, PDF + b"\n")
    assert found is not None
    assert len(found.data) <= PDF.index(b"/ByteRange")
    assert cut(PDF, found) == cut(PDF)


def test_a_beginning_with_a_signature_is_refused() -> None:
    """Its texts and its range would be taken for those of every file that begins so."""
    end = PDF.index(b"endobj", PDF.index(b"/ByteRange")) + len(b"endobj\n")
    with pytest.raises(Seamless, match="a signature"):
        Beginning(PDF[:end], (), _Knife(PDF[:end]))
    knife = _Knife(PDF)
    knife.signatures += cut(PDF).signatures
    with pytest.raises(Seamless, match="a signature"):
        Beginning(PDF[:5000], (), knife)


def info(number: int = 0) -> Shape:
    """The trailer's entry for the document's information, as before or another object."""
    was = int(re.findall(rb"/Info (\d+) 0 R", PDF)[-1])
    return Shape(extra=b"/Info %d 0 R" % (number or was))


def test_an_update_with_a_title_of_its_own_is_left_to_the_whole_validation() -> None:
    """Which compares it with the one before; here it would be a slot."""
    place = Place.behind(PDF)
    assert cut(appended(PDF, {place.root: body(PDF, place.root)}, info()))
    with pytest.raises(Seamless, match="another title"):
        cut(appended(PDF, {place.size: b"<</Title(Another)>>"}, info(place.size)))


@pytest.mark.parametrize("name", [b"/Metadata", b"/Met#61data"])
def test_an_update_with_metadata_of_its_own_is_left_to_the_whole_validation(name: bytes) -> None:
    place = Place.behind(PDF)
    catalog, count = re.subn(rb"/Metadata \d+", name + b" %d" % place.size, body(PDF, place.root))
    assert count == 1
    with pytest.raises(Seamless, match=r"another title|spelt otherwise"):
        cut(appended(PDF, {place.root: catalog, place.size: stream(b"<x/>")}, info()))


def test_a_length_that_stands_in_a_text_is_none() -> None:
    place = Place.behind(PDF)
    for head, meant in ((b"/Length 1 /Title (b)", True), (b"/Length  9 /Title (/Length 1 )", False)):
        pdf = appended(PDF, {place.size: b"<<%b>>\nstream\nx\nendstream" % head}, info())
        if meant:
            assert cut(pdf)
            continue
        with pytest.raises(Seamless, match="in a text"):
            cut(pdf)


def test_of_what_draws_an_annotation_the_form_says_whether_it_draws() -> None:
    """A hidden one that draws is worth a remark, one that draws nothing isn't."""
    first = Place.behind(PDF).size

    def drawn(kind: bytes, data: bytes, name: bytes = b"/N") -> bytes:
        look = stream(data).replace(b"<<", b"<<" + kind, 1)
        hidden = b"<</Type/Annot/Subtype/Stamp/F 2/Rect[1 2 3 4]/AP<<%b %d 0 R>>>>" % (name, first + 1)
        return cut(appended(PDF, {first: hidden, first + 1: look}, info())).form

    assert drawn(b"/Subtype/Form", b"BT (9) Tj ET") == drawn(b"/Subtype/Form", b"BT (8) Tj ET")
    assert drawn(b"/Subtype/Form", b"BT (9) Tj ET") != drawn(b"/Subtype/Form", b" ")
    for kind, name in ((b"", b"/N"), (b"/Subtype/Form", b"/#4E")):
        with pytest.raises(Seamless):
            drawn(kind, b" ", name)


@pytest.mark.parametrize(
    ("entry", "listed"),
    [(b"/VRI<</AB<</Cert[%d 0 R]>>>>", True), (b"/VRI<</AB<</TS %d 0 R>>>>", False), (b"/VRI %d 0 R", False)],
)
def test_all_that_a_store_leads_to_is_looked_at(entry: bytes, listed: bool) -> None:
    """What is in no list of the store would be a slot that nobody looks into."""
    place = Place.behind(PDF)
    number = int(re.findall(rb"/DSS (\d+) 0 R", PDF)[-1])
    store = body(PDF, number)
    certificate = int(re.findall(rb"/Certs ?\[(\d+)", store)[-1])
    leads_to = certificate if listed else place.size
    written = {
        number: store.replace(b"<<", b"<<" + entry % leads_to, 1),
        place.size: b"<</AB<</OCSP[%d 0 R]>>>>" % (place.size + 1),
        place.size + 1: stream(b"anything"),
    }
    pdf = appended(PDF, written if not listed else {number: written[number]}, info())
    if listed:
        assert cut(pdf).stored[b"Certs"]
        return
    with pytest.raises(Seamless, match="leads to more"):
        cut(pdf)


def test_a_store_needs_no_type_to_be_one() -> None:
    number = int(re.findall(rb"/DSS (\d+) 0 R", PDF)[-1])
    untyped = re.sub(rb"/Type/DSS|/Certs ?\[[^]]*\]", b"", body(PDF, number))
    assert cut(PDF).stored[b"Certs"]
    assert cut(appended(PDF, {number: untyped}, info())).stored[b"Certs"] == []
