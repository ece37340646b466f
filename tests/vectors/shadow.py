"""Shadow attacks, evil annotations, sneaky signatures: prepared before signing, or only drawn over it.

Sources: Mainka, Mladenov, Rohlmann, "Shadow Attacks: Hiding and Replacing Content in Signed PDFs", NDSS 2021;
Rohlmann, Mladenov, Mainka, Schwenk, "Breaking the Specification: PDF Certification", IEEE S&P 2021.
"""

import io
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec

from tests.vectors.catalogue import EMPLOYER, MANAGER, Maker
from tests.vectors.pki import Branch
from tests.vectors.rawupdates import FORGED_TEXT, Place, Shape, appended, content_number, stream
from tests.vectors.saving import Change, dictionary, drawn, first_page, numbers
from tests.vectors.stock import plain_pdf, update, with_fields
from tests.vectors.two_faced import body
from tests.vectors.vector import Vector, doubted, forged, table

shadow = table("shadow")
evil = table("evil annotation or sneaky signature")
overlay = table("foreign overlay signature")
MARKUP = ("FreeText", "Stamp", "Square", "Redact", "Text", "Link", "Highlight")


def annotation(writer: Any, kind: str, text: bytes = b"9,000 euro", flags: int = 4) -> generic.IndirectObject:
    look = writer.add_object(drawn(text))
    found = dictionary(
        Type=pdf_name("/Annot"),
        Subtype=pdf_name(f"/{kind}"),
        F=generic.NumberObject(flags),
        Rect=numbers(60, 700, 400, 760),
        Contents=pdf_string(text.decode()),
        AP=dictionary(N=look),
    )
    return writer.add_object(found)


def with_annotation(writer: IncrementalPdfFileWriter, reference: generic.IndirectObject) -> None:
    """Add it to the first page, above what is there."""
    page = first_page(writer)
    there = list.__iter__(page["/Annots"]) if "/Annots" in page else ()
    page[pdf_name("/Annots")] = generic.ArrayObject([*there, reference])
    writer.update_container(page)


def _signed(maker: Maker, before: Change, *, form: bool = False, level: str = "B-B") -> bytes:
    return maker.stock.sign(update(plain_pdf(form=form), before), maker.clerk, level=level)


def _stamp_over(writer: IncrementalPdfFileWriter) -> None:
    with_annotation(writer, annotation(writer, "Stamp", b"4,000 euro"))


@shadow
def cover_taken_off(maker: Maker) -> Vector:
    """Hide: what covered the text when it was signed goes away."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        page[pdf_name("/Annots")] = generic.ArrayObject(list(list.__iter__(page["/Annots"]))[1:])
        writer.update_container(page)

    return forged(update(_signed(maker, _stamp_over), change), "changed_after_signing")


def _cover_number(pdf: bytes) -> int:
    page = PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Kids"][0]
    return int(next(list.__iter__(page["/Annots"])).idnum)


@shadow
def cover_freed(maker: Maker) -> Vector:
    """Hide: the covering object is declared free; the page still refers to it."""
    signed = _signed(maker, _stamp_over)
    cover = _cover_number(signed)
    pdf = appended(signed, {})
    at = pdf.rindex(b"0 1\n0000000000 65535 f \n")
    freed = b"0 1\n%010d 65535 f \n%d 1\n0000000000 00001 f \n" % (cover, cover)
    return forged(pdf[:at] + freed + pdf[at + len(b"0 1\n0000000000 65535 f \n") :], "changed_after_signing")


@shadow
def cover_emptied(maker: Maker) -> Vector:
    signed = _signed(maker, _stamp_over)
    pdf = appended(signed, {_cover_number(signed): b"null"})
    return forged(pdf, "changed_after_signing")


@shadow
def cover_made_transparent(maker: Maker) -> Vector:
    """Hide: the covering drawing is replaced by nothing."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        look = next(iter(first_page(writer)["/Annots"])).get_object()["/AP"]["/N"]
        look._data, look._encoded_data = b"", None
        writer.update_container(look)

    return forged(update(_signed(maker, _stamp_over), change), "changed_after_signing")


@shadow
def field_value_shown_again(maker: Maker) -> Vector:
    """Replace: the field holds 9,000 and draws 4,000; without its drawing viewers draw what it holds."""

    def before(writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(writer.root["/AcroForm"]["/Fields"])).get_object()
        field[pdf_name("/V")] = pdf_string("9,000 euro")
        writer.update_container(field)

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(writer.root["/AcroForm"]["/Fields"])).get_object()
        del field["/AP"]
        writer.update_container(field)

    pdf = update(_signed(maker, before, form=True), change)
    return forged(pdf)


@shadow
def field_drawing_replaced(maker: Maker) -> Vector:
    """Replace: the field keeps its value and draws another."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(writer.root["/AcroForm"]["/Fields"])).get_object()
        field[pdf_name("/AP")] = dictionary(N=writer.add_object(drawn(b"9,000 euro")))
        writer.update_container(field)

    return forged(update(_signed(maker, lambda _: None, form=True), change))


@shadow
def font_program_replaced(maker: Maker) -> Vector:
    """Replace: the same text drawn with other shapes of letters."""

    def before(writer: IncrementalPdfFileWriter) -> None:
        fonts = first_page(writer)["/Resources"]["/Font"]
        for name in fonts:
            program = generic.StreamObject(stream_data=b"a font in which 4 looks like 4")
            described = dictionary(
                Type=pdf_name("/FontDescriptor"),
                FontName=pdf_name("/Own"),
                Flags=generic.NumberObject(32),
                FontFile2=writer.add_object(program),
            )
            fonts[name][pdf_name("/FontDescriptor")] = writer.add_object(described)
            writer.update_container(fonts[name])

    def change(writer: IncrementalPdfFileWriter) -> None:
        fonts = first_page(writer)["/Resources"]["/Font"]
        program = next(fonts[name] for name in fonts)["/FontDescriptor"]["/FontFile2"]
        program._data, program._encoded_data = b"a font in which 4 looks like 9", None
        writer.update_container(program)

    return forged(update(_signed(maker, before), change), "changed_after_signing")


def _with_shadow_content() -> tuple[bytes, int]:
    """A file that holds a second version of its text which nothing shows, and where that stands."""
    plain = plain_pdf()
    hidden = b"%d 0 obj\n%b\nendobj\n" % (content_number(plain), stream(FORGED_TEXT))
    pdf = appended(plain, {Place.behind(plain).size: b"<< /A 1 >>"}, Shape(hidden=hidden))
    return pdf, pdf.index(hidden)


@shadow
def index_leads_to_the_shadow(maker: Maker) -> Vector:
    """Hide and replace: the update is an index alone; the other version was in what was signed."""
    prepared, offset = _with_shadow_content()
    signed = maker.stock.sign(prepared, maker.clerk)
    pdf = appended(signed, {})
    at = pdf.rindex(b"trailer\n")
    entry = b"%d 1\n%010d 00000 n \n" % (content_number(prepared), offset)
    return forged(pdf[:at] + entry + pdf[at:])


@shadow
def catalog_leads_to_the_shadow(maker: Maker) -> Vector:
    """Hide and replace: a second page tree was in what was signed, and nothing led there."""

    def before(writer: IncrementalPdfFileWriter) -> None:
        page = generic.DictionaryObject(dict(first_page(writer).items()))
        page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=FORGED_TEXT))
        kids = generic.ArrayObject([writer.add_object(page)])
        pages = dictionary(Type=pdf_name("/Pages"), Count=generic.NumberObject(1), Kids=kids)
        page[pdf_name("/Parent")] = writer.add_object(pages)

    signed = _signed(maker, before)
    page = next(
        number
        for number in range(1, Place.behind(signed).size)
        if b"/Type /Pages" in _body_or_nothing(signed, number) and number != _tree(signed)
    )
    catalog = body(signed, Place.behind(signed).root)
    other = catalog.replace(b"/Pages %d 0 R" % _tree(signed), b"/Pages %d 0 R" % page)
    assert other != catalog
    return forged(appended(signed, {Place.behind(signed).root: other}), "changed_after_signing")


def _tree(pdf: bytes) -> int:
    return int(PdfFileReader(io.BytesIO(pdf)).root.raw_get("/Pages").idnum)


def _body_or_nothing(pdf: bytes, number: int) -> bytes:
    try:
        return body(pdf, number)
    except IndexError:
        return b""


@shadow
def annotation_unhidden(maker: Maker) -> Vector:
    def before(writer: IncrementalPdfFileWriter) -> None:
        with_annotation(writer, annotation(writer, "Stamp", b"9,000 euro", flags=2))

    def change(writer: IncrementalPdfFileWriter) -> None:
        found = next(iter(first_page(writer)["/Annots"])).get_object()
        found[pdf_name("/F")] = generic.NumberObject(4)
        writer.update_container(found)

    return forged(update(_signed(maker, before), change), "changed_after_signing")


@shadow
def widget_moved(maker: Maker) -> Vector:
    def change(writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(writer.root["/AcroForm"]["/Fields"])).get_object()
        field[pdf_name("/Rect")] = numbers(72, 700, 372, 760)
        writer.update_container(field)

    return forged(update(_signed(maker, lambda _: None, form=True), change))


# evil annotations on approved and certified files


def _annotated(maker: Maker, kind: str, permission: MDPPerm | None) -> bytes:
    signed = maker.stock.sign(plain_pdf(), maker.clerk, certify=permission)
    return update(signed, lambda writer: with_annotation(writer, annotation(writer, kind)))


def _enter_annotations() -> None:
    def approved(kind: str) -> Any:
        return lambda maker: forged(_annotated(maker, kind, None), "changed_after_signing")

    for kind in MARKUP:
        make = approved(kind)
        make.__name__ = f"{kind.lower()}_added_after_approval"
        evil(make)


_enter_annotations()


@evil
def stamp_added_against_p1(maker: Maker) -> Vector:
    return forged(_annotated(maker, "Stamp", MDPPerm.NO_CHANGES), "changed_after_signing")


@evil
def stamp_added_against_p2(maker: Maker) -> Vector:
    return forged(_annotated(maker, "Stamp", MDPPerm.FILL_FORMS), "changed_after_signing")


@evil
def annotation_that_acts_added_under_p3(maker: Maker) -> Vector:
    """P=3 allows comments, not what does something when it is clicked."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        reference = annotation(writer, "Link")
        action = dictionary(S=pdf_name("/JavaScript"), JS=pdf_string("app.alert(1)"))
        reference.get_object()[pdf_name("/A")] = action
        with_annotation(writer, reference)

    signed = maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.ANNOTATE)
    return forged(update(signed, change), "changed_after_signing")


def _commented(maker: Maker, kind: str = "Text", /, **entries: Any) -> bytes:
    """Certified with P=3, then an annotation of this kind with these entries."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        reference = annotation(writer, kind)
        reference.get_object().update(dictionary(**entries))
        with_annotation(writer, reference)

    return update(maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.ANNOTATE), change)


def _opaque(writer: IncrementalPdfFileWriter, kind: str) -> None:
    """Cover the amount, and write another over it."""
    reference = annotation(writer, kind)
    look = reference.get_object()["/AP"]["/N"]
    look._data, look._encoded_data = b"1 g 0 0 340 60 re f 0 g " + drawn(b"9,000 euro")._data, None
    with_annotation(writer, reference)


def _covered(maker: Maker, kind: str) -> bytes:
    made = with_fields(plain_pdf(), EMPLOYER, MANAGER)
    certified = maker.stock.sign(made, maker.clerk, certify=MDPPerm.ANNOTATE)
    return update(certified, lambda writer: _opaque(writer, kind))


@evil
def text_box_over_the_amount_then_timestamp(maker: Maker) -> Vector:
    """P=3 allows it, and anybody can have it timestamped: that doesn't say what was certified."""
    pdf = maker.stock.stamp(_covered(maker, "FreeText"))
    codes = ("commented_as_permitted", "comment_shows", "signature_timestamp_missing")
    return doubted(pdf, *codes, "signature_field_empty")


@evil
def stamp_over_the_amount_then_signed(maker: Maker) -> Vector:
    pdf = maker.stock.sign(_covered(maker, "Stamp"), maker.manager, field="manager")
    return doubted(pdf, "commented_as_permitted", "comment_shows")


@evil
def redaction_added_under_p3(maker: Maker) -> Vector:
    return forged(_commented(maker, "Redact"), "changed_after_signing")


@evil
def comment_with_an_action_under_p3(maker: Maker) -> Vector:
    action = dictionary(S=pdf_name("/URI"), URI=pdf_string("http://127.0.0.1:9/"))
    return forged(_commented(maker, A=action), "changed_after_signing")


@evil
def comment_that_acts_when_pointed_at_under_p3(maker: Maker) -> Vector:
    action = dictionary(S=pdf_name("/JavaScript"), JS=pdf_string("app.alert(1)"))
    return forged(_commented(maker, AA=dictionary(E=action)), "changed_after_signing", "active_content")


@evil
def comment_in_a_layer_under_p3(maker: Maker) -> Vector:
    """It shows when its layer is switched on."""
    layer = dictionary(Type=pdf_name("/OCG"), Name=pdf_string("amount"))
    return forged(_commented(maker, OC=layer), "changed_after_signing")


@evil
def field_dressed_as_a_comment_under_p3(maker: Maker) -> Vector:
    entries = {"FT": pdf_name("/Tx"), "V": pdf_string("9,000 euro")}
    return forged(_commented(maker, "FreeText", **entries), "changed_after_signing")


@evil
def comment_that_brings_another_drawing_under_p3(maker: Maker) -> Vector:
    """What the comment draws is an object that was there, and was changed along with it: the page's text."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        text = page["/Contents"]
        text._data, text._encoded_data = FORGED_TEXT, None
        writer.update_container(text)
        found = dictionary(
            Type=pdf_name("/Annot"),
            Subtype=pdf_name("/Text"),
            F=generic.NumberObject(4),
            Rect=numbers(60, 700, 400, 760),
            AP=dictionary(N=page.raw_get("/Contents")),
        )
        with_annotation(writer, writer.add_object(found))

    signed = maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.ANNOTATE)
    return forged(update(signed, change), "changed_after_signing")


@evil
def comment_below_the_others_under_p3(maker: Maker) -> Vector:
    """It is put before the annotations that were there."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        listed = [annotation(writer, "Text"), *list.__iter__(page["/Annots"])]
        page[pdf_name("/Annots")] = generic.ArrayObject(listed)
        writer.update_container(page)

    made = update(plain_pdf(), _stamp_over)
    signed = maker.stock.sign(made, maker.clerk, certify=MDPPerm.ANNOTATE)
    return forged(update(signed, change), "changed_after_signing")


@evil
def cover_taken_off_under_p3(maker: Maker) -> Vector:
    """P=3 allows to delete annotations; this one covered something when it was certified."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        page[pdf_name("/Annots")] = generic.ArrayObject(list(list.__iter__(page["/Annots"]))[1:])
        writer.update_container(page)

    made = update(plain_pdf(), _stamp_over)
    signed = maker.stock.sign(made, maker.clerk, certify=MDPPerm.ANNOTATE)
    return forged(update(signed, change), "changed_after_signing")


@evil
def commented_after_approval_of_what_was_certified(maker: Maker) -> Vector:
    """The certification allows it; who approved it afterwards did not."""
    made = with_fields(plain_pdf(), EMPLOYER, MANAGER)
    certified = maker.stock.sign(made, maker.clerk, certify=MDPPerm.ANNOTATE)
    approved = maker.stock.sign(certified, maker.manager, field="manager")
    pdf = update(approved, lambda writer: with_annotation(writer, annotation(writer, "Text", b"seen")))
    return forged(pdf, "changed_after_signing")


@evil
def text_replaced_under_p3(maker: Maker) -> Vector:
    signed = maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.ANNOTATE)
    pdf = appended(signed, {content_number(signed): stream(FORGED_TEXT)})
    return forged(pdf, "changed_after_signing")


@evil
def sneaky_signature_on_a_certified_file(maker: Maker) -> Vector:
    """P=2 allows signing; a field that is drawn over the text was not there."""
    once = maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.FILL_FORMS)
    pdf = maker.stock.sign(once, maker.manager, field="sneaky", box=(60, 700, 400, 760))
    return forged(pdf, "visible_field_added")


@evil
def sneaky_field_left_empty(maker: Maker) -> Vector:
    once = maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.FILL_FORMS)
    pdf = with_fields(once, SigFieldSpec("sneaky", box=(60, 700, 400, 760)))
    return forged(pdf, "visible_field_added")


# foreign overlay signatures


@overlay
def overlay_by_a_stranger(maker: Maker) -> Vector:
    stranger = Branch.root("Nobody's root", maker.now).issue("Anna Voorbeeld")
    pdf = maker.stock.sign(maker.signed("B-B"), stranger, field="overlay", box=(60, 700, 400, 760))
    return forged(pdf, "visible_field_added", "chain_unknown")


@overlay
def overlay_then_archive_timestamp(maker: Maker) -> Vector:
    once = maker.stock.sign(maker.signed("B-B"), maker.manager, field="overlay", box=(60, 700, 400, 760))
    return forged(maker.stock.stamp(once), "visible_field_added")


@overlay
def timestamp_over_the_text(maker: Maker) -> Vector:
    """A document timestamp in a visible field that was not there."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        for entry in writer.root["/AcroForm"]["/Fields"]:
            field = entry.get_object()
            if field["/T"] == "overlay":
                field[pdf_name("/Rect")] = numbers(60, 700, 400, 760)
                field[pdf_name("/AP")] = dictionary(N=writer.add_object(drawn(b"9,000 euro")))

    pdf = maker.stock.stamp(maker.signed("B-B"), field="overlay", change=change)
    return forged(pdf, "visible_field_added")


def _move(writer: IncrementalPdfFileWriter) -> None:
    for entry in writer.root["/AcroForm"]["/Fields"]:
        field = entry.get_object()
        if field["/T"] == "manager":
            field[pdf_name("/Rect")] = numbers(60, 700, 400, 760)
            writer.update_container(field)


@overlay
def made_field_moved_over_the_text(maker: Maker) -> Vector:
    """The field was there, at the foot of the page; it was moved while it was signed."""
    made = with_fields(plain_pdf(), EMPLOYER, SigFieldSpec("manager", box=(72, 100, 272, 160)))
    once = maker.stock.sign(made, maker.clerk)
    return forged(maker.stock.sign(once, maker.manager, field="manager", change=_move))


@overlay
def made_invisible_field_given_a_place(maker: Maker) -> Vector:
    once = maker.stock.sign(with_fields(plain_pdf(), EMPLOYER, MANAGER), maker.clerk)
    return forged(maker.stock.sign(once, maker.manager, field="manager", change=_move))


@overlay
def drawn_anew_after_signing(maker: Maker) -> Vector:
    """The signed field shows another name."""
    made = with_fields(plain_pdf(), SigFieldSpec("employer", box=(72, 400, 272, 460)))
    signed = maker.stock.sign(made, maker.clerk)

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(writer.root["/AcroForm"]["/Fields"])).get_object()
        field[pdf_name("/AP")] = dictionary(N=writer.add_object(drawn(b"Signed by the mayor")))
        writer.update_container(field)

    return forged(update(signed, change))


@overlay
def several_invisible_late_signatures(maker: Maker) -> Vector:
    pdf = maker.signed("B-B")
    for number in range(3):
        pdf = maker.stock.sign(pdf, maker.manager, field=f"late-{number}")
    return doubted(pdf, "field_added")
