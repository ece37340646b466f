"""A2: what a portal, a thief of keys or a namesake may bring back, each a real file, and why it is refused.

The file given out is a real declaration; the signatures are stock pyHanko's, at times of the test's choosing.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from certs.loopback import free_base_url
from certs.trust import TrustStore
from documents.render import SignatureSlot
from signing.outside import ExpectedSigner, SignedElsewhere, judge_signed_elsewhere
from signing.outside_errors import ForeignSignatureRefusedError
from signing.profile import Level
from tests.unit.test_render_document import DECLARATION, TEMPORARY, rendered
from tests.vectors.catalogue import EMPLOYER, trust_of
from tests.vectors.honest import by_qpdf
from tests.vectors.pki import Branch
from tests.vectors.saving import dictionary, numbers
from tests.vectors.stock import Stock, plain_pdf, remembered, update, with_fields

pytestmark = pytest.mark.slow
NAME, OTHER = "Anna Voorbeeld", "Bram Verzonnen"
ANNA = ExpectedSigner("employer", "P001", NAME)
DAY = timedelta(days=1)
Change = Callable[[IncrementalPdfFileWriter], None]


@dataclass(frozen=True)
class Portal:
    """A declaration that was given out, the people, and a portal that does as it is told."""

    authority: DevelopmentAuthority
    now: datetime

    @cached_property
    def given(self) -> bytes:
        return rendered("employer_declaration", DECLARATION)

    @cached_property
    def given_to_both(self) -> bytes:
        slots = [SignatureSlot("employer"), SignatureSlot("manager")]
        return rendered("employer_declaration", TEMPORARY, slots=slots)

    def person(self, number: str, name: str) -> Credential:
        return self.authority.person(number, name, now=self.now - 20 * DAY)

    @cached_property
    def anna(self) -> Credential:
        return self.person("P001", NAME)

    def at(self, moment: datetime) -> Stock:
        return Stock(self.authority, moment)

    def signed(self, pdf: bytes, level: str = "B-LT", field: str = "employer") -> bytes:
        return self.at(self.now).sign(pdf, self.anna, level=level, field=field)

    @cached_property
    def honest(self) -> bytes:
        return self.signed(self.given)

    def judged(
        self,
        pdf: bytes,
        *expected: ExpectedSigner,
        given: bytes | None = None,
        trust: TrustStore | None = None,
    ) -> SignedElsewhere:
        return judge_signed_elsewhere(
            given or self.given,
            pdf,
            expected=expected or [ANNA],
            least=Level.B_LT,
            trust=trust or self.authority.trust,
            now=self.now,
        )

    def refused(self, pdf: bytes, *expected: ExpectedSigner, **more: bytes | TrustStore) -> str:
        """Every difference that is told."""
        with pytest.raises(ForeignSignatureRefusedError) as caught:
            self.judged(pdf, *expected, **more)  # type: ignore[arg-type]
        return "\n".join(caught.value.differences)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """With an authority of its own, a month old: certificates of its people are revoked here."""
    now = datetime.now(UTC)
    folder = tmp_path_factory.mktemp("pki") / "authority"
    return Portal(DevelopmentAuthority.create(folder, base_url=free_base_url(), now=now - 30 * DAY), now)


def test_what_another_programs_signature_needs_is_accepted(portal: Portal) -> None:
    for level in ("B-LT", "B-LTA"):
        assert portal.judged(portal.signed(portal.given, level)).level == level


def test_it_is_judged_where_no_file_can_be_made(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed leaves nothing behind of a file that never was on a disk."""
    portal.judged(portal.honest)  # which starts the fenced processes' server, where it isn't yet
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert portal.judged(portal.honest).level is Level.B_LT


# revoked


def thief(portal: Portal, revoked_at: datetime) -> Credential:
    """A key with the right name, whose certificate was revoked then."""
    credential = portal.authority.issue(NAME, now=portal.now - 20 * DAY)
    portal.authority.revoke(credential.certificate.serial_number, at=revoked_at)
    return credential


def with_answers(portal: Portal, pdf: bytes, signer: Credential, *, answered_at: datetime) -> bytes:
    """With a good answer about the signer of that time, and all else that B-LT needs."""
    authority = portal.authority
    main = Branch(authority._issuer.issuing, authority.root.not_valid_before_utc)
    answers = [main.answer(signer.certificate, answered_at), main.answer(authority.tsa, portal.now)]
    root_list = authority.crl("root", portal.now)
    return remembered(pdf, certificates=[authority.issuing], answers=answers, lists=[root_list])


def test_revoked_before_it_was_signed(portal: Portal) -> None:
    stolen = thief(portal, portal.now - DAY)
    signed = portal.at(portal.now).sign(portal.given, stolen, level="B-T")
    stock = portal.at(portal.now)
    answered = stock.remember(stock.remember(signed, stolen.certificate), portal.authority.tsa)
    told = stock.remember_lists(remembered(answered, certificates=[portal.authority.issuing]))
    assert "signer_revoked: " in portal.refused(told)
    from_before = with_answers(portal, signed, stolen, answered_at=portal.now - 2 * DAY)
    assert "signer_revoked: " in portal.refused(from_before, trust=trust_of(portal.authority, portal.now))


def test_an_answer_from_before_it_was_signed_says_nothing_of_then(portal: Portal) -> None:
    """The revocation falls between the answer and the signature, and nobody else is asked."""
    stolen = thief(portal, portal.now - DAY)
    signed = portal.at(portal.now).sign(portal.given, stolen, level="B-T")
    from_before = with_answers(portal, signed, stolen, answered_at=portal.now - 2 * DAY)
    told = portal.refused(from_before)
    assert told.startswith(
        "The newest answer whether the certificate in the field 'employer' was revoked is 48"
    )
    honest = portal.signed(portal.given, "B-T")
    same_day = with_answers(portal, honest, portal.anna, answered_at=portal.now - DAY / 2)
    assert portal.judged(same_day).level is Level.B_LT


def test_revoked_after_a_timestamp_proved_it_signed(portal: Portal) -> None:
    at = portal.now - 2 * DAY
    later = portal.authority.issue(NAME, now=portal.now - 20 * DAY)
    signed = portal.at(at).sign(portal.given, later, level="B-LT")
    claimed = portal.at(at).sign(portal.given, later, level="B-B")
    portal.authority.revoke(later.certificate.serial_number, at=portal.now - DAY)
    lists = trust_of(portal.authority, portal.now)
    assert portal.judged(signed, trust=lists).level is Level.B_LT
    assert "revoked_time_unproven: " in portal.refused(claimed, trust=lists)


# more than signatures


def cover_page(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    cover = dictionary(
        Type=pdf_name("/Page"),
        Parent=writer.root.raw_get("/Pages"),
        MediaBox=numbers(0, 0, 595, 842),
        Resources=generic.DictionaryObject(),
        Contents=writer.add_object(generic.StreamObject(stream_data=b"0 0 m 99 99 l S")),
    )
    pages["/Kids"].insert(0, writer.add_object(cover))
    pages[pdf_name("/Count")] = generic.NumberObject(pages["/Count"] + 1)
    writer.update_container(pages)


def annotated(writer: IncrementalPdfFileWriter, note: generic.DictionaryObject) -> None:
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/Annots"] = generic.ArrayObject([*list.__iter__(page.get("/Annots", [])), writer.add_object(note)])
    writer.update_container(page)


def annotation(writer: IncrementalPdfFileWriter) -> None:
    annotated(
        writer,
        dictionary(
            Type=pdf_name("/Annot"),
            Subtype=pdf_name("/Text"),
            Contents=pdf_string("Signed at the portal"),
            Rect=numbers(72, 700, 300, 740),
        ),
    )


def attachment(writer: IncrementalPdfFileWriter) -> None:
    file = dictionary(Type=pdf_name("/Filespec"), F=pdf_string("trail.txt"), UF=pdf_string("trail.txt"))
    writer.root["/AF"] = generic.ArrayObject(
        [*list.__iter__(writer.root.get("/AF", [])), writer.add_object(file)]
    )
    writer.update_root()


def metadata(writer: IncrementalPdfFileWriter) -> None:
    packet = writer.root["/Metadata"]
    packet._data = packet.data.replace(b"2024-000123", b"2024-000124")
    packet._encoded_data = None
    writer.update_container(packet)


def filled_form(writer: IncrementalPdfFileWriter) -> None:
    """A text field on the page, filled in: what a certificate of permission 2 lets pass."""
    text = dictionary(
        Type=pdf_name("/Annot"),
        Subtype=pdf_name("/Widget"),
        FT=pdf_name("/Tx"),
        T=pdf_string("amount"),
        V=pdf_string("9,000"),
        DA=pdf_string("/Helv 12 Tf"),
        Rect=numbers(72, 700, 300, 740),
    )
    annotated(writer, text)
    form = writer.root["/AcroForm"]
    added = writer.root["/Pages"]["/Kids"][0].get_object()["/Annots"].raw_get(-1)
    form["/Fields"].append(added)
    writer.update_container(form["/Fields"])
    writer.update_container(form)


def empty_field(writer: IncrementalPdfFileWriter) -> None:
    """A place for one more signature, which shows nothing until somebody signs there."""
    place = dictionary(
        Type=pdf_name("/Annot"),
        Subtype=pdf_name("/Widget"),
        FT=pdf_name("/Sig"),
        T=pdf_string("later"),
        F=generic.NumberObject(132),
        Rect=numbers(0, 0, 0, 0),
    )
    annotated(writer, place)
    form = writer.root["/AcroForm"]
    form["/Fields"].append(writer.root["/Pages"]["/Kids"][0].get_object()["/Annots"].raw_get(-1))
    writer.update_container(form["/Fields"])
    writer.update_container(form)


@pytest.mark.parametrize("change", [cover_page, annotation, attachment, metadata, filled_form, empty_field])
def test_a_portal_that_adds_something(portal: Portal, change: Change) -> None:
    """Before the signature, which then vouches for it, and behind it."""
    below = portal.refused(portal.signed(update(portal.given, change)))
    assert "changed_after_signing: the file was changed beside being signed" in below
    assert portal.refused(update(portal.honest, change))


def test_a_certificate_that_permits_to_fill_in(portal: Portal) -> None:
    """Whatever the signature permits: the office permitted nothing."""
    certified = portal.at(portal.now).sign(portal.given, portal.anna, level="B-LT", certify=MDPPerm.ANNOTATE)
    for pdf in (certified, update(certified, filled_form), update(certified, annotation)):
        assert "sign it without certifying (DocMDP)" in portal.refused(pdf)


def test_a_second_good_signature_over_what_was_changed(portal: Portal) -> None:
    """The portal seals what it made of the file behind the signer's back."""
    seal = portal.authority.seal(organisation="Portal", now=portal.now - 20 * DAY)
    for change in (cover_page, annotation):
        sealed = portal.at(portal.now).sign(update(portal.honest, change), seal, level="B-LT", field="portal")
        assert "changed_after_signing" in portal.refused(sealed)
    beside = portal.at(portal.now).sign(portal.honest, seal, level="B-LT", field="portal")
    assert "portal" in portal.refused(beside)


@pytest.mark.parametrize("option", ["--linearize", "--qdf", "--object-streams=generate"])
def test_a_portal_that_writes_the_file_anew(portal: Portal, option: str) -> None:
    for pdf in (portal.signed(by_qpdf(portal.given, option)), by_qpdf(portal.honest, option)):
        told = portal.refused(pdf)
        assert f"not the file that was given out ({len(portal.given)} bytes): byte " in told


# who, where, how


def test_another_person_of_the_same_name(portal: Portal) -> None:
    """A name is all there is, unless the person's certificate is pinned."""
    namesake = portal.person("P777", NAME)
    pinned = ExpectedSigner("employer", "P001", NAME, frozenset([sha256_of(portal.anna)]))
    theirs = portal.at(portal.now).sign(portal.given, namesake, level="B-LT")
    told = portal.refused(theirs, pinned)
    assert f"not by {NAME} with a certificate that is pinned for them" in told
    assert sha256_of(namesake)[:16] in told
    assert portal.judged(portal.honest, pinned).level is Level.B_LT


def sha256_of(credential: Credential) -> str:
    return credential.certificate.fingerprint(SHA256()).hex()


def test_the_right_person_in_the_wrong_field(portal: Portal) -> None:
    expected = (ANNA, ExpectedSigner("manager", "P004", OTHER))
    there = portal.signed(portal.given_to_both, field="manager")
    told = portal.refused(there, *expected, given=portal.given_to_both)
    assert f"'manager' is signed by {NAME} (development), not by {OTHER}" in told
    assert f"'employer' is empty, in which {NAME} is to sign" in told


def test_a_level_below(portal: Portal) -> None:
    for level in ("B-B", "B-T"):
        told = portal.refused(
            portal.signed(portal.given, level), trust=trust_of(portal.authority, portal.now)
        )
        assert told == f"The signature in the field 'employer' is {level}, and at least B-LT is asked."


def test_a_file_of_somebody_elses(portal: Portal) -> None:
    other = rendered("employer_declaration", DECLARATION, number="2024-000124")
    assert "not the file that was given out" in portal.refused(portal.signed(other))
    assert "not the file" in portal.refused(portal.signed(with_fields(plain_pdf(), EMPLOYER)))
