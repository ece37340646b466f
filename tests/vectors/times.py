"""When, and was the certificate good then: timestamps, revocation answers and their order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.keystore import Credential
from tests.vectors.catalogue import EMPLOYER, MANAGER, Maker
from tests.vectors.handmade import Hand, by_hand, held_cms, stamped_by
from tests.vectors.pki import TIME_STAMPING, Branch
from tests.vectors.stock import Stock, plain_pdf, remembered, with_fields
from tests.vectors.vector import Vector, authentic, doubted, forged, remarked, table, wrongly_signed

stamps = table("timestamp")
answers = table("revocation")
renewals = table("honest: archives")
DAY = timedelta(days=1)
STAMPING = frozenset({"digital_signature"})


def _at(maker: Maker, moment: datetime) -> Stock:
    return Stock(maker.authority, moment)


def _stamped(maker: Maker, stamper: Credential, moment: datetime | None = None) -> bytes:
    """Signed B-T by the clerk, with a timestamp of this authority's."""
    stock = _at(maker, moment or maker.now)
    return stock.sign(plain_pdf(), maker.clerk, level="B-T", stamper=stamper)


# timestamps


@stamps
def copied_from_another_file(maker: Maker) -> Vector:
    other = maker.stock.sign(plain_pdf("Something else."), maker.clerk, level="B-T")
    token = _token_of(held_cms(other))
    pdf = by_hand(plain_pdf(), maker.clerk, Hand(unsigned=lambda _: [token]))
    return doubted(pdf, "timestamp_invalid")


def _token_of(cms_der: bytes) -> cms.CMSAttribute:
    return cms.ContentInfo.load(cms_der)["content"]["signer_infos"][0]["unsigned_attrs"][0]


@stamps
def copied_from_another_signature(maker: Maker) -> Vector:
    """The second signature bears the first one's timestamp."""
    made = by_hand(plain_pdf(), maker.clerk, Hand(unsigned=stamped_by(maker.stock.timestamper())))
    token = _token_of(held_cms(made))
    pdf = by_hand(made, maker.manager, Hand(unsigned=lambda _: [token]), field="second")
    return doubted(pdf, "field_added", "timestamp_invalid")


@stamps
def document_timestamp_of_another_file(maker: Maker) -> Vector:
    def spoil(request: tsp.TimeStampReq) -> tsp.TimeStampReq:
        request["message_imprint"]["hashed_message"] = bytes(32)
        return request

    return forged(maker.stock.stamp(maker.signed("B-LT"), spoil=spoil), "digest_differs")


@stamps
def of_the_content_instead(maker: Maker) -> Vector:
    """It covers something, not the signature value."""
    hand = Hand(unsigned=stamped_by(maker.stock.timestamper(), over=b"content"))
    return doubted(by_hand(plain_pdf(), maker.clerk, hand), "timestamp_invalid")


@stamps
def by_an_untrusted_authority(maker: Maker) -> Vector:
    root = Branch.root("Root of strangers", maker.now - 9 * DAY)
    stamper = root.issue("Timestamps", usages=STAMPING, eku=TIME_STAMPING)
    return doubted(_stamped(maker, stamper), "timestamp_invalid")


@stamps
def without_the_purpose(maker: Maker) -> Vector:
    return doubted(_stamped(maker, maker.main.issue("Timestamps", usages=STAMPING)), "timestamp_invalid")


@stamps
def with_another_purpose(maker: Maker) -> Vector:
    stamper = maker.main.issue("Timestamps", usages=STAMPING, eku=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))
    return doubted(_stamped(maker, stamper), "timestamp_invalid")


@stamps
def with_a_purpose_too_many(maker: Maker) -> Vector:
    """RFC 3161 allows no other purpose beside."""
    eku = (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
    return doubted(
        _stamped(maker, maker.main.issue("Timestamps", usages=STAMPING, eku=eku)), "timestamp_invalid"
    )


@stamps
def by_the_signer(maker: Maker) -> Vector:
    """The signer's own certificate says when it was."""
    return doubted(_stamped(maker, maker.clerk), "timestamp_invalid")


@stamps
def of_tomorrow(maker: Maker) -> Vector:
    stamper = maker.main.issue("Timestamps", usages=STAMPING, eku=TIME_STAMPING)
    return doubted(_stamped(maker, stamper, maker.now + DAY), "timestamp_invalid", "claimed_later")


@stamps
def before_the_authority_was(maker: Maker) -> Vector:
    stamper = maker.main.issue("Timestamps", begins=maker.now - DAY, usages=STAMPING, eku=TIME_STAMPING)
    return doubted(_stamped(maker, stamper, maker.now - 2 * DAY), "timestamp_invalid")


@stamps
def by_an_expired_authority(maker: Maker) -> Vector:
    """It was good on the day; nothing behind it proves that."""
    stamper = maker.main.issue("Timestamps", ends=maker.now - DAY, usages=STAMPING, eku=TIME_STAMPING)
    return doubted(_stamped(maker, stamper, maker.now - 2 * DAY), "timestamp_invalid")


@stamps
def by_a_revoked_authority(maker: Maker) -> Vector:
    stamper = maker.authority.issue("Stolen", now=maker.now - 9 * DAY, eku=TIME_STAMPING)
    maker.authority.revoke(stamper.certificate.serial_number, at=maker.now - 2 * DAY)
    return doubted(_stamped(maker, stamper, maker.now - DAY), "timestamp_invalid")


@stamps
def before_its_authority_was_revoked(maker: Maker) -> Vector:
    """The authority's key is compromised: it may have made this yesterday."""
    stamper = maker.authority.issue("Stolen later", now=maker.now - 9 * DAY, eku=TIME_STAMPING)
    maker.authority.revoke(stamper.certificate.serial_number, at=maker.now - DAY)
    return doubted(_stamped(maker, stamper, maker.now - 2 * DAY), "timestamp_invalid")


@stamps
def document_timestamp_by_a_stranger(maker: Maker) -> Vector:
    root = Branch.root("Root of strangers", maker.now - 9 * DAY)
    stamper = root.issue("Timestamps", usages=STAMPING, eku=TIME_STAMPING)
    return doubted(maker.stock.stamp(maker.signed("B-LT"), stamper=stamper), "chain_unknown")


@stamps
def purpose_not_critical(maker: Maker) -> Vector:
    stamper = maker.main.issue("Timestamps", usages=STAMPING, eku=TIME_STAMPING, critical_purpose=False)
    return doubted(_stamped(maker, stamper), "timestamp_invalid")


@stamps
def before_the_signers_certificate_began(maker: Maker) -> Vector:
    signer = maker.main.issue("Vroeg Getekend", begins=maker.now - DAY)
    pdf = _at(maker, maker.now - 2 * DAY).sign(plain_pdf(), signer, level="B-T")
    return wrongly_signed(pdf, "certificate_began_later")


@stamps
def archived_before_the_signers_certificate_began(maker: Maker) -> Vector:
    signer = maker.main.issue("Vroeg Getekend", begins=maker.now - DAY)
    pdf = _at(maker, maker.now - 2 * DAY).stamp(maker.stock.sign(plain_pdf(), signer))
    return wrongly_signed(pdf, "certificate_began_later", "signature_timestamp_missing")


@stamps
def second_signature_stamped_before_the_first(maker: Maker) -> Vector:
    made = with_fields(plain_pdf(), EMPLOYER, MANAGER)
    once = maker.stock.sign(made, maker.clerk, level="B-T")
    early = maker.main.issue("Bram Verzonnen", begins=maker.now - 9 * DAY)
    pdf = _at(maker, maker.now - 2 * DAY).sign(once, early, field="manager", level="B-T")
    return doubted(pdf, "timestamp_order")


@stamps
def seconds_apart(maker: Maker) -> Vector:
    """Honest: two authorities' clocks differ by some seconds."""
    return authentic(_at(maker, maker.now - timedelta(seconds=5)).stamp(maker.signed("B-LT")))


@stamps
def order_reversed(maker: Maker) -> Vector:
    """The archive timestamp is older than the timestamp of the signature that it covers."""
    early = _at(maker, maker.now - 2 * DAY).stamp(maker.signed("B-LT"))
    return doubted(early, "timestamp_order")


@stamps
def two_in_one_signature(maker: Maker) -> Vector:
    """Honest: two authorities stamped the same signature, each in an attribute of its own."""
    stamper = maker.main.issue("Timestamps", usages=STAMPING, eku=TIME_STAMPING)

    def unsigned(value: bytes) -> list[cms.CMSAttribute]:
        first = stamped_by(maker.stock.timestamper())(value)
        return [*first, *stamped_by(maker.stock.timestamper(stamper=stamper))(value)]

    return authentic(by_hand(plain_pdf(), maker.clerk, Hand(unsigned=unsigned), reserved=16384))


@stamps
def without_its_chain(maker: Maker) -> Vector:
    """Honest: the token encloses the authority's certificate alone; the issuer's is with the signature."""
    stamper = replace(maker.main.issue("Timestamps", usages=STAMPING, eku=TIME_STAMPING), chain=())
    return authentic(_stamped(maker, stamper))


@stamps
def with_a_digest_of_512_bits(maker: Maker) -> Vector:
    """Honest."""
    signer = maker.main.issue("Karin Sleutel", key_type="P-521")
    pdf = maker.stock.sign(plain_pdf(), signer, level="B-T", digest="sha512")
    return authentic(pdf)


# revocation


def _quiet(maker: Maker) -> tuple[bytes, Credential]:
    """Signed B-T by somebody whose authority's revocations are known from the file alone."""
    signer = maker.quiet.issue("Quinten Stil")
    return maker.stock.sign(plain_pdf(), signer, level="B-T"), signer


def _with(maker: Maker, answer: Callable[[x509.Certificate], bytes]) -> bytes:
    pdf, signer = _quiet(maker)
    return remembered(pdf, answers=[answer(signer.certificate)])


UNCOVERED = "validation_data_uncovered"


@answers
def nothing_known(maker: Maker) -> Vector:
    return doubted(_quiet(maker)[0], "revocation_unknown")


@answers
def good_answer_in_the_file(maker: Maker) -> Vector:
    """Honest."""
    return remarked(_with(maker, lambda signer: maker.quiet.answer(signer, maker.now)), UNCOVERED)


@answers
def good_list_in_the_file(maker: Maker) -> Vector:
    """Honest."""
    pdf, _ = _quiet(maker)
    return remarked(remembered(pdf, lists=[maker.quiet.crl(maker.now)]), UNCOVERED)


@answers
def answer_covered_by_a_timestamp(maker: Maker) -> Vector:
    """Honest."""
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now))
    return authentic(maker.stock.stamp(pdf))


@answers
def several_answers_one_stale(maker: Maker) -> Vector:
    """Honest: an old answer beside a new one."""
    pdf, signer = _quiet(maker)
    old = maker.quiet.answer(signer.certificate, maker.now - 30 * DAY)
    new = maker.quiet.answer(signer.certificate, maker.now)
    return remarked(remembered(pdf, answers=[old, new]), UNCOVERED)


@answers
def answer_by_the_authority_itself(maker: Maker) -> Vector:
    """Honest: no delegated responder."""
    own = maker.quiet.authority
    return remarked(_with(maker, lambda it: maker.quiet.answer(it, maker.now, responder=own)), UNCOVERED)


@answers
def answer_though_no_responder_is_named(maker: Maker) -> Vector:
    """Honest: the certificate says nothing of OCSP, and the file carries an answer all the same."""
    signer = maker.quiet.issue("Quinten Stil", names_responder=False)
    pdf = maker.stock.sign(plain_pdf(), signer, level="B-T")
    return remarked(remembered(pdf, answers=[maker.quiet.answer(signer.certificate, maker.now)]), UNCOVERED)


@answers
def answer_without_a_responders_purpose(maker: Maker) -> Vector:
    """Another certificate of the same authority's answers, which may not."""
    other = maker.quiet.issue("Not a responder")
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now, responder=other))
    return doubted(pdf, "revocation_unknown", UNCOVERED)


@answers
def answer_by_the_signer(maker: Maker) -> Vector:
    pdf, signer = _quiet(maker)
    answer = maker.quiet.answer(signer.certificate, maker.now, responder=signer)
    return doubted(remembered(pdf, answers=[answer]), "revocation_unknown", UNCOVERED)


@answers
def answer_by_another_authoritys_responder(maker: Maker) -> Vector:
    other = maker.main.responder()
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now, responder=other))
    return doubted(pdf, "revocation_unknown", UNCOVERED)


@answers
def responder_that_needs_an_answer_itself(maker: Maker) -> Vector:
    """Its certificate doesn't say that nobody need ask, and nobody answered."""
    by = maker.quiet.responder(no_check=False)
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now, responder=by))
    return doubted(pdf, "revocation_unknown", UNCOVERED)


@answers
def answer_about_somebody_else(maker: Maker) -> Vector:
    other = maker.quiet.issue("Somebody else").certificate
    pdf = _with(maker, lambda _: maker.quiet.answer(other, maker.now))
    return doubted(pdf, "revocation_unknown", UNCOVERED)


@answers
def answer_about_another_issuers(maker: Maker) -> Vector:
    """The same serial number under another issuer."""
    about = maker.authority.issuing
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now, about=about))
    return doubted(pdf, "revocation_unknown", UNCOVERED)


@answers
def answer_unknown(maker: Maker) -> Vector:
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now, unknown=True))
    return doubted(pdf, "revocation_unknown", UNCOVERED)


@answers
def answer_stale(maker: Maker) -> Vector:
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now - 30 * DAY))
    return doubted(pdf, "revocation_unknown", UNCOVERED)


@answers
def answer_of_tomorrow(maker: Maker) -> Vector:
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now + DAY))
    return doubted(pdf, "revocation_unknown", UNCOVERED)


@answers
def answer_broken(maker: Maker) -> Vector:
    """One bit of its signature is another."""

    def broken(signer: x509.Certificate) -> bytes:
        der = maker.quiet.answer(signer, maker.now)
        value = ocsp.load_der_ocsp_response(der).signature
        return der.replace(value, value[:-1] + bytes([value[-1] ^ 1]))

    return doubted(_with(maker, broken), "revocation_unknown", UNCOVERED)


@answers
def answer_says_revoked(maker: Maker) -> Vector:
    """Revoked before the timestamp."""
    moment = maker.now - DAY
    pdf = _with(maker, lambda signer: maker.quiet.answer(signer, maker.now, revoked_at=moment))
    return wrongly_signed(pdf, "signer_revoked")


@answers
def good_and_revoked(maker: Maker) -> Vector:
    """One answer says good, another one revoked."""
    pdf, signer = _quiet(maker)
    good = maker.quiet.answer(signer.certificate, maker.now)
    bad = maker.quiet.answer(signer.certificate, maker.now, revoked_at=maker.now - DAY)
    return wrongly_signed(remembered(pdf, answers=[good, bad]), "signer_revoked")


@answers
def list_stale(maker: Maker) -> Vector:
    pdf, _ = _quiet(maker)
    return doubted(
        remembered(pdf, lists=[maker.quiet.crl(maker.now - 30 * DAY)]), "revocation_unknown", UNCOVERED
    )


@answers
def list_of_another_key(maker: Maker) -> Vector:
    """The issuer's name, another key's signature."""
    pdf, _ = _quiet(maker)
    impostor = maker.main_root.below(maker.quiet.authority.certificate.subject)
    return doubted(remembered(pdf, lists=[impostor.crl(maker.now)]), "revocation_unknown", UNCOVERED)


@answers
def list_says_revoked(maker: Maker) -> Vector:
    pdf, signer = _quiet(maker)
    crl = maker.quiet.crl(maker.now, {signer.certificate.serial_number: maker.now - DAY})
    return wrongly_signed(remembered(pdf, lists=[crl]), "signer_revoked")


@answers
def list_says_suspended(maker: Maker) -> Vector:
    pdf, signer = _quiet(maker)
    serial = signer.certificate.serial_number
    crl = maker.quiet.crl(maker.now, {serial: maker.now - DAY}, reason="certificate_hold")
    return wrongly_signed(remembered(pdf, lists=[crl]), "signer_revoked")


@answers
def revoked_after_the_timestamp(maker: Maker) -> Vector:
    """Honest: it was good when it was signed."""
    signer = maker.authority.issue("Nina Later", now=maker.now - 9 * DAY)
    pdf = _at(maker, maker.now - 2 * DAY).sign(plain_pdf(), signer, level="B-T")
    maker.authority.revoke(signer.certificate.serial_number, at=maker.now - DAY)
    return authentic(pdf)


@answers
def revoked_before_the_timestamp(maker: Maker) -> Vector:
    signer = maker.authority.issue("Vera Vroeger", now=maker.now - 9 * DAY)
    pdf = maker.stock.sign(plain_pdf(), signer, level="B-T")
    maker.authority.revoke(signer.certificate.serial_number, at=maker.now - DAY)
    return wrongly_signed(pdf, "signer_revoked")


@answers
def revoked_before_an_untrusted_timestamp(maker: Maker) -> Vector:
    signer = maker.authority.issue("Vera Vroeger", now=maker.now - 9 * DAY)
    root = Branch.root("Root of strangers", maker.now - 20 * DAY)
    stamper = root.issue("Timestamps", usages=STAMPING, eku=TIME_STAMPING)
    pdf = _at(maker, maker.now - 2 * DAY).sign(plain_pdf(), signer, level="B-T", stamper=stamper)
    maker.authority.revoke(signer.certificate.serial_number, at=maker.now - DAY)
    return doubted(pdf, "revoked_time_unproven", "timestamp_invalid")


@answers
def authority_revoked(maker: Maker) -> Vector:
    """The list in the file says that the issuer's own certificate was revoked; a newer one doesn't."""
    bad = maker.main_root.below("Revoked authority")
    signer = bad.issue("Onno Onder")
    pdf = maker.stock.sign(plain_pdf(), signer, level="B-T")
    root_list = maker.main_root.crl(
        maker.now - timedelta(minutes=1),
        {bad.authority.certificate.serial_number: maker.now - DAY},
        reason="ca_compromise",
    )
    return doubted(remembered(pdf, lists=[root_list, bad.crl(maker.now)]), "revoked_time_unproven", UNCOVERED)


@answers
def expired_after_the_timestamp(maker: Maker) -> Vector:
    """The certificate ran out after a proven time; without an archive timestamp that is not enough."""
    signer = maker.main.issue("Kort Geldig", begins=maker.now - 9 * DAY, ends=maker.now - DAY)
    pdf = _at(maker, maker.now - 2 * DAY).sign(plain_pdf(), signer, level="B-T")
    return doubted(pdf, "expired")


@answers
def expired_after_the_timestamp_with_answers(maker: Maker) -> Vector:
    """Honest, at level B-LT: the answers say that it was good until then."""
    pdf = _expired_with_answers(maker, maker.now - 2 * DAY)
    return remarked(pdf, "revocation_aged", UNCOVERED)


def _expired_with_answers(maker: Maker, moment: datetime) -> bytes:
    signer = maker.main.issue("Kort Geldig", begins=maker.now - 9 * DAY, ends=maker.now - DAY)
    pdf = _at(maker, moment).sign(plain_pdf(), signer, level="B-T")
    about = (signer.certificate, maker.authority.tsa)
    return remembered(
        pdf,
        certificates=[maker.authority.issuing],
        answers=[maker.main.answer(each, moment) for each in about],
        lists=[maker.main_root.crl(moment)],
    )


@answers
def expired_before_the_timestamp(maker: Maker) -> Vector:
    signer = maker.main.issue("Kort Geldig", begins=maker.now - 9 * DAY, ends=maker.now - 2 * DAY)
    return doubted(maker.stock.sign(plain_pdf(), signer, level="B-T"), "expired")


# archives


@renewals
def expired_but_archived(maker: Maker) -> Vector:
    moment = maker.now - 2 * DAY
    pdf = _at(maker, moment).stamp(_expired_with_answers(maker, moment))
    return authentic(pdf, "revocation_aged")


@renewals
def renewed_three_times(maker: Maker) -> Vector:
    pdf = maker.signed("B-LT")
    for _ in range(4):
        pdf = maker.stock.stamp(pdf)
    return authentic(pdf)


@renewals
def renewed_with_new_answers_each_time(maker: Maker) -> Vector:
    pdf = maker.stock.stamp(maker.signed("B-LT"))
    for _ in range(2):
        answer = maker.main.answer(maker.authority.tsa, maker.now)
        pdf = maker.stock.stamp(remembered(pdf, answers=[answer]))
    return authentic(pdf)


@renewals
def archived_by_two_authorities(maker: Maker) -> Vector:
    stamper = maker.main.issue("Timestamps", usages=STAMPING, eku=TIME_STAMPING)
    return authentic(maker.stock.stamp(maker.stock.stamp(maker.signed("B-LT")), stamper=stamper))


@renewals
def answers_behind_the_archive_timestamp(maker: Maker) -> Vector:
    return remarked(maker.stock.remember_lists(maker.stock.stamp(maker.signed("B-LT"))), UNCOVERED)
