"""What our own desk signs, at every level and with every kind of key, is and stays authentic."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from pyhanko.sign.fields import SigFieldSpec

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore
from signing.verify.findings import Weight
from signing.verify.report import Indication, Role, Verdict
from signing.verify.verdict import verify_pdf
from tests.unit.test_verify_survey import numbered
from tests.vectors.catalogue import trust_of
from tests.vectors.ours import sign_ours
from tests.vectors.stock import Stock, plain_pdf, with_fields

KEY_TYPES = ["RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "Ed25519"]
LEVELS = ["B-B", "B-T", "B-LT", "B-LTA"]


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_every_key_type_at_the_highest_level(
    key_type: str, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    signer = authority.person("key", "Karin Sleutel", key_type=key_type, now=datetime.now(UTC))
    pdf = sign_ours(authority, plain_pdf(), [("employer", signer)], level="B-LTA")
    report = verify_pdf(pdf, trust=authority.trust, now=datetime.now(UTC))
    assert report.verdict is Verdict.AUTHENTIC, report.sentence
    signature, timestamp = report.signatures
    assert (signature.level, signature.role, timestamp.role) == ("B-LTA", Role.APPROVAL, Role.TIMESTAMP)


@pytest.mark.parametrize("level", LEVELS)
def test_level_reached_signer_times_and_chain(
    level: str, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    signer = authority.person("lev", "Lena Niveau", now=datetime.now(UTC))
    pdf = sign_ours(authority, plain_pdf(), [("employer", signer)], level=level)
    now = datetime.now(UTC)
    report = verify_pdf(pdf, trust=trust_of(authority, now), now=datetime.now(UTC))
    signature = report.signatures[0]
    assert report.verdict is Verdict.AUTHENTIC, report.sentence
    assert signature.level == level
    assert signature.signer is not None
    assert signature.signer.startswith("Lena Niveau")
    assert signature.claimed_at is not None
    assert before <= signature.claimed_at <= now
    assert (signature.proven_at is None) == (level == "B-B")
    assert len(signature.chain) == 3
    assert (signature.revocation_checked_at is None) == (level in ("B-B", "B-T"))
    assert "Development certificate" in report.sentence


@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_without_revocation_answers_nothing_passes(
    level: str, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    signer = authority.person("rev", "Rik Onbekend", now=datetime.now(UTC))
    pdf = sign_ours(authority, plain_pdf(), [("employer", signer)], level=level)
    report = verify_pdf(pdf, trust=authority.trust, now=datetime.now(UTC))
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "TRY_LATER")
    assert "revoked" in report.sentence


@pytest.mark.parametrize("level", ["B-LT", "B-LTA"])
def test_long_term_levels_outlive_their_revocation_answers(
    level: str, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    signer = authority.person("long", "Lotte Lang", now=datetime.now(UTC))
    pdf = sign_ours(authority, plain_pdf(), [("employer", signer)], level=level)
    later = datetime.now(UTC) + timedelta(days=90)
    report = verify_pdf(pdf, trust=authority.trust, now=later)
    assert report.verdict is Verdict.AUTHENTIC, report.sentence
    assert "revocation_aged" in {finding.code for finding in report.signatures[0].findings}


def since_days(folder: Path, now: datetime) -> DevelopmentAuthority:
    """A PKI that has been there for nine days, its timestamp authority too."""
    made_at = now - timedelta(days=9)
    return DevelopmentAuthority.create(folder / "pki", base_url=free_base_url(), now=made_at)


def trust_then(authority: DevelopmentAuthority, later: datetime) -> tuple[TrustStore, TrustStore]:
    """What an auditor has at hand later: nothing but the root, or fresh revocation lists too."""
    return authority.trust, trust_of(authority, later)


def test_answers_in_the_file_outlive_the_signers_certificate(authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    brief = authority.issue("Kort Geldig", now=now, not_after=now + timedelta(days=2))
    stock = Stock(authority, now)
    signed = {level: stock.sign(plain_pdf(), brief, level=level) for level in ("B-B", "B-T", "B-LT")}
    archived, later = stock.stamp(signed["B-LT"]), now + timedelta(days=30)
    for trust in trust_then(authority, later):
        said = {level: verify_pdf(pdf, trust=trust, now=later) for level, pdf in signed.items()}
        assert [report.indication for report in said.values()] == [
            *[Indication.INDETERMINATE] * 2,
            Indication.PASSED,
        ]
        assert verify_pdf(archived, trust=trust, now=later).verdict is Verdict.AUTHENTIC


def test_answers_in_the_file_do_not_outlive_a_revocation_before(authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    brief = authority.issue("Kort Betrouwd", now=now, not_after=now + timedelta(days=2))
    pdf = Stock(authority, now).sign(plain_pdf(), brief, level="B-LT")
    authority.revoke(brief.certificate.serial_number, at=now - timedelta(minutes=10))
    later = now + timedelta(days=30)
    alone, told = (verify_pdf(pdf, trust=trust, now=later) for trust in trust_then(authority, later))
    assert alone.indication is Indication.PASSED  # nothing at hand says so
    assert (told.indication, told.sub_indication) == (Indication.FAILED, "REVOKED")


def test_a_renewed_timestamp_does_not_mend_an_authority_for_something_else(
    authority: DevelopmentAuthority,
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signer = authority.person("men", "Mies Mender", now=now)
    purposes = (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
    brief = authority.issue("Brief", now=now, not_after=now + timedelta(days=2), eku=purposes)
    stock = Stock(authority, now)
    once = stock.stamp(stock.sign(plain_pdf(), signer, level="B-LT"), stamper=brief)
    renewed, later = stock.stamp(stock.remember(once, brief.certificate)), now + timedelta(days=30)
    for trust in trust_then(authority, later):
        report = verify_pdf(renewed, trust=trust, now=later)
        assert report.indication is Indication.INDETERMINATE
        assert report.sub_indication == "CHAIN_CONSTRAINTS_FAILURE"


def test_renewed_timestamp_outlives_the_one_before(authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signer = authority.person("ren", "Ria Nieuw", now=now)
    brief = authority.issue(
        "Brief TSA", now=now, not_after=now + timedelta(days=2), eku=(ExtendedKeyUsageOID.TIME_STAMPING,)
    )
    stock = Stock(authority, now)
    once = stock.stamp(stock.sign(plain_pdf(), signer, level="B-LT"), stamper=brief)
    renewed, later = stock.stamp(stock.remember(once, brief.certificate)), now + timedelta(days=30)
    for trust in trust_then(authority, later):
        assert verify_pdf(once, trust=trust, now=later).indication is Indication.INDETERMINATE
        report = verify_pdf(renewed, trust=trust, now=later)
        assert report.verdict is Verdict.AUTHENTIC, report.sentence


def test_before_the_certificate_was_valid_nothing_passes(authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signer = authority.person("pre", "Pim Vroeg", now=now)
    pdf = Stock(authority, now).sign(plain_pdf(), signer)
    early = verify_pdf(pdf, trust=trust_of(authority, now), at=now - timedelta(days=3650), now=now)
    assert early.indication is Indication.INDETERMINATE


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LTA"])
def test_judged_as_of_a_time_before_signing_it_says_so(level: str, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    authority = since_days(tmp_path, now)
    signer = authority.issue("Nina Later", now=now - timedelta(days=9))
    made_at = now - timedelta(days=2)
    pdf = Stock(authority, made_at).sign(plain_pdf(), signer, level=level)
    early = verify_pdf(pdf, trust=trust_of(authority, now), at=now - timedelta(days=3), now=now)
    assert (early.indication, early.signatures[0].sub_indication) == (Indication.INDETERMINATE, "TRY_LATER")
    told = f"it is judged as of a time before it was signed, which it says was {made_at:%Y-%m-%d %H:%M} UTC"
    assert told in early.sentence
    assert "revoked" not in early.sentence


def test_a_signature_that_says_it_was_made_later_is_remarked(authority: DevelopmentAuthority) -> None:
    """Nothing proves its time: answers of today are there, and it claims to be of the day after tomorrow."""
    now = datetime.now(UTC).replace(microsecond=0)
    signer = authority.person("early", "Eva Later", now=now)
    trust = trust_of(authority, now)
    for ahead, verdict, codes in (
        (timedelta(minutes=4), Verdict.AUTHENTIC, set()),
        (timedelta(days=2), Verdict.SIGNED_BUT, {"claimed_later"}),
    ):
        pdf = Stock(authority, now + ahead).sign(plain_pdf(), signer)
        report = verify_pdf(pdf, trust=trust, now=now)
        assert (report.verdict, report.indication) == (verdict, Indication.PASSED)
        found = {one.code for one in report.signatures[0].findings} - {"development_certificate"}
        assert found == codes


def test_revocation_after_a_proven_time_does_no_harm(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    authority = since_days(tmp_path, now)
    signer = authority.issue("Nina Later", now=now - timedelta(days=9))
    stock = Stock(authority, now - timedelta(days=2))
    signed = {level: stock.sign(plain_pdf(), signer, level=level) for level in ("B-B", "B-T")}
    authority.revoke(signer.certificate.serial_number, at=now - timedelta(days=1))
    trust = trust_of(authority, now)
    assert verify_pdf(signed["B-T"], trust=trust, now=now).verdict is Verdict.AUTHENTIC
    bare = verify_pdf(signed["B-B"], trust=trust, now=now)
    assert (bare.indication, bare.sub_indication) == (Indication.INDETERMINATE, "REVOKED_NO_POE")


@pytest.mark.parametrize("level", ["B-B", "B-LT"])
def test_a_revocation_list_at_hand_outweighs_good_answers_in_the_file(
    level: str, authority: DevelopmentAuthority
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signer = authority.issue("Eva Ingetrokken", now=now)
    stock = Stock(authority, now)
    pdf = stock.remember(stock.sign(plain_pdf(), signer, level=level), signer.certificate)
    archived = stock.stamp(pdf)
    authority.revoke(signer.certificate.serial_number, at=now - timedelta(minutes=30))
    trust = trust_of(authority, now)
    proven = level == "B-LT"
    expected = (Indication.FAILED, "REVOKED") if proven else (Indication.INDETERMINATE, "REVOKED_NO_POE")
    for each in (pdf, archived):
        report = verify_pdf(each, trust=trust, now=now)
        assert (report.indication, report.sub_indication) == expected, report.sentence


def test_revocation_after_an_archive_timestamp_does_no_harm(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    authority = since_days(tmp_path, now)
    signer = authority.issue("Nora Later", now=now - timedelta(days=9))
    stock = Stock(authority, now - timedelta(days=2))
    pdf = stock.stamp(stock.remember(stock.sign(plain_pdf(), signer), signer.certificate))
    authority.revoke(signer.certificate.serial_number, at=now - timedelta(days=1))
    report = verify_pdf(pdf, trust=trust_of(authority, now), now=now)
    assert report.passed, report.sentence
    assert [each.code for each in report.signatures[0].findings if each.weight is Weight.REMARK] == [
        "signature_timestamp_missing"  # made B-B and archived later: odd, but honest
    ]


def test_a_certificate_for_another_purpose_does_not_pass_when_revoked_or_expired(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    authority = since_days(tmp_path, now)
    server = authority.issue(
        "www.example.org",
        now=now - timedelta(days=9),
        not_after=now + timedelta(days=2),
        eku=(ExtendedKeyUsageOID.SERVER_AUTH,),
    )
    stock = Stock(authority, now - timedelta(days=2))
    short = stock.sign(plain_pdf(), server, level="B-T")
    long = stock.stamp(stock.sign(plain_pdf(), server, level="B-LT"))
    expired = verify_pdf(long, trust=authority.trust, now=now + timedelta(days=30))
    authority.revoke(server.certificate.serial_number, at=now - timedelta(days=1))
    revoked = verify_pdf(short, trust=trust_of(authority, now), now=now)
    for report in (revoked, expired):
        assert report.indication is Indication.INDETERMINATE
        assert report.sub_indication == "CHAIN_CONSTRAINTS_FAILURE"


def test_a_revoked_timestamp_authority_proves_no_time(authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    stamper = authority.issue(
        "Stolen TSA", now=now - timedelta(days=9), eku=(ExtendedKeyUsageOID.TIME_STAMPING,)
    )
    signer = authority.person("sto", "Sem Gestempeld", now=now)
    stock = Stock(authority, now)
    once = stock.stamp(stock.sign(plain_pdf(), signer, level="B-LT"), stamper=stamper)
    pdf = stock.remember(once, stamper.certificate)
    authority.revoke(stamper.certificate.serial_number, at=now - timedelta(hours=1))
    report = verify_pdf(stock.stamp(pdf), trust=trust_of(authority, now), now=now)
    assert report.indication is Indication.INDETERMINATE
    assert report.sub_indication == "REVOKED_NO_POE"


@pytest.mark.parametrize(
    ("purposes", "verdict"),
    [
        ((ExtendedKeyUsageOID.SERVER_AUTH,), Verdict.SIGNED_BUT),
        ((ExtendedKeyUsageOID.OCSP_SIGNING,), Verdict.SIGNED_BUT),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), Verdict.SIGNED_BUT),
        ((ExtendedKeyUsageOID.CLIENT_AUTH,), Verdict.SIGNED_BUT),
        ((ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.CLIENT_AUTH), Verdict.AUTHENTIC),
        ((ObjectIdentifier("1.3.6.1.5.5.7.3.36"),), Verdict.AUTHENTIC),
        ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), Verdict.AUTHENTIC),
        ((), Verdict.AUTHENTIC),
    ],
)
def test_a_certificate_for_something_else_signs_no_documents(
    purposes: tuple[ObjectIdentifier, ...], verdict: Verdict, authority: DevelopmentAuthority
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    pdf = Stock(authority, now).sign(plain_pdf(), authority.issue("Doel", now=now, eku=purposes))
    report = verify_pdf(pdf, trust=trust_of(authority, now), now=now)
    assert report.verdict is verdict, report.sentence
    expected = "CHAIN_CONSTRAINTS_FAILURE" if verdict is Verdict.SIGNED_BUT else None
    assert report.sub_indication == expected


def test_forged_answers_in_the_file_raise_no_level(authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signer = authority.person("inf", "Ingrid Niveau", now=now)
    stock = Stock(authority, now)
    honest = stock.sign(plain_pdf(), signer, level="B-T")
    both = (signer.certificate, authority.tsa)
    pdf = honest
    for certificate in both:
        pdf = stock.remember(pdf, certificate, forged=True)
    pdf = stock.remember_lists(pdf)
    report = verify_pdf(pdf, trust=trust_of(authority, now), now=now)
    assert report.signatures[0].level == "B-T"
    for certificate in both:
        honest = stock.remember(honest, certificate)
    honest = stock.remember_lists(honest)
    assert verify_pdf(honest, trust=trust_of(authority, now), now=now).signatures[0].level == "B-LT"


def test_two_signers_one_verdict(authority: DevelopmentAuthority, authority_server: AuthorityServer) -> None:
    people = [authority.person(f"two-{n}", f"Persoon {n}", now=datetime.now(UTC)) for n in (1, 2)]
    fields = list(zip(("employer", "manager"), people, strict=True))
    pdf = sign_ours(authority, plain_pdf(), fields, level="B-LT")
    report = verify_pdf(pdf, trust=authority.trust, now=datetime.now(UTC))
    assert report.verdict is Verdict.AUTHENTIC, report.sentence
    assert [signature.field for signature in report.signatures] == ["employer", "manager"]


def test_a_long_outline_is_no_change(authority: DevelopmentAuthority) -> None:
    """Six hundred entries that each lead to the next, in a file that two people sign."""
    now = datetime.now(UTC).replace(microsecond=0)
    entries = [b"<</Title(x)/Parent 4 0 R/Next %d 0 R>>" % (6 + number) for number in range(599)]
    pdf = numbered(
        b"<</Type/Catalog/Pages 2 0 R/Outlines 4 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        b"<</Type/Outlines/First 5 0 R/Last 604 0 R/Count 600>>",
        *entries,
        b"<</Title(x)/Parent 4 0 R>>",
    )
    stock, signers = Stock(authority, now), [authority.person(f"o-{n}", f"Olga {n}", now=now) for n in (1, 2)]
    signed = stock.sign(with_fields(pdf, SigFieldSpec("one"), SigFieldSpec("two")), signers[0], field="one")
    signed = stock.sign(signed, signers[1], field="two")
    report = verify_pdf(signed, trust=trust_of(authority, now), now=now)
    assert report.verdict is Verdict.AUTHENTIC, report.sentence


def test_seal_is_named_as_such(authority: DevelopmentAuthority, authority_server: AuthorityServer) -> None:
    seal = authority.seal(now=datetime.now(UTC))
    pdf = sign_ours(authority, plain_pdf(), [("employer", seal)], level="B-LT")
    report = verify_pdf(pdf, trust=authority.trust, now=datetime.now(UTC))
    assert report.signatures[0].role is Role.SEAL
    assert "Sealed by" in report.sentence
