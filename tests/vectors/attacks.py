"""Forgeries that once passed for what was signed, each with the report it must get."""

import io
import re
import struct
from collections.abc import Callable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PdfFileWriter, copy_into_new_writer
from pyhanko.sign.fields import SigFieldSpec

from tests.vectors.catalogue import EMPLOYER, Maker
from tests.vectors.rawupdates import (
    FORGED_TEXT,
    Place,
    Shape,
    appended,
    content_number,
    not_a_number,
    other_document,
    stream,
)
from tests.vectors.stock import plain_pdf, update, with_fields
from tests.vectors.two_faced import Encoded, body, indexed, other_pages, predicted
from tests.vectors.vector import (
    BUT,
    FAILED,
    FORGED,
    INDETERMINATE,
    PASSED,
    UNJUDGED,
    Vector,
    authentic,
    table,
)

MALFORMED = ("update_malformed",)


attack = table("two-faced update")


# two programs read the same bytes differently


def _two_roots(maker: Maker, entry: bytes) -> Vector:
    signed = maker.signed("B-B")
    first = Place.behind(signed).size
    pdf = appended(signed, other_document(first), Shape(extra=entry % first))
    return Vector(pdf, FAILED, FORGED, MALFORMED)


@attack
def second_root(maker: Maker) -> Vector:
    return _two_roots(maker, b"/Root %d 0 R")


@attack
def second_root_spelt_otherwise(maker: Maker) -> Vector:
    return _two_roots(maker, b"/R#6fot %d 0 R")


@attack
def other_root(maker: Maker) -> Vector:
    signed = maker.signed("B-B")
    first = Place.behind(signed).size
    pdf = appended(signed, other_document(first), Shape(root=first))
    return Vector(pdf, FAILED, FORGED, MALFORMED)


def _hidden(maker: Maker, **shape: object) -> Vector:
    signed = maker.signed("B-B")
    shadow = b"%d 0 obj\n%b\nendobj\n" % (content_number(signed), stream(FORGED_TEXT))
    objects = {Place.behind(signed).size: b"<< /A 1 >>"}
    return Vector(
        appended(signed, objects, Shape(hidden=shadow, **shape)),  # type: ignore[arg-type]
        FAILED,
        FORGED,
        MALFORMED,
    )


@attack
def unlisted_object(maker: Maker) -> Vector:
    return _hidden(maker)


@attack
def startxref_not_a_number(maker: Maker) -> Vector:
    return _hidden(maker, startxref=not_a_number)


@attack
def startxref_with_a_sign(maker: Maker) -> Vector:
    return _hidden(maker, startxref=lambda offset: b"+%d" % offset)


@attack
def prev_with_a_sign(maker: Maker) -> Vector:
    return _hidden(maker, prev=lambda offset: b"+%d" % offset)


@attack
def short_table_entry(maker: Maker) -> Vector:
    return _hidden(maker, entry=b"%010d 00000 n\n")


@attack
def table_entry_with_a_sign(maker: Maker) -> Vector:
    return _hidden(maker, entry=b"%010d +0000 n \n")


@attack
def size_too_small(maker: Maker) -> Vector:
    return Vector(appended(maker.signed("B-B"), {}, Shape(size=5)), FAILED, FORGED, MALFORMED)


@attack
def comment_behind(maker: Maker) -> Vector:
    pdf = appended(maker.signed("B-B"), {}, Shape(hidden=b"% a remark of [any] kind\n"))
    return Vector(pdf, FAILED, FORGED, MALFORMED)


@attack
def hybrid_update(maker: Maker) -> Vector:
    """The table lists nothing; a stream that only newer viewers read replaces the page's content."""
    signed = maker.signed("B-B")
    place, content = Place.behind(signed), content_number(signed)
    out = b"\n%d 0 obj\n%b\nendobj\n" % (content, stream(FORGED_TEXT))
    index = len(signed) + len(out)
    rows = struct.pack(">BIH", 1, len(signed) + 1, 0) + struct.pack(">BIH", 1, index, 0)
    out += (
        b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 2] /Index [%d 1 %d 1] /Root %d 0 R /Length %d >>\n"
        b"stream\n%b\nendstream\nendobj\n"
    ) % (place.size, place.size + 1, content, place.size, place.root, len(rows), rows)
    section = len(signed) + len(out)
    out += (
        b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size %d /Root %d 0 R /Prev %d /XRefStm %d >>\n"
        b"startxref\n%d\n%%%%EOF\n"
    ) % (place.size + 1, place.root, place.previous, index, section)
    return Vector(signed + out, FAILED, FORGED, MALFORMED)


@attack
def signed_though_odd(maker: Maker) -> Vector:
    """The signer's own file broke the rules; nothing was added."""
    odd = plain_pdf().replace(b"trailer\n<<", b"trailer\n<< /Foo 1 /Foo 2 ")
    pdf = maker.stock.sign(odd, maker.clerk, strict=False)
    return Vector(pdf, INDETERMINATE, UNJUDGED, ("read_leniently",))


@attack
def end_pushed_out_of_sight(maker: Maker) -> Vector:
    return Vector(maker.signed("B-B") + b" " * 400, FAILED, FORGED, ("bytes_after_end",))


# references that lead nowhere, yet


def _with_missing_content() -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(plain_pdf())))
    page = writer.root["/Pages"]["/Kids"][0]
    missing = generic.IndirectObject(900, 0, writer)
    page[pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), missing])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@attack
def missing_part(maker: Maker) -> Vector:
    pdf = maker.stock.sign(_with_missing_content(), maker.clerk)
    return Vector(pdf, PASSED, BUT, ("reference_dangling",))


@attack
def missing_part_added(maker: Maker) -> Vector:
    signed = maker.stock.sign(_with_missing_content(), maker.clerk)
    pdf = appended(signed, {900: stream(FORGED_TEXT)})
    return Vector(pdf, FAILED, FORGED, ("reference_filled_later",))


# what shows on the page


def _drawing(writer: PdfFileWriter | IncrementalPdfFileWriter, text: bytes) -> generic.IndirectObject:
    drawn = generic.StreamObject(stream_data=b"BT /Helv 14 Tf 4 20 Td (%b) Tj ET" % text)
    drawn[pdf_name("/Type")] = pdf_name("/XObject")
    drawn[pdf_name("/Subtype")] = pdf_name("/Form")
    drawn[pdf_name("/BBox")] = _numbers(0, 0, 340, 60)
    return writer.add_object(drawn)


def _numbers(*numbers: int) -> generic.ArrayObject:
    return generic.ArrayObject(generic.NumberObject(number) for number in numbers)


def _add_field(writer: IncrementalPdfFileWriter, corners: generic.ArrayObject) -> None:
    """An empty signature field whose appearance covers what the page says."""
    look = generic.DictionaryObject({pdf_name("/N"): _drawing(writer, b"9,000 euro")})
    look[pdf_name("/Z")] = generic.ArrayObject(list.__iter__(corners))  # what an appearance uses may be added
    page = writer.root["/Pages"]["/Kids"][0]
    field = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/FT"): pdf_name("/Sig"),
            pdf_name("/T"): generic.pdf_string("x"),
            pdf_name("/F"): generic.NumberObject(4),
            pdf_name("/Rect"): corners,
            pdf_name("/AP"): look,
            pdf_name("/P"): generic.IndirectObject(page.container_ref.idnum, 0, writer),
        }
    )
    reference = writer.add_object(field)
    annotations = page["/Annots"] if "/Annots" in page else ()  # noqa: SIM401 (get() follows no reference)
    page[pdf_name("/Annots")] = generic.ArrayObject([*annotations, reference])
    writer.update_container(page)
    form = writer.root["/AcroForm"]
    form["/Fields"].append(reference)
    writer.update_container(form["/Fields"])


@attack
def overlay_with_indirect_corners(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        corners = [writer.add_object(number) for number in _numbers(60, 700, 400, 760)]
        _add_field(writer, generic.ArrayObject(corners))

    pdf = maker.stock.stamp(update(maker.signed("B-LT"), change))
    return Vector(pdf, FAILED, FORGED, ("visible_field_added",))


@attack
def overlay_without_an_area(maker: Maker) -> Vector:
    pdf = update(maker.signed("B-LT"), lambda writer: _add_field(writer, _numbers(60, 700, 60, 700)))
    return Vector(pdf, FAILED, FORGED, ("visible_field_added",))


def _two_visible_fields() -> bytes:
    boxes = {"employer": (72, 400, 272, 460), "manager": (300, 400, 560, 460)}
    return with_fields(plain_pdf(), *(SigFieldSpec(name, box=box) for name, box in boxes.items()))


@attack
def timestamp_drawn_as_a_signature(maker: Maker) -> Vector:
    def drawn(writer: IncrementalPdfFileWriter) -> None:
        for entry in writer.root["/AcroForm"]["/Fields"]:
            field = entry.get_object()
            if field["/T"] == "manager":
                look = {pdf_name("/N"): _drawing(writer, b"Signed by Bram Verzonnen")}
                field[pdf_name("/AP")] = generic.DictionaryObject(look)
                writer.update_container(field)

    once = maker.stock.sign(_two_visible_fields(), maker.clerk, level="B-LT")
    pdf = maker.stock.stamp(once, field="manager", change=drawn)
    return Vector(pdf, FAILED, FORGED, ("field_redrawn",))


@attack
def visible_signature_archived(maker: Maker) -> Vector:
    """Honest: a stamp that shows, then a timestamp that doesn't."""
    signed = maker.stock.sign(_two_visible_fields(), maker.clerk, level="B-LT")
    return authentic(maker.stock.stamp(signed), "signature_field_empty")


# content that acts


def _acting(writer: IncrementalPdfFileWriter) -> None:
    script = generic.pdf_string('this.getField("a").value = "9000"')
    action = {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): script}
    writer.root[pdf_name("/OpenAction")] = generic.DictionaryObject(action)
    writer.update_root()


@attack
def script_inside(maker: Maker) -> Vector:
    pdf = maker.stock.sign(update(plain_pdf(), _acting), maker.clerk)
    return Vector(pdf, PASSED, BUT, ("active_content",))


# what viewers read otherwise


@attack
def other_pages_by_prediction(maker: Maker) -> Vector:
    pdf = other_pages(maker.signed("B-LT"), b"The employee earns 9,000 euro a month.")
    return Vector(pdf, FAILED, FORGED, MALFORMED)


def _validation_data(maker: Maker, data: bytes, number: int = 0) -> tuple[bytes, dict[int, bytes]]:
    """A file, and an update that adds a stream to its validation data."""
    signed = maker.signed("B-LT")
    place = Place.behind(signed)
    found = re.search(rb"/DSS (\d+) 0 R", body(signed, place.root))
    assert found is not None
    store, new = int(found.group(1)), number or place.size
    entries = re.sub(rb"/CRLs \[", b"/CRLs [ %d 0 R " % new, body(signed, store))
    return signed, {store: entries, new: stream(data)}


def _shadow(maker: Maker) -> bytes:
    return b"\n%d 0 obj\n%b\nendobj\n" % (content_number(maker.signed("B-LT")), stream(FORGED_TEXT))


def _list(maker: Maker) -> bytes:
    return maker.authority.crl("root", maker.now)


@attack
def validation_data_in_a_cross_reference_stream(maker: Maker) -> Vector:
    """Honest."""
    signed, objects = _validation_data(maker, _list(maker))
    return Vector(indexed(signed, objects), PASSED, BUT, ("validation_data_uncovered",))


@attack
def validation_data_in_a_predicted_cross_reference_stream(maker: Maker) -> Vector:
    """Honest."""
    signed, objects = _validation_data(maker, _list(maker))
    pdf = indexed(signed, objects, encoded=predicted())
    return Vector(pdf, PASSED, BUT, ("validation_data_uncovered",))


def _odd_index(maker: Maker, widths: tuple[int, int, int], encoded: Encoded | None = None) -> Vector:
    signed, objects = _validation_data(maker, _list(maker))
    more = {} if encoded is None else {"encoded": encoded}
    return Vector(indexed(signed, objects, widths=widths, **more), FAILED, FORGED, MALFORMED)


@attack
def offsets_of_nine_bytes(maker: Maker) -> Vector:
    return _odd_index(maker, (1, 9, 2))


@attack
def index_without_prediction_in_predicted_rows(maker: Maker) -> Vector:
    return _odd_index(maker, (1, 4, 2), predicted(filter_type=0))


@attack
def kinds_of_five_bytes(maker: Maker) -> Vector:
    return _odd_index(maker, (5, 4, 2))


@attack
def generations_of_sixteen_bytes(maker: Maker) -> Vector:
    return _odd_index(maker, (1, 4, 16))


@attack
def index_predicted_in_four_bits(maker: Maker) -> Vector:
    return _odd_index(maker, (1, 4, 2), predicted(b"/BitsPerComponent 4"))


@attack
def hidden_object_in_validation_data(maker: Maker) -> Vector:
    signed, objects = _validation_data(maker, _shadow(maker))
    return Vector(indexed(signed, objects), FAILED, FORGED, MALFORMED)


@attack
def text_in_validation_data(maker: Maker) -> Vector:
    signed, objects = _validation_data(maker, FORGED_TEXT)
    return Vector(indexed(signed, objects), FAILED, FORGED, ("changed_after_signing",))


@attack
def number_beyond_32_bits(maker: Maker) -> Vector:
    number = 2**32 + content_number(maker.signed("B-LT"))
    signed, objects = _validation_data(maker, FORGED_TEXT, number)
    return Vector(appended(signed, objects), FAILED, FORGED, MALFORMED)


@attack
def number_beyond_what_viewers_take(maker: Maker) -> Vector:
    signed, objects = _validation_data(maker, _list(maker), 8_388_608)
    return Vector(appended(signed, objects), FAILED, FORGED, MALFORMED)


@attack
def signed_though_two_faced(maker: Maker) -> Vector:
    """The signer's own file shows other pages to viewers than to programs."""
    faced = other_pages(plain_pdf(), b"I owe 40 euro.")
    return Vector(maker.stock.sign(faced, maker.clerk), INDETERMINATE, UNJUDGED, ("read_leniently",))


# annotations


def _note(writer: PdfFileWriter, text: bytes) -> generic.IndirectObject:
    look = {pdf_name("/N"): _drawing(writer, text)}
    note = {
        pdf_name("/Type"): pdf_name("/Annot"),
        pdf_name("/Subtype"): pdf_name("/Stamp"),
        pdf_name("/F"): generic.NumberObject(4),
        pdf_name("/Rect"): _numbers(72, 600, 372, 630),
        pdf_name("/AP"): generic.DictionaryObject(look),
    }
    return writer.add_object(generic.DictionaryObject(note))


@attack
def annotations_reordered(maker: Maker) -> Vector:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(plain_pdf())))
    notes = [_note(writer, b"Bonus: 9,000 euro"), _note(writer, b"Bonus: 4,000 euro")]
    writer.root["/Pages"]["/Kids"][0][pdf_name("/Annots")] = generic.ArrayObject(notes)
    out = io.BytesIO()
    writer.write(out)

    def reorder(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0]
        first, second, *rest = list.__iter__(page["/Annots"])
        page[pdf_name("/Annots")] = generic.ArrayObject([second, first, *rest])
        writer.update_container(page)

    signed = maker.stock.sign(out.getvalue(), maker.clerk, level="B-LT")
    return Vector(maker.stock.stamp(signed, change=reorder), FAILED, FORGED, ("changed_after_signing",))


@attack
def overlay_behind_a_thousand_widgets(maker: Maker) -> Vector:
    return _many_widgets(maker, 1000)


@attack
def field_on_two_places(maker: Maker) -> Vector:
    """Neither of its widgets shows yet."""
    return _many_widgets(maker, 2, shown=False)


def _many_widgets(maker: Maker, count: int, *, shown: bool = True) -> Vector:
    def add(writer: IncrementalPdfFileWriter) -> None:
        kind = {pdf_name("/Type"): pdf_name("/Annot"), pdf_name("/Subtype"): pdf_name("/Widget")}
        field = generic.DictionaryObject({pdf_name("/FT"): pdf_name("/Sig")})
        field[pdf_name("/T")] = generic.pdf_string("x")
        above = writer.add_object(field)
        kids = []
        for number in range(count + shown):
            widget = generic.DictionaryObject(kind)
            widget[pdf_name("/Parent")] = above
            widget[pdf_name("/Rect")] = _numbers(0, 0, 0, 0)
            if shown and number == 0:
                widget[pdf_name("/Rect")] = _numbers(60, 700, 460, 760)
                look = {pdf_name("/N"): _drawing(writer, b"9,000 euro")}
                widget[pdf_name("/AP")] = generic.DictionaryObject(look)
            kids.append(writer.add_object(widget))
        field[pdf_name("/Kids")] = generic.ArrayObject(kids)
        page = writer.root["/Pages"]["/Kids"][0]
        there = list.__iter__(page["/Annots"]) if "/Annots" in page else ()
        page[pdf_name("/Annots")] = generic.ArrayObject([*there, kids[0]])
        writer.update_container(page)
        fields = writer.root["/AcroForm"]["/Fields"]
        fields.append(above)
        writer.update_container(fields)

    pdf = maker.stock.stamp(update(maker.signed("B-LT"), add))
    return Vector(pdf, FAILED, FORGED, ("visible_field_added",))


# what is drawn later, or elsewhere


def _with_input(writer: PdfFileWriter) -> None:
    """A text field with a value, whose default appearance names a font that isn't there."""
    field = {
        pdf_name("/Type"): pdf_name("/Annot"),
        pdf_name("/Subtype"): pdf_name("/Widget"),
        pdf_name("/FT"): pdf_name("/Tx"),
        pdf_name("/T"): generic.pdf_string("bonus"),
        pdf_name("/V"): generic.pdf_string("4,000 euro"),
        pdf_name("/F"): generic.NumberObject(4),
        pdf_name("/Rect"): _numbers(72, 600, 372, 630),
        pdf_name("/DA"): generic.pdf_string("/Fx 14 Tf 0 g"),
    }
    made = writer.add_object(generic.DictionaryObject(field))
    writer.root["/Pages"]["/Kids"][0][pdf_name("/Annots")] = generic.ArrayObject([made])
    form = {
        pdf_name("/Fields"): writer.add_object(generic.ArrayObject([made])),
        pdf_name("/DR"): generic.DictionaryObject({pdf_name("/Font"): generic.DictionaryObject()}),
    }
    writer.root[pdf_name("/AcroForm")] = writer.add_object(generic.DictionaryObject(form))


@attack
def font_supplied_later(maker: Maker) -> Vector:
    def supply(writer: IncrementalPdfFileWriter) -> None:
        font = {pdf_name("/Type"): pdf_name("/Font"), pdf_name("/Subtype"): pdf_name("/Type1")}
        font[pdf_name("/BaseFont")] = pdf_name("/Symbol")
        form = writer.root["/AcroForm"]
        fonts = generic.DictionaryObject({pdf_name("/Fx"): generic.DictionaryObject(font)})
        form[pdf_name("/DR")] = generic.DictionaryObject({pdf_name("/Font"): fonts})
        writer.update_container(form)

    signed = maker.stock.sign(with_fields(_written(_with_input), EMPLOYER), maker.clerk, level="B-LT")
    return Vector(maker.stock.stamp(update(signed, supply)), FAILED, FORGED, ("changed_after_signing",))


def _written(change: Callable[[PdfFileWriter], None]) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(plain_pdf())))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@attack
def shown_on_paper_only(maker: Maker) -> Vector:
    def add(writer: PdfFileWriter) -> None:
        note = _note(writer, b"9,000 euro")
        note.get_object()[pdf_name("/F")] = generic.NumberObject(4 | 32)
        writer.root["/Pages"]["/Kids"][0][pdf_name("/Annots")] = generic.ArrayObject([note])

    pdf = maker.stock.sign(_written(add), maker.clerk)
    return Vector(pdf, PASSED, BUT, ("annotation_shown_otherwise",))


# signatures that claim to be timestamps


@attack
def signature_typed_as_a_timestamp(maker: Maker) -> Vector:
    """A signature in a field that was not there before, which its /Type makes out to be a timestamp."""
    pdf = maker.stock.sign(maker.signed("B-B"), maker.manager, field="late", type_name="/DocTimeStamp")
    return Vector(pdf, INDETERMINATE, BUT, ("field_added", "timestamp_mistyped"))


@attack
def timestamp_under_another_name(maker: Maker) -> Vector:
    """One bit of the attribute's number: 1.2.840.113549.1.9.16.2.14 became …15."""
    pdf = maker.signed("B-T")
    for written in (b"060b2a864886f70d010910020e", b"060B2A864886F70D010910020E"):
        pdf = pdf.replace(written, written[:-1] + (b"f" if written.islower() else b"F"))
    codes = ("unsigned_attribute_unknown", "cms_inconsistent")
    return Vector(pdf, INDETERMINATE, BUT, codes)


@attack
def archived_without_a_timestamp_of_its_own(maker: Maker) -> Vector:
    """Odd, but honest."""
    pdf = maker.stock.stamp(maker.signed("B-B"))
    return Vector(pdf, PASSED, BUT, ("signature_timestamp_missing",))


# the end, and the title


@attack
def end_of_an_update_pushed_out_of_sight(maker: Maker) -> Vector:
    return Vector(maker.signed("B-LT") + b" " * 400, FAILED, FORGED, ("bytes_after_end",))


@attack
def update_pushed_away(maker: Maker) -> Vector:
    signed, objects = _validation_data(maker, _list(maker))
    pdf = appended(signed + b"\n" * 400, objects)
    return Vector(pdf, FAILED, FORGED, MALFORMED)


_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    b' xmlns:xmp="http://ns.adobe.com/xap/1.0/"><dc:title><rdf:Alt><rdf:li>Declaration</rdf:li>%b</rdf:Alt>'
    b"</dc:title><dc:identifier>4000</dc:identifier>"
    b"<xmp:CreatorTool>%b</xmp:CreatorTool></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def _packet(data: bytes) -> bytes:
    head = b"<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%b\nendstream"
    return head % (len(data), data)


def _xmp_changed(maker: Maker, change: Callable[[bytes], bytes]) -> Vector:
    first = Place.behind(plain_pdf()).size
    root = Place.behind(plain_pdf()).root
    catalog = body(plain_pdf(), root).rstrip()[:-2] + b"/Metadata %d 0 R >>" % first
    packet = _XMP % (b"", b"A")
    made = appended(plain_pdf(), {first: _packet(packet), root: catalog})
    signed = maker.stock.sign(made, maker.clerk, tool_stamps=False)
    pdf = appended(signed, {first: _packet(change(packet))})
    return Vector(pdf, FAILED, FORGED, ("changed_after_signing",))


@attack
def title_and_identifier_swapped(maker: Maker) -> Vector:
    return _xmp_changed(
        maker,
        lambda packet: (
            packet.replace(b"Declaration", b"@").replace(b"4000", b"Declaration").replace(b"@", b"4000")
        ),
    )


@attack
def title_that_looks_like_a_namespace(maker: Maker) -> Vector:
    more = b"<rdf:li>http://salary-is-99000.example/</rdf:li>"
    return _xmp_changed(maker, lambda _packet: _XMP % (more, b"A"))


@attack
def title_inside_a_tools_name(maker: Maker) -> Vector:
    return _xmp_changed(maker, lambda _packet: _XMP % (b"", b"<dc:title>Salary 99,000 euro</dc:title>"))
