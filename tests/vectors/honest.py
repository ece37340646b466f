"""Honest files: several signatures, certifications, forms, and whatever else is legal."""

import io
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter

from tests.vectors.catalogue import EMPLOYER, MANAGER, Maker, fill_remark
from tests.vectors.handmade import Hand as HandmadeCms
from tests.vectors.handmade import by_hand
from tests.vectors.handwritten import PAGE, TEXT, Hand, hybrid, streamed, with_index_stream
from tests.vectors.rawupdates import Place, Shape, appended
from tests.vectors.saving import dictionary, first_page, numbers
from tests.vectors.shadow import annotation, with_annotation
from tests.vectors.stock import plain_pdf, update, with_fields
from tests.vectors.two_faced import body, predicted
from tests.vectors.vector import Vector, authentic, doubted, forged, named, remarked, table, unjudged

several = table("honest: several signatures")
certified = table("certification and locks")
written = table("honest: as other programs write")
updated = table("honest: updates by other programs")
UNCOVERED = "validation_data_uncovered"


# several signatures


def _signed_by(maker: Maker, count: int, *, levels: tuple[str, ...] = ("B-B",)) -> bytes:
    """Signed in turn in fields that were all made before, the first by the clerk."""
    specs = [SigFieldSpec(f"field-{number}") for number in range(count)]
    pdf = with_fields(plain_pdf(), *specs)
    for number, spec in enumerate(specs):
        signer = maker.manager if number % 2 else maker.clerk
        level = levels[number % len(levels)]
        pdf = maker.stock.sign(pdf, signer, field=spec.sig_field_name, level=level)
    return pdf


def _several(count: int) -> None:
    several(named(f"signed_by_{count}", lambda maker: authentic(_signed_by(maker, count))))


for _count in (2, 3, 5, 10):
    _several(_count)


@several
def signed_by_three_with_timestamps(maker: Maker) -> Vector:
    return authentic(_signed_by(maker, 3, levels=("B-T",)))


@several
def signed_by_three_at_different_levels(maker: Maker) -> Vector:
    pdf = _signed_by(maker, 3, levels=("B-B", "B-T", "B-LT"))
    return remarked(pdf, UNCOVERED, "signature_timestamp_missing")


@several
def signed_by_two_with_answers_each(maker: Maker) -> Vector:
    return remarked(_signed_by(maker, 2, levels=("B-LT",)), UNCOVERED)


@several
def signed_by_two_then_archived(maker: Maker) -> Vector:
    return authentic(maker.stock.stamp(_signed_by(maker, 2, levels=("B-LT",))))


@several
def both_formats(maker: Maker) -> Vector:
    once = maker.stock.sign(
        with_fields(plain_pdf(), EMPLOYER, MANAGER),
        maker.clerk,
        subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
    )
    return authentic(maker.stock.sign(once, maker.manager, field="manager"), "not_pades")


@several
def older_format_with_a_timestamp(maker: Maker) -> Vector:
    pdf = maker.stock.sign(
        plain_pdf(), maker.clerk, level="B-T", subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    )
    return authentic(pdf, "not_pades")


@several
def older_format_with_answers_inside(maker: Maker) -> Vector:
    """Adobe's signed attribute with revocation answers."""
    pdf = maker.stock.sign(
        plain_pdf(), maker.clerk, level="B-LT", subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    )
    return authentic(pdf, "not_pades")


@several
def one_on_each_of_two_pages(maker: Maker) -> Vector:
    specs = (
        SigFieldSpec("employer", on_page=0, box=(72, 100, 272, 160)),
        SigFieldSpec("manager", on_page=1, box=(72, 100, 272, 160)),
    )
    once = maker.stock.sign(with_fields(plain_pdf(pages=2), *specs), maker.clerk)
    return authentic(maker.stock.sign(once, maker.manager, field="manager"))


@several
def answers_without_a_directory(maker: Maker) -> Vector:
    """No /VRI."""
    return remarked(maker.stock.sign(plain_pdf(), maker.clerk, level="B-LT", vri=False), UNCOVERED)


@several
def answers_added_twice(maker: Maker) -> Vector:
    once = maker.stock.remember(maker.signed("B-T"), maker.clerk.certificate)
    return remarked(maker.stock.remember_lists(once), UNCOVERED)


@several
def field_below_another(maker: Maker) -> Vector:
    """Fields with a parent: their names have two parts."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        kids = generic.ArrayObject()
        parent = dictionary(T=pdf_string("signatures"), Kids=kids)
        reference = writer.add_object(parent)
        for name in ("employer", "manager"):
            kids.append(
                writer.add_object(
                    dictionary(
                        Type=pdf_name("/Annot"),
                        Subtype=pdf_name("/Widget"),
                        FT=pdf_name("/Sig"),
                        T=pdf_string(name),
                        Parent=reference,
                        Rect=numbers(0, 0, 0, 0),
                        F=generic.NumberObject(132),
                    )
                )
            )
        page = first_page(writer)
        page[pdf_name("/Annots")] = generic.ArrayObject(list(list.__iter__(kids)))
        writer.update_container(page)
        form = dictionary(Fields=generic.ArrayObject([reference]), SigFlags=generic.NumberObject(3))
        writer.root[pdf_name("/AcroForm")] = writer.add_object(form)
        writer.update_root()

    once = maker.stock.sign(update(plain_pdf(), change), maker.clerk, field="signatures.employer")
    return authentic(maker.stock.sign(once, maker.manager, field="signatures.manager"))


# certification and locks


def _certified(maker: Maker, permission: MDPPerm, *, form: bool = True) -> bytes:
    made = with_fields(plain_pdf(form=form), EMPLOYER, MANAGER)
    return maker.stock.sign(made, maker.clerk, certify=permission)


@certified
def certified_p1(maker: Maker) -> Vector:
    return authentic(_certified(maker, MDPPerm.NO_CHANGES), "signature_field_empty")


@certified
def certified_p1_then_archived(maker: Maker) -> Vector:
    """P=1 allows validation data and document timestamps. Source: ISO 32000-2, 12.8.2.2."""
    once = maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.NO_CHANGES, level="B-LT")
    return authentic(maker.stock.stamp(once))


@certified
def certified_p1_then_signed(maker: Maker) -> Vector:
    pdf = by_hand(_certified(maker, MDPPerm.NO_CHANGES), maker.manager, HandmadeCms(), field="manager")
    return forged(pdf, "certification_violated")


@certified
def certified_p2_then_filled_then_signed(maker: Maker) -> Vector:
    filled = update(_certified(maker, MDPPerm.FILL_FORMS), fill_remark)
    return remarked(maker.stock.sign(filled, maker.manager, field="manager"), "form_filled_as_permitted")


@certified
def certified_p2_then_signed_and_archived(maker: Maker) -> Vector:
    pdf = maker.stock.sign(
        _certified(maker, MDPPerm.FILL_FORMS), maker.manager, field="manager", level="B-LT"
    )
    return remarked(maker.stock.stamp(pdf), "signature_timestamp_missing")


@certified
def certified_p3_then_signed(maker: Maker) -> Vector:
    return authentic(maker.stock.sign(_certified(maker, MDPPerm.ANNOTATE), maker.manager, field="manager"))


@certified
def certified_p3_then_filled(maker: Maker) -> Vector:
    pdf = update(_certified(maker, MDPPerm.ANNOTATE), fill_remark)
    return doubted(pdf, "form_filled_as_permitted", "end_uncovered", "signature_field_empty")


COMMENTED = ("commented_as_permitted", "comment_shows")


@certified
def certified_p3_then_commented(maker: Maker) -> Vector:
    """P=3 allows comments: it is what was certified, with something drawn over it."""
    pdf = update(
        _certified(maker, MDPPerm.ANNOTATE),
        lambda writer: with_annotation(writer, annotation(writer, "Text", b"seen")),
    )
    return doubted(pdf, *COMMENTED, "end_uncovered", "signature_field_empty")


@certified
def certified_p3_then_answered_then_signed(maker: Maker) -> Vector:
    """Comments that show nothing on the page: an answer that is hidden there, and its window."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        for entries in ({"Subtype": "/Text", "F": 30}, {"Subtype": "/Popup", "F": 28}):
            found = dictionary(
                Type=pdf_name("/Annot"),
                Subtype=pdf_name(str(entries["Subtype"])),
                F=generic.NumberObject(entries["F"]),
                Rect=numbers(60, 700, 80, 720),
            )
            if entries["Subtype"] == "/Popup":
                answer = list(list.__iter__(first_page(writer)["/Annots"]))[-1]
                found[pdf_name("/Parent")] = answer
                answer.get_object()[pdf_name("/Popup")] = reference = writer.add_object(found)
            else:
                found[pdf_name("/Contents")], found[pdf_name("/T")] = pdf_string("seen"), pdf_string("Anna")
                reference = writer.add_object(found)
            with_annotation(writer, reference)

    pdf = update(_certified(maker, MDPPerm.ANNOTATE), change)
    return remarked(maker.stock.sign(pdf, maker.manager, field="manager"), "commented_as_permitted")


@certified
def certified_p3_then_commented_and_signed_at_once(maker: Maker) -> Vector:
    """The comment and the signature are in one update."""
    pdf = maker.stock.sign(
        _certified(maker, MDPPerm.ANNOTATE),
        maker.manager,
        field="manager",
        change=lambda writer: with_annotation(writer, annotation(writer, "Highlight", b"seen")),
    )
    return doubted(pdf, *COMMENTED)


@certified
def certified_p2_then_new_field_signed(maker: Maker) -> Vector:
    once = maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.FILL_FORMS)
    return doubted(maker.stock.sign(once, maker.manager, field="late"), "field_added")


def _locked(maker: Maker, lock: FieldMDPSpec) -> bytes:
    """Signed in a field that locks others; the form has a text field, and the manager's field."""
    spec = SigFieldSpec("employer", field_mdp_spec=lock)
    return maker.stock.sign(with_fields(plain_pdf(form=True), spec, MANAGER), maker.clerk)


@certified
def locked_field_filled(maker: Maker) -> Vector:
    signed = _locked(maker, FieldMDPSpec(FieldMDPAction.INCLUDE, ["remark"]))
    return forged(update(signed, fill_remark), "locked_field_changed")


@certified
def field_filled_beside_a_locked_one(maker: Maker) -> Vector:
    """Two fields that are drawn; the one that isn't locked is filled in."""
    spec = SigFieldSpec("employer", field_mdp_spec=FieldMDPSpec(FieldMDPAction.INCLUDE, ["other"]))
    made = with_fields(plain_pdf(form=True, fields=("remark", "other")), spec)
    signed = maker.stock.sign(made, maker.clerk, certify=MDPPerm.FILL_FORMS)
    return doubted(update(signed, fill_remark), "form_filled_as_permitted", "end_uncovered")


@certified
def field_filled_though_all_are_locked(maker: Maker) -> Vector:
    return forged(
        update(_locked(maker, FieldMDPSpec(FieldMDPAction.ALL)), fill_remark), "locked_field_changed"
    )


@certified
def field_filled_that_is_not_excluded(maker: Maker) -> Vector:
    signed = _locked(maker, FieldMDPSpec(FieldMDPAction.EXCLUDE, ["manager"]))
    return forged(update(signed, fill_remark), "locked_field_changed")


@certified
def signed_in_a_field_that_is_not_locked(maker: Maker) -> Vector:
    signed = _locked(maker, FieldMDPSpec(FieldMDPAction.INCLUDE, ["remark"]))
    return authentic(maker.stock.sign(signed, maker.manager, field="manager"))


@certified
def signed_in_an_excluded_field(maker: Maker) -> Vector:
    signed = _locked(maker, FieldMDPSpec(FieldMDPAction.EXCLUDE, ["manager"]))
    return authentic(maker.stock.sign(signed, maker.manager, field="manager"))


@certified
def signed_in_a_locked_field(maker: Maker) -> Vector:
    signed = _locked(maker, FieldMDPSpec(FieldMDPAction.ALL))
    return forged(maker.stock.sign(signed, maker.manager, field="manager"), "locked_field_changed")


# as other programs write


def _enter(
    name: str, make: Callable[[], bytes], judge: Callable[..., Vector] = authentic, *codes: str
) -> None:
    written(named(name, lambda maker: judge(maker.stock.sign(make(), maker.clerk, strict=False), *codes)))


_enter("lines_end_in_crlf", lambda: Hand(eol=b"\r\n", end=b"\r\n").written())
_enter("lines_end_in_cr", lambda: Hand(eol=b"\r", end=b"\r").written())
_enter("no_line_end_at_the_end", lambda: Hand(end=b"").written())
_enter("version_1_3", lambda: Hand(version=b"1.3").written())
_enter("version_2_0", lambda: Hand(version=b"2.0").written())
_enter("no_comment_behind_the_head", lambda: Hand(comment=b"%").written())
_enter("index_stream", with_index_stream)
_enter("object_stream", lambda: with_index_stream(packed=frozenset({1, 2, 3, 5})))
_enter("index_predicted_up", lambda: with_index_stream(rows=predicted()))
_enter("hybrid", hybrid)
_enter("numbers_with_gaps", lambda: Hand().written({**PAGE, 40: b"<< /Type /Other >>"}))


def _with(number: int, old: bytes, new: bytes) -> bytes:
    changed = PAGE[number].replace(old, new)
    assert changed != PAGE[number]
    return Hand().written({**PAGE, number: changed})


_enter("names_with_escapes", lambda: _with(3, b"/F1 5 0 R", b"/F#31 5 0 R /Font#20Two 5 0 R"))
_enter("names_beyond_ascii", lambda: _with(5, b"/Helvetica", "/Größe".encode()))
_enter("names_beyond_ascii_of_a_stream", lambda: _with(4, b"/Length", "/Größe 1 /Length".encode()))
_enter("names_in_latin_1", lambda: _with(5, b"/Helvetica", b"/Gr\xf6\xdfe"), unjudged, "read_leniently")
_enter("names_with_a_byte_80", lambda: _with(5, b"/Helvetica", "/À".encode()), unjudged, "read_leniently")
_enter("null_entries", lambda: _with(1, b"/Pages", b"/Dests null /Outlines null /Pages"))
_enter("empty_form", lambda: _with(1, b"/Pages", b"/AcroForm << /Fields [] >> /Pages"))
_enter("strings_with_escapes", lambda: _with(1, b"/Pages", rb"/Lang (n\154\)\(\\) /Pages"))
_enter("real_numbers", lambda: _with(3, b"[0 0 595 842]", b"[0.0 -.0 +595.276 841.89]"))
_enter("comments_between", lambda: _with(2, b"/Kids", b"% the pages\n/Kids"))


def _in_parts() -> bytes:
    page = PAGE[3].replace(b"/Contents 4 0 R", b"/Contents [4 0 R 6 0 R]")
    return Hand().written({**PAGE, 3: page, 4: streamed(TEXT[:30]), 6: streamed(TEXT[30:])})


def _length_elsewhere() -> bytes:
    content = b"<< /Length 6 0 R >>\nstream\n%b\nendstream" % TEXT
    return Hand().written({**PAGE, 4: content, 6: b"%d" % len(TEXT)})


def _in_levels() -> bytes:
    return Hand().written(
        {
            **PAGE,
            2: b"<< /Type /Pages /Kids [6 0 R] /Count 1 /MediaBox [0 0 595 842] >>",
            3: PAGE[3].replace(b"/Parent 2 0 R", b"/Parent 6 0 R"),
            6: b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R] /Count 1 >>",
        }
    )


_enter("content_in_parts", _in_parts)
_enter("length_elsewhere", _length_elsewhere)
_enter("page_tree_in_levels", _in_levels)


@written
def hybrid_with_two_versions(maker: Maker) -> Vector:
    """Not honest: the table and the stream list different versions of the page's content."""
    other = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>"
    pdf = maker.stock.sign(hybrid(shadowed={3: other}), maker.clerk, strict=False)
    return unjudged(pdf, "read_leniently")


def by_qpdf(pdf: bytes, *options: str) -> bytes:
    """The file written anew by qpdf."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.pdf", Path(folder) / "out.pdf"
        source.write_bytes(pdf)
        subprocess.run(["qpdf", "--deterministic-id", *options, source, target], check=True)
        return target.read_bytes()


_enter("linearised", lambda: by_qpdf(plain_pdf(), "--linearize"))
_enter(
    "linearised_with_object_streams", lambda: by_qpdf(plain_pdf(), "--linearize", "--object-streams=generate")
)
_enter("for_people_to_read", lambda: by_qpdf(plain_pdf(), "--qdf"))
_enter("as_version_2", lambda: by_qpdf(plain_pdf(form=True), "--force-version=2.0"))


@written
def hybrid_signed_twice_and_archived(maker: Maker) -> Vector:
    once = maker.stock.sign(_with_fields(hybrid()), maker.clerk, level="B-T", strict=False)
    twice = maker.stock.sign(once, maker.manager, field="manager", level="B-T", strict=False)
    return authentic(twice)


def _with_fields(pdf: bytes) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    for spec in (EMPLOYER, MANAGER):
        fields.append_signature_field(writer, spec)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# updates by other programs


def _store_update(maker: Maker, shape: Shape, signed: bytes | None = None) -> bytes:
    """Signed B-T, then validation data in a revision written by hand."""
    signed = signed or maker.signed("B-T")
    place = Place.behind(signed)
    catalog = body(signed, place.root).rstrip()[:-2] + b"/DSS %d 0 R >>" % place.size
    crl = maker.authority.crl("root", maker.now)
    objects = {
        place.root: catalog,
        place.size: b"<< /CRLs [%d 0 R] >>" % (place.size + 1),
        place.size + 1: streamed(crl),
    }
    return appended(signed, objects, shape)


@updated
def plain_update(maker: Maker) -> Vector:
    return remarked(_store_update(maker, Shape()), UNCOVERED)


@updated
def program_named_before_the_end(maker: Maker) -> Vector:
    """A comment with the program's name stands before startxref, as a widespread library writes it."""
    pdf = _store_update(maker, Shape())
    at = pdf.rindex(b"startxref")
    return remarked(pdf[:at] + b"%Example-Library-8.0.1\n" + pdf[at:], UNCOVERED)


@updated
def comment_between_objects(maker: Maker) -> Vector:
    return remarked(_store_update(maker, Shape(hidden=b"% written by an example\r\n")), UNCOVERED)


@updated
def comment_that_looks_like_an_object(maker: Maker) -> Vector:
    """Not honest: some programs search for this."""
    return forged(_store_update(maker, Shape(hidden=b"%9 0 obj << >> endobj\n")), "update_malformed")


@updated
def comment_that_ends_otherwise(maker: Maker) -> Vector:
    """Not honest: some programs end a comment at CR, some don't."""
    return forged(_store_update(maker, Shape(hidden=b"% a\r% b\n")), "update_malformed")


@updated
def update_with_an_index_stream(maker: Maker) -> Vector:
    signed = maker.stock.sign(with_index_stream(), maker.clerk, level="B-T")
    return remarked(maker.stock.remember_lists(signed), UNCOVERED)


def _freed(maker: Maker, made: bytes) -> bytes:
    """Signed; then validation data, and object 6 is declared free."""
    pdf = _store_update(maker, Shape(), maker.stock.sign(made, maker.clerk, level="B-T"))
    old = b"xref\n0 1\n0000000000 65535 f \n"
    start = pdf.rindex(old)
    listed = b"xref\n0 1\n0000000006 65535 f \n6 1\n0000000000 00001 f \n"
    return pdf[:start] + listed + pdf[start + len(old) :]


@updated
def unused_object_freed(maker: Maker) -> Vector:
    """An object that nothing refers to is declared free."""
    made = Hand().written({**PAGE, 6: b"<< /Type /Other >>"})
    return remarked(_freed(maker, made), UNCOVERED)


@updated
def object_freed_that_an_unused_one_refers_to(maker: Maker) -> Vector:
    """Not as innocent as it looks: a program that searches for objects finds both."""
    made = Hand().written({**PAGE, 6: b"<< /Type /Other >>", 7: b"<< /Other 6 0 R >>"})
    return forged(_freed(maker, made), "update_malformed")


@updated
def empty_update(maker: Maker) -> Vector:
    """A revision that holds nothing."""
    return remarked(appended(maker.signed("B-T"), {}), UNCOVERED)


@updated
def white_space_between_revisions(maker: Maker) -> Vector:
    return remarked(maker.stock.remember_lists(maker.signed("B-T") + b"\r\n\r\n"), UNCOVERED)


@updated
def other_line_ends(maker: Maker) -> Vector:
    """The file's lines end in CR LF, the update's in LF."""
    signed = maker.stock.sign(Hand(eol=b"\r\n", end=b"\r\n").written(), maker.clerk, level="B-T")
    return remarked(maker.stock.remember_lists(signed), UNCOVERED)
