"""Incremental saving: what a later revision may never do to a signed page, in every form that ever worked.

Sources: Mladenov, Mainka, Meyer zu Selhausen, Grothe, Schwenk, "1 Trillion Dollar Refund: How To Spoof PDF
Signatures", CCS 2019, and what follows from it for the parts of a page that they did not touch.
"""

import io
import struct
from collections.abc import Callable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from tests.vectors.catalogue import EMPLOYER, MANAGER, Maker, replace_content
from tests.vectors.rawupdates import (
    FORGED_TEXT,
    Place,
    Shape,
    appended,
    content_number,
    other_document,
    stream,
)
from tests.vectors.stock import plain_pdf, update, with_fields
from tests.vectors.two_faced import body, indexed
from tests.vectors.vector import Vector, forged, table

saving = table("incremental saving")
Change = Callable[[IncrementalPdfFileWriter], None]


def first_page(writer: IncrementalPdfFileWriter) -> Any:
    return writer.root["/Pages"]["/Kids"][0]


def numbers(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject(
        generic.FloatObject(value) if isinstance(value, float) else generic.NumberObject(value)
        for value in values
    )


def dictionary(**entries: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(f"/{key}"): value for key, value in entries.items()})


def drawn(text: bytes) -> generic.StreamObject:
    """A form XObject that writes a line."""
    found = generic.StreamObject(stream_data=b"BT /Helv 14 Tf 4 20 Td (%b) Tj ET" % text)
    font = dictionary(Type=pdf_name("/Font"), Subtype=pdf_name("/Type1"), BaseFont=pdf_name("/Helvetica"))
    found.update(
        dictionary(
            Type=pdf_name("/XObject"),
            Subtype=pdf_name("/Form"),
            BBox=numbers(0, 0, 340, 60),
            Resources=dictionary(Font=dictionary(Helv=font)),
        )
    )
    return found


def _changed(maker: Maker, change: Change, *, before: Change | None = None, pages: int = 1) -> Vector:
    """Signed, then changed; with `before`, that is done to the file before it is signed."""
    if before is None and pages == 1:
        signed = maker.signed("B-B")
    else:
        made = plain_pdf(pages=pages)
        signed = maker.stock.sign(update(made, before) if before else made, maker.clerk)
    return forged(update(signed, change), "changed_after_signing")


@saving
def page_added(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        pages = writer.root["/Pages"]
        page = generic.DictionaryObject(dict(first_page(writer).items()))
        page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=FORGED_TEXT))
        pages["/Kids"].append(writer.add_object(page))
        pages[pdf_name("/Count")] = generic.NumberObject(2)
        writer.update_container(pages)

    return _changed(maker, change)


@saving
def page_removed(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        pages = writer.root["/Pages"]
        del pages["/Kids"][1]
        pages[pdf_name("/Count")] = generic.NumberObject(1)
        writer.update_container(pages)

    return _changed(maker, change, pages=2)


@saving
def pages_swapped(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        pages = writer.root["/Pages"]
        pages[pdf_name("/Kids")] = generic.ArrayObject(reversed(list(list.__iter__(pages["/Kids"]))))
        writer.update_container(pages)

    return _changed(maker, change, pages=2)


@saving
def page_tree_replaced(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        page = generic.DictionaryObject(dict(first_page(writer).items()))
        page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=FORGED_TEXT))
        pages = dictionary(Type=pdf_name("/Pages"), Count=generic.NumberObject(1))
        reference = writer.add_object(pages)
        page[pdf_name("/Parent")] = reference
        pages[pdf_name("/Kids")] = generic.ArrayObject([writer.add_object(page)])
        writer.root[pdf_name("/Pages")] = reference
        writer.update_root()

    return _changed(maker, change)


@saving
def content_added_behind(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        more = writer.add_object(generic.StreamObject(stream_data=FORGED_TEXT))
        page[pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), more])
        writer.update_container(page)

    return _changed(maker, change)


@saving
def page_font_swapped(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        fonts = first_page(writer)["/Resources"]["/Font"]
        for name in fonts:
            fonts[name][pdf_name("/BaseFont")] = pdf_name("/Symbol")
            writer.update_container(fonts[name])

    return _changed(maker, change)


def _with_drawing(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    drawing = writer.add_object(drawn(b"4,000 euro"))
    resources = generic.DictionaryObject(dict(page["/Resources"].items()))
    resources[pdf_name("/XObject")] = dictionary(Amount=drawing)
    page[pdf_name("/Resources")] = resources
    shown = writer.add_object(generic.StreamObject(stream_data=b"q 1 0 0 1 72 500 cm /Amount Do Q"))
    page[pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), shown])
    writer.update_container(page)


@saving
def drawing_replaced(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        drawing = first_page(writer)["/Resources"]["/XObject"]["/Amount"]
        drawing._data, drawing._encoded_data = drawing.data.replace(b"4,000", b"9,000"), None
        writer.update_container(drawing)

    return _changed(maker, change, before=_with_drawing)


@saving
def page_cropped(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        first_page(writer)[pdf_name("/CropBox")] = numbers(0, 0, 595, 700)
        writer.update_container(first_page(writer))

    return _changed(maker, change)


@saving
def page_turned(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        first_page(writer)[pdf_name("/Rotate")] = generic.NumberObject(180)
        writer.update_container(first_page(writer))

    return _changed(maker, change)


@saving
def layer_hidden(maker: Maker) -> Vector:
    def before(writer: IncrementalPdfFileWriter) -> None:
        layer = writer.add_object(dictionary(Type=pdf_name("/OCG"), Name=pdf_string("amounts")))
        groups = generic.ArrayObject([layer])
        shown = writer.add_object(dictionary(ON=groups, Order=groups))
        writer.root[pdf_name("/OCProperties")] = dictionary(OCGs=groups, D=shown)
        writer.update_root()

    def change(writer: IncrementalPdfFileWriter) -> None:
        shown = writer.root["/OCProperties"]["/D"]
        shown[pdf_name("/OFF")] = shown[pdf_name("/ON")]
        del shown["/ON"]
        writer.update_container(shown)

    return _changed(maker, change, before=before)


def _in_catalog(maker: Maker, key: str, value: generic.PdfObject) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        writer.root[pdf_name(key)] = value
        writer.update_root()

    return _changed(maker, change)


@saving
def action_added(maker: Maker) -> Vector:
    action = dictionary(S=pdf_name("/URI"), URI=pdf_string("https://example.org/"))
    return _in_catalog(maker, "/OpenAction", action)


@saving
def script_added(maker: Maker) -> Vector:
    action = dictionary(S=pdf_name("/JavaScript"), JS=pdf_string("app.alert(1)"))
    scripts = dictionary(JavaScript=dictionary(Names=generic.ArrayObject([pdf_string("a"), action])))
    return _in_catalog(maker, "/Names", scripts)


@saving
def attachment_added(maker: Maker) -> Vector:
    file = dictionary(Type=pdf_name("/Filespec"), F=pdf_string("data.json"))
    files = dictionary(EmbeddedFiles=dictionary(Names=generic.ArrayObject([pdf_string("data.json"), file])))
    return _in_catalog(maker, "/Names", files)


@saving
def outline_added(maker: Maker) -> Vector:
    return _in_catalog(
        maker, "/Outlines", dictionary(Type=pdf_name("/Outlines"), Count=generic.NumberObject(0))
    )


@saving
def language_changed(maker: Maker) -> Vector:
    return _in_catalog(maker, "/Lang", pdf_string("fy"))


@saving
def labels_changed(maker: Maker) -> Vector:
    labels = generic.ArrayObject([generic.NumberObject(0), dictionary(P=pdf_string("Annex "))])
    return _in_catalog(maker, "/PageLabels", dictionary(Nums=labels))


def _in_form(maker: Maker, key: str, value: generic.PdfObject) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        form = writer.root["/AcroForm"]
        form[pdf_name(key)] = value
        writer.update_container(form)

    return _changed(maker, change)


@saving
def appearances_asked_for(maker: Maker) -> Vector:
    return _in_form(maker, "/NeedAppearances", generic.BooleanObject(True))


@saving
def dynamic_form_added(maker: Maker) -> Vector:
    return _in_form(maker, "/XFA", generic.ArrayObject([pdf_string("template"), pdf_string("x")]))


@saving
def replaced_between_signatures(maker: Maker) -> Vector:
    """The second signer signed the forgery."""
    once = maker.stock.sign(with_fields(plain_pdf(), EMPLOYER, MANAGER), maker.clerk)
    pdf = maker.stock.sign(update(once, replace_content), maker.manager, field="manager")
    return forged(pdf, "changed_after_signing")


@saving
def replaced_while_signing(maker: Maker) -> Vector:
    once = maker.stock.sign(with_fields(plain_pdf(), EMPLOYER, MANAGER), maker.clerk)
    pdf = maker.stock.sign(once, maker.manager, field="manager", change=replace_content)
    return forged(pdf, "changed_after_signing")


@saving
def replaced_before_an_archive_timestamp(maker: Maker) -> Vector:
    pdf = maker.stock.stamp(update(maker.signed("B-LT"), replace_content))
    return forged(pdf, "changed_after_signing")


@saving
def replaced_and_put_back(maker: Maker) -> Vector:
    """It looks as it was signed, but another version of it is in the file."""
    signed = maker.signed("B-B")
    number = content_number(signed)
    pdf = appended(update(signed, replace_content), {number: body(signed, number)})
    return forged(pdf, "changed_after_signing")


@saving
def replaced_in_a_cross_reference_stream(maker: Maker) -> Vector:
    signed = maker.signed("B-B")
    pdf = indexed(signed, {content_number(signed): stream(FORGED_TEXT)})
    return forged(pdf, "changed_after_signing")


@saving
def replaced_in_an_object_stream(maker: Maker) -> Vector:
    """The page is written anew inside an object stream, with another content."""
    signed = maker.signed("B-B")
    reader = PdfFileReader(io.BytesIO(signed))
    page = reader.root["/Pages"]["/Kids"].raw_get(0).idnum
    place = Place.behind(signed)
    other = body(signed, page).replace(
        b"/Contents %d 0 R" % content_number(signed), b"/Contents %d 0 R" % place.size
    )
    assert other != body(signed, page)
    head = b"%d 0 " % page
    holder = b"<< /Type /ObjStm /N 1 /First %d /Length %d >>\nstream\n%b\nendstream" % (
        *(len(head), len(head + other)),
        head + other,
    )
    objects = {place.size: stream(FORGED_TEXT), place.size + 1: holder}
    pdf = indexed(signed, objects, packed={page: place.size + 1}, number=place.size + 2)
    return forged(pdf, "changed_after_signing")


@saving
def replaced_with_another_generation(maker: Maker) -> Vector:
    signed = maker.signed("B-B")
    pdf = appended(signed, {content_number(signed): stream(FORGED_TEXT)}, Shape(entry=b"%010d 00001 n \n"))
    return forged(pdf.replace(b"\n%d 0 obj" % content_number(signed), b"\n%d 1 obj" % content_number(signed)))


@saving
def object_without_an_index(maker: Maker) -> Vector:
    signed = maker.signed("B-B")
    shadow = b"%d 0 obj\n%b\nendobj\n" % (content_number(signed), stream(FORGED_TEXT))
    return forged(signed + b"\n" + shadow)


@saving
def index_without_a_trailer(maker: Maker) -> Vector:
    pdf = appended(maker.signed("B-B"), {content_number(maker.signed("B-B")): stream(FORGED_TEXT)})
    start = pdf.rindex(b"trailer\n")
    return forged(pdf[:start] + b"%%EOF\n")


@saving
def trailer_without_an_index(maker: Maker) -> Vector:
    signed = maker.signed("B-B")
    pdf = appended(signed, {content_number(signed): stream(FORGED_TEXT)})
    start, end = pdf.rindex(b"xref\n0 1"), pdf.rindex(b"trailer\n")
    return forged(pdf[:start] + pdf[end:])


@saving
def signed_revision_skipped(maker: Maker) -> Vector:
    """/Prev leads past the revision that the signature made."""
    made = with_fields(plain_pdf(), EMPLOYER)
    signed = maker.stock.sign(made, maker.clerk)
    first = Place.behind(made)
    objects = {content_number(made): stream(FORGED_TEXT)}
    return forged(appended(signed, objects, Shape(prev=lambda _: b"%d" % first.previous)), "update_malformed")


@saving
def whole_document_behind(maker: Maker) -> Vector:
    """Another PDF behind the signed one, with an index of its own and no way back."""
    signed = maker.signed("B-B")
    place = Place.behind(signed)
    objects = other_document(place.size)
    pdf = appended(signed, objects, Shape(root=place.size))
    start = pdf.rindex(b"/Prev")
    end = pdf.index(b" ", start + len(b"/Prev "))
    return forged(pdf[:start] + b" " * (end - start) + pdf[end:])


@saving
def signature_copied(maker: Maker) -> Vector:
    """The page is replaced, and a new field shows the old signature as if it were of now."""
    signed = maker.signed("B-B")

    def change(writer: IncrementalPdfFileWriter) -> None:
        replace_content(writer)
        form = writer.root["/AcroForm"]
        old = next(iter(form["/Fields"])).get_object()
        copy = generic.DictionaryObject(dict(old.items()))
        copy[pdf_name("/T")] = pdf_string("manager")
        form["/Fields"].append(writer.add_object(copy))
        writer.update_container(form["/Fields"])

    return forged(update(signed, change), "changed_after_signing")


@saving
def validation_data_and_more(maker: Maker) -> Vector:
    """An update that looks like validation data, and changes the page too."""
    signed = maker.signed("B-LT")
    number = content_number(signed)
    pdf = maker.stock.remember_lists(signed)
    at = pdf.rindex(b"\nxref")
    extra = b"\n%d 0 obj\n%b\nendobj" % (number, stream(FORGED_TEXT))
    table_entry = b"%d 1\n%010d 00000 n \n" % (number, at + 1)
    moved = pdf[:at] + extra + pdf[at:]
    trailer = moved.rindex(b"trailer")
    moved = moved[:trailer] + table_entry + moved[trailer:]
    start = moved.rindex(b"startxref\n") + len(b"startxref\n")
    end = moved.index(b"\n", start)
    return forged(moved[:start] + b"%d" % (at + len(extra) + 1) + moved[end:], "changed_after_signing")


@saving
def hidden_in_a_hybrid_update(maker: Maker) -> Vector:
    """The table adds validation data; the stream that newer viewers read replaces the page."""
    signed = maker.signed("B-LT")
    place, content = Place.behind(signed), content_number(signed)
    out = b"\n%d 0 obj\n%b\nendobj\n" % (content, stream(FORGED_TEXT))
    index = len(signed) + len(out)
    rows = struct.pack(">BIH", 1, len(signed) + 1, 0)
    out += (
        b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 2] /Index [%d 1] /Root %d 0 R /Length %d >>\n"
        b"stream\n%b\nendstream\nendobj\n"
    ) % (place.size, place.size + 1, content, place.root, len(rows), rows)
    section = len(signed) + len(out)
    out += (
        b"xref\n0 1\n0000000000 65535 f \n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %d 0 R /Prev %d "
        b"/XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n"
    ) % (place.size, index, place.size + 1, place.root, place.previous, index, section)
    return forged(signed + out)
