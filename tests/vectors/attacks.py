"""Forgeries that once passed for what was signed, each with the report it must get."""

import io
import struct
from collections.abc import Callable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import SigFieldSpec

from tests.vectors.catalogue import (
    AUTHENTIC,
    BUT,
    FAILED,
    FORGED,
    INDETERMINATE,
    PASSED,
    UNJUDGED,
    Maker,
    Vector,
)
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

ATTACKS: dict[str, Callable[[Maker], Vector]] = {}
MALFORMED = ("update_malformed",)


def attack(make: Callable[[Maker], Vector]) -> Callable[[Maker], Vector]:
    """Enter a forgery in the table under its own name."""
    ATTACKS[make.__name__] = make
    return make


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
    pdf = appended(maker.signed("B-B"), {}, Shape(hidden=b"% a remark\n"))
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


def _drawing(writer: IncrementalPdfFileWriter, text: bytes) -> generic.IndirectObject:
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
    return Vector(maker.stock.stamp(signed), PASSED, AUTHENTIC)


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
