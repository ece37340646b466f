"""Good, odd and forged PDFs of our own making: what they are made with, and the first ones.

`every.py` lists them all; `build.py` writes them down. A bug found becomes an entry.
"""

import inspect
import io
from datetime import datetime, timedelta
from functools import cached_property

from asn1crypto import tsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter

from certs.authority import DevelopmentAuthority
from certs.trust import TrustStore
from tests.vectors.pki import Branch
from tests.vectors.stock import Stock, plain_pdf, self_signed, update, with_fields
from tests.vectors.vector import (
    AUTHENTIC,
    BUT,
    FAILED,
    FORGED,
    INDETERMINATE,
    PASSED,
    UNJUDGED,
    Vector,
)

EMPLOYER, MANAGER = SigFieldSpec("employer"), SigFieldSpec("manager")


def trust_of(authority: DevelopmentAuthority, now: datetime) -> TrustStore:
    """The development root with fresh revocation lists: what an auditor has at hand."""
    lists = (authority.crl("root", now), authority.crl("issuing", now))
    return TrustStore(authority.trust.anchors, authority.trust.intermediates, lists)


class Maker:
    """Makes the vectors; one method a vector, named after it."""

    def __init__(self, authority: DevelopmentAuthority, now: datetime) -> None:
        self.authority = authority
        self.now = now
        self.stock = Stock(authority, now)
        since = now - timedelta(days=30)
        self.clerk = authority.person("p-1", "Anna Voorbeeld", now=since)
        self.manager = authority.person("p-2", "Bram Verzonnen", now=since)
        self._signed: dict[str, bytes] = {}

    @cached_property
    def main_root(self) -> Branch:
        """The trusted root, issuing whatever it is told to."""
        return Branch(self.authority._issuer.root, self.authority.root.not_valid_before_utc)

    @cached_property
    def main(self) -> Branch:
        """The issuing authority, issuing whatever it is told to: its list at hand revokes none of these."""
        return Branch(self.authority._issuer.issuing, self.authority.root.not_valid_before_utc)

    @cached_property
    def quiet(self) -> Branch:
        """An authority below the trusted root whose revocations nobody at hand lists."""
        return self.main_root.below("Quiet authority", path_length=0)

    @cached_property
    def deep(self) -> tuple[Branch, ...]:
        """Another trusted root, and three authorities one below the other."""
        since = self.authority.root.not_valid_before_utc
        found = [Branch.root("Deep root", since)]
        for name in ("First", "Second", "Third"):
            found.append(found[-1].below(f"{name} below the deep root"))
        return tuple(found)

    def trust(self) -> TrustStore:
        """What the vectors are judged with: both roots, and all lists but the quiet authority's."""
        known = trust_of(self.authority, self.now)
        return TrustStore(
            (*known.anchors, self.deep[0].authority.certificate),
            known.intermediates,
            (*known.crls, *(branch.crl(self.now) for branch in self.deep)),
        )

    def signed(self, level: str) -> bytes:
        """A file signed once at a level, by stock pyHanko."""
        if level not in self._signed:
            self._signed[level] = self.stock.sign(plain_pdf(), self.clerk, level=level)
        return self._signed[level]

    # honest files

    def unsigned(self) -> Vector:
        return Vector(plain_pdf(), INDETERMINATE, UNJUDGED, ("no_signature",))

    def b_b(self) -> Vector:
        return Vector(self.signed("B-B"), PASSED, AUTHENTIC)

    def b_t(self) -> Vector:
        return Vector(self.signed("B-T"), PASSED, AUTHENTIC)

    def b_lt_with_loose_validation_data(self) -> Vector:
        return Vector(self.signed("B-LT"), PASSED, BUT, ("validation_data_uncovered",))

    def b_lta(self) -> Vector:
        return Vector(self.stock.stamp(self.signed("B-LT")), PASSED, AUTHENTIC)

    def renewed(self) -> Vector:
        return Vector(self.stock.stamp(self.stock.stamp(self.signed("B-LT"))), PASSED, AUTHENTIC)

    def white_space_behind(self) -> Vector:
        return Vector(self.signed("B-B") + b"\r\n \n\0", PASSED, AUTHENTIC)

    def two_in_made_fields(self) -> Vector:
        once = self.stock.sign(with_fields(plain_pdf(), EMPLOYER, MANAGER), self.clerk)
        return Vector(self.stock.sign(once, self.manager, field="manager"), PASSED, AUTHENTIC)

    def visible_in_made_field(self) -> Vector:
        spec = SigFieldSpec("manager", box=(72, 400, 272, 460))
        once = self.stock.sign(with_fields(plain_pdf(), EMPLOYER, spec), self.clerk)
        return Vector(self.stock.sign(once, self.manager, field="manager"), PASSED, AUTHENTIC)

    def certified_then_signed(self) -> Vector:
        made = with_fields(plain_pdf(), EMPLOYER, MANAGER)
        once = self.stock.sign(made, self.clerk, certify=MDPPerm.FILL_FORMS)
        return Vector(self.stock.sign(once, self.manager, field="manager"), PASSED, AUTHENTIC)

    def certified_then_filled(self) -> Vector:
        once = self.stock.sign(plain_pdf(form=True), self.clerk, certify=MDPPerm.FILL_FORMS)
        filled = update(once, fill_remark)
        return Vector(filled, INDETERMINATE, BUT, ("form_filled_as_permitted", "end_uncovered"))

    def certified_then_filled_then_stamped(self) -> Vector:
        pdf = self.stock.stamp(self.certified_then_filled().pdf)
        return Vector(pdf, PASSED, BUT, ("form_filled_as_permitted", "signature_timestamp_missing"))

    def only_timestamps(self) -> Vector:
        return Vector(self.stock.stamp(plain_pdf()), INDETERMINATE, UNJUDGED, ("only_timestamps",))

    def title_changed(self) -> Vector:
        return Vector(update(self.signed("B-B"), _retitle), FAILED, FORGED, ("changed_after_signing",))

    def title_changed_while_signing(self) -> Vector:
        once = self.stock.sign(with_fields(plain_pdf(), EMPLOYER, MANAGER), self.clerk)
        pdf = self.stock.sign(once, self.manager, field="manager", change=_retitle)
        return Vector(pdf, PASSED, BUT, ("metadata_changed",))

    def older_format(self) -> Vector:
        pdf = self.stock.sign(plain_pdf(), self.clerk, subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED)
        return Vector(pdf, PASSED, AUTHENTIC, ("not_pades",))

    def mistyped_timestamp(self) -> Vector:
        return Vector(
            self.stock.stamp(self.signed("B-LT"), type_name="/Sig"), PASSED, BUT, ("timestamp_mistyped",)
        )

    # forged files

    def letter_changed(self) -> Vector:
        pdf = self.signed("B-B").replace(b"4,000 euro", b"9,000 euro")
        return Vector(pdf, FAILED, FORGED, ("digest_differs",))

    def text_replaced_in_update(self) -> Vector:
        return Vector(
            update(self.signed("B-LT"), replace_content), FAILED, FORGED, ("changed_after_signing",)
        )

    def junk_behind(self) -> Vector:
        return Vector(
            self.signed("B-B") + b"%junk\n", FAILED, FORGED, ("bytes_after_end", "update_malformed")
        )

    def form_filled(self) -> Vector:
        once = self.stock.sign(plain_pdf(form=True), self.clerk)
        return Vector(update(once, fill_remark), FAILED, FORGED, ("form_filled_after_signing",))

    def form_filled_then_signed(self) -> Vector:
        made = with_fields(plain_pdf(form=True), EMPLOYER, MANAGER)
        filled = update(self.stock.sign(made, self.clerk), fill_remark)
        pdf = self.stock.sign(filled, self.manager, field="manager")
        return Vector(pdf, FAILED, FORGED, ("form_filled_after_signing",))

    def overlay_signature(self) -> Vector:
        pdf = self.stock.sign(self.signed("B-B"), self.manager, field="overlay", box=(60, 700, 400, 760))
        return Vector(pdf, FAILED, FORGED, ("visible_field_added",))

    def added_invisible_signature(self) -> Vector:
        pdf = self.stock.sign(self.signed("B-B"), self.manager, field="late")
        return Vector(pdf, INDETERMINATE, BUT, ("field_added",))

    def annotation_added(self) -> Vector:
        return Vector(update(self.signed("B-B"), _annotate), FAILED, FORGED, ("changed_after_signing",))

    def form_font_swapped(self) -> Vector:
        once = self.stock.sign(plain_pdf(form=True), self.clerk)
        return Vector(update(once, _swap_form_font), FAILED, FORGED, ("changed_after_signing",))

    def changed_against_certification(self) -> Vector:
        once = self.stock.sign(plain_pdf(form=True), self.clerk, certify=MDPPerm.NO_CHANGES)
        return Vector(update(once, fill_remark), FAILED, FORGED, ("certification_violated",))

    def form_removed(self) -> Vector:
        return Vector(
            update(self.signed("B-B"), _remove_form), INDETERMINATE, UNJUDGED, ("signature_unreachable",)
        )

    def obsolete_format(self) -> Vector:
        return Vector(self._renamed(b"/adbe.pkcs7.sha1"), INDETERMINATE, UNJUDGED, ("format_obsolete",))

    def obsolete_format_rsa(self) -> Vector:
        return Vector(self._renamed(b"/adbe.x509.rsa_sha1"), INDETERMINATE, UNJUDGED, ("format_obsolete",))

    def no_format(self) -> Vector:
        pdf = self.signed("B-B").replace(b"/SubFilter /ETSI.CAdES.detached", b" " * 31)
        return Vector(pdf, INDETERMINATE, UNJUDGED, ("format_unsupported",))

    def _renamed(self, name: bytes) -> bytes:
        old = b"/ETSI.CAdES.detached"
        return self.signed("B-B").replace(old, name.ljust(len(old)))

    def padding_used(self) -> Vector:
        pdf = self.signed("B-B")
        end = pdf.index(b"00>", pdf.index(b"/Contents <")) + 1  # an identifier may end so, too
        return Vector(pdf[:end] + b"7" + pdf[end + 1 :], INDETERMINATE, BUT, ("contents_padding_used",))

    def letter_case_changed(self) -> Vector:
        pdf = self.signed("B-B")
        start = pdf.index(b"/Contents <30") + len(b"/Contents <30")
        at = next(at for at in range(start, len(pdf)) if pdf[at : at + 1] in b"abcdefABCDEF")
        changed = pdf[:at] + pdf[at : at + 1].swapcase() + pdf[at + 1 :]
        return Vector(changed, INDETERMINATE, BUT, ("contents_not_canonical",))

    def wrong_imprint(self) -> Vector:
        def spoil(request: tsp.TimeStampReq) -> tsp.TimeStampReq:
            request["message_imprint"]["hashed_message"] = bytes(32)
            return request

        pdf = self.stock.sign(plain_pdf(), self.clerk, level="B-T", spoil=spoil)
        return Vector(pdf, INDETERMINATE, BUT, ("timestamp_invalid",))

    # who signed

    def stranger(self) -> Vector:
        """A look-alike: a self-signed certificate with the clerk's own name."""
        pdf = self.stock.sign(plain_pdf(), self_signed(self.clerk, self.now))
        return Vector(pdf, INDETERMINATE, BUT, ("chain_unknown",))

    def expired(self) -> Vector:
        credential = self.authority.issue(
            "Cor Verlopen",
            now=self.now,
            not_before=self.now - timedelta(days=20),
            not_after=self.now - timedelta(days=1),
        )
        return Vector(self.stock.sign(plain_pdf(), credential), INDETERMINATE, BUT, ("expired",))

    def wrong_key_usage(self) -> Vector:
        credential = self.authority.issue(
            "Daan Sleutel", now=self.now, key_usage=frozenset({"key_agreement"})
        )
        return Vector(self.stock.sign(plain_pdf(), credential), INDETERMINATE, BUT, ("key_usage_wrong",))

    def revoked(self) -> Vector:
        credential = self.authority.issue("Eva Ingetrokken", now=self.now)
        self.authority.revoke(credential.certificate.serial_number, at=self.now)
        return Vector(
            self.stock.sign(plain_pdf(), credential), INDETERMINATE, BUT, ("revoked_time_unproven",)
        )

    # hardly PDFs

    def empty(self) -> Vector:
        return Vector(b"", INDETERMINATE, UNJUDGED, ("file_empty",))

    def not_pdf(self) -> Vector:
        return Vector(b"PK\x03\x04 this is something else", INDETERMINATE, UNJUDGED, ("file_not_pdf",))

    def truncated(self) -> Vector:
        pdf = self.signed("B-B")
        return Vector(pdf[: len(pdf) // 3], INDETERMINATE, UNJUDGED, ("file_truncated",))

    def encrypted(self) -> Vector:
        writer = copy_into_new_writer(PdfFileReader(io.BytesIO(plain_pdf())))
        writer.encrypt("owner", "user")
        out = io.BytesIO()
        writer.write(out)
        return Vector(out.getvalue(), INDETERMINATE, UNJUDGED, ("file_encrypted",))


NOT_VECTORS = frozenset({"signed", "trust"})
NAMES = tuple(
    name
    for name, value in vars(Maker).items()
    if not name.startswith("_") and name not in NOT_VECTORS and inspect.isfunction(value)
)


def _first_page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    page = writer.root["/Pages"]["/Kids"][0]
    assert isinstance(page, generic.DictionaryObject)
    return page


def replace_content(writer: IncrementalPdfFileWriter) -> None:
    page = _first_page(writer)
    content = page["/Contents"]
    content._data = content.data.replace(b"4,000 euro", b"9,000 euro")
    content._encoded_data = None
    writer.update_container(content)


def fill_remark(writer: IncrementalPdfFileWriter) -> None:
    for entry in writer.root["/AcroForm"]["/Fields"]:
        field = entry.get_object()
        if field.get("/T") == "remark":
            field["/V"] = pdf_string("The employee earns 9,000 euro a month.")
            writer.update_container(field)


def _annotate(writer: IncrementalPdfFileWriter) -> None:
    page = _first_page(writer)
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Contents"): pdf_string("9,000 euro"),
            pdf_name("/DA"): pdf_string("/Helv 12 Tf"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (72, 700, 300, 740)),
        }
    )
    annotations = page.get("/Annots") or generic.ArrayObject()
    if isinstance(annotations, generic.IndirectObject):
        annotations = annotations.get_object()
    page["/Annots"] = generic.ArrayObject([*annotations, writer.add_object(note)])
    writer.update_container(page)


def _swap_form_font(writer: IncrementalPdfFileWriter) -> None:
    form = writer.root["/AcroForm"]
    font = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/Type1"),
            pdf_name("/BaseFont"): pdf_name("/Symbol"),
        }
    )
    fonts = form["/DR"]["/Font"]
    for name in list(fonts):
        fonts[name] = writer.add_object(font)
    writer.update_container(fonts)


def _remove_form(writer: IncrementalPdfFileWriter) -> None:
    del writer.root["/AcroForm"]
    writer.update_root()


def _retitle(writer: IncrementalPdfFileWriter) -> None:
    writer.set_info(generic.DictionaryObject({pdf_name("/Title"): pdf_string("Another title")}))
