"""What a report tells of each signature: QC statements, revocation and its age, how long it is good for."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import algos
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from signing.verify import strength, validation
from signing.verify.evidence import Evidence, Heard
from signing.verify.qc_statements import QcStatements
from signing.verify.report import Indication, Report, Role
from signing.verify.strength import NEVER, Means, ends_at, strength_of
from signing.verify.transport import packed, unpacked
from signing.verify.trust import ValidationData
from signing.verify.verdict import verify_pdf
from tests.trusted_lists import issued_with, statements
from tests.vectors.catalogue import trust_of
from tests.vectors.stock import Stock, plain_pdf

NOW = datetime.now(UTC).replace(microsecond=0)


def judged(authority: DevelopmentAuthority, pdf: bytes, at: datetime = NOW, *, lists: bool = True) -> Report:
    trust = trust_of(authority, at) if lists else authority.trust
    report = verify_pdf(pdf, trust=trust, at=at, now=at)
    assert unpacked(packed(report)) == report
    return report


def test_the_statements_of_a_certificate_are_told(authority: DevelopmentAuthority) -> None:
    qc = statements(limit=5, types=("qct_esign",), countries=("ZZ",))
    signer = issued_with(authority, "Quinta Verklaring", now=NOW, qc=qc)
    (signature,) = judged(authority, Stock(authority, NOW).sign(plain_pdf(), signer)).signatures
    assert signature.qc == QcStatements(
        compliance=True,
        sscd=True,
        types=("esign",),
        limit_value="5000 EUR",
        disclosures=("https://disclosure.example/en.pdf",),
        countries=("ZZ",),
    )
    assert signature.as_dict()["qc_statements"]["compliance"] is True


@pytest.mark.parametrize(
    ("qc", "organisation", "role"),
    [
        (statements(types=("qct_eseal",)), False, Role.SEAL),
        (statements(types=("qct_esign",)), True, Role.APPROVAL),
        (statements(types=()), True, Role.SEAL),
        (None, True, Role.SEAL),
        (None, False, Role.APPROVAL),
    ],
)
def test_the_role_follows_the_type_of_the_certificate(
    qc: bytes | None, organisation: bool, role: Role, authority: DevelopmentAuthority
) -> None:
    signer = issued_with(authority, "Rolverdeling", now=NOW, qc=qc, organisation=organisation)
    (signature,) = judged(authority, Stock(authority, NOW).sign(plain_pdf(), signer)).signatures
    assert signature.role is role
    assert (signature.qc is None) == (qc is None)


@pytest.mark.parametrize("qc", [b"\x30\x03\x02\x01\x05", b"\x04\x01x", b"\x30\x02\x30\x00"])
def test_statements_that_cannot_be_read_say_so(qc: bytes, authority: DevelopmentAuthority) -> None:
    signer = issued_with(authority, "Onleesbaar", now=NOW, qc=qc)
    (signature,) = judged(authority, Stock(authority, NOW).sign(plain_pdf(), signer)).signatures
    assert signature.qc == QcStatements(readable=False)


def test_the_age_of_a_revocation_answer_is_counted_from_the_proven_time(
    authority: DevelopmentAuthority,
) -> None:
    signer = authority.issue("Rosa Vers", now=NOW - timedelta(days=9))
    pdf = Stock(authority, NOW - timedelta(minutes=30)).sign(plain_pdf(), signer, level="B-LT")
    in_file = judged(authority, pdf, lists=False).signatures[0].revocation
    assert in_file is not None
    assert (in_file.status, in_file.source, in_file.kind) == ("good", "file", "ocsp")
    assert in_file.issued_at == NOW - timedelta(minutes=30)
    assert in_file.next_update is not None
    assert in_file.age_s == 0
    newer = judged(authority, pdf).signatures[0].revocation  # the list at hand is of now
    assert newer is not None
    assert (newer.status, newer.source, newer.kind) == ("good", "trust", "crl")
    assert newer.age_s == -30 * 60


def test_a_revocation_is_told_with_its_time_even_where_it_does_no_harm(tmp_path: Path) -> None:
    authority = DevelopmentAuthority.create(
        tmp_path / "pki", base_url=free_base_url(), now=NOW - timedelta(days=9)
    )
    signer = authority.issue("Rita Later", now=NOW - timedelta(days=9))
    pdf = Stock(authority, NOW - timedelta(days=2)).sign(plain_pdf(), signer, level="B-T")
    authority.revoke(signer.certificate.serial_number, at=NOW - timedelta(days=1))
    report = judged(authority, pdf)
    assert report.passed
    revocation = report.signatures[0].revocation
    assert revocation is not None
    assert (revocation.status, revocation.revoked_at) == ("revoked", NOW - timedelta(days=1))
    before = judged(authority, pdf, NOW - timedelta(days=1, hours=1)).signatures[0].revocation
    assert before is not None
    assert (before.status, before.revoked_at) == ("good", None)


def test_an_answer_that_says_revoked_outweighs_a_newer_one(
    authority: DevelopmentAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(hours: int, revoked_at: datetime | None) -> Heard:
        return Heard("crl", NOW - timedelta(hours=hours), None, revoked_at)

    revoked_at = NOW - timedelta(hours=3)
    told = [answer(1, None), answer(2, revoked_at), answer(9, None)]
    path = tuple(certificate_of(KEYS["EC-256"]()) for _ in range(2))
    evidence = Evidence(ValidationData(), ValidationData(), NOW)
    monkeypatch.setattr(evidence, "_answers", lambda subject, issuer, data: told)
    found = evidence.status(path, ValidationData(), NOW)
    assert (found.status, found.revoked_at, found.age_s) == ("revoked", revoked_at, 2 * 3600)
    monkeypatch.setattr(evidence, "_answers", lambda subject, issuer, data: told[::2])
    assert evidence.status(path, ValidationData(), NOW).age_s == 3600


def test_without_an_answer_the_status_is_unknown(authority: DevelopmentAuthority) -> None:
    signer = authority.issue("Ruben Stil", now=NOW)
    pdf = Stock(authority, NOW).sign(plain_pdf(), signer)
    revocation = judged(authority, pdf, lists=False).signatures[0].revocation
    assert revocation is not None
    assert (revocation.status, revocation.issued_at, revocation.age_s) == ("unknown", None, None)


def certificate_of(key: object) -> asn1_x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sample key")])
    issuer = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(issuer, hashes.SHA256())
    )
    return asn1_x509.Certificate.load(made.public_bytes(Encoding.DER))


def made_with(digest: str, algorithm: str) -> Means:
    signed: dict[str, object] = {"algorithm": algorithm}
    if algorithm == "rsassa_pss":
        signed["parameters"] = {"hash_algorithm": {"algorithm": digest}}
    return Means(digest, algos.SignedDigestAlgorithm(signed))


KEYS: dict[str, Callable[[], object]] = {
    "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 (as weak as it has to be)
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-3072": lambda: rsa.generate_private_key(65537, 3072),
    "EC-192": lambda: ec.generate_private_key(ec.SECP192R1()),
    "EC-224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "EC-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize(
    ("key", "digest", "algorithm", "good_until"),
    [
        ("RSA-1024", "sha256", "sha256_rsa", 2019),
        ("RSA-2048", "sha256", "sha256_rsa", 2028),
        ("RSA-2048", "sha256", "rsassa_pss", 2028),
        ("RSA-3072", "sha512", "sha512_rsa", 2028),
        ("RSA-3072", "sha256", "rsassa_pss", None),
        ("RSA-3072", "sha256", "rsassa_pkcs1v15", 2028),
        ("RSA-2048", "sha1", "sha1_rsa", 2012),
        ("RSA-2048", "md5", "md5_rsa", 2004),
        ("EC-192", "sha256", "sha256_ecdsa", 2012),
        ("EC-224", "sha256", "sha256_ecdsa", 2021),
        ("EC-256", "sha256", "sha256_ecdsa", None),
        ("EC-256", "sha224", "sha224_ecdsa", 2028),
        ("EC-521", "sha512", "sha512_ecdsa", None),
        ("Ed25519", "sha512", "ed25519", None),
    ],
)
def test_the_weakest_part_says_how_long_it_is_good_for(
    key: str, digest: str, algorithm: str, good_until: int | None
) -> None:
    path = [certificate_of(KEYS[key]())]
    told = strength_of(made_with(digest, algorithm), path)
    assert (told.key, told.digest, told.good_until) == (key, digest, good_until)
    assert (ends_at(made_with(digest, algorithm), path) == NEVER) == (good_until is None)


def test_a_key_that_nobody_can_measure_proves_nothing() -> None:
    der = certificate_of(KEYS["EC-256"]()).dump()
    known, unknown = "2a8648ce3d030107", "2a8648ce3d03017f"
    odd = asn1_x509.Certificate.load(der.replace(bytes.fromhex(known), bytes.fromhex(unknown)))
    told = strength_of(made_with("sha256", "sha256_ecdsa"), [odd])
    assert (told.good_until, told.weakest, told.key) == (0, "EC-0", "EC-0")
    tiny = asn1_x509.Certificate.load(der)
    tiny["tbs_certificate"]["subject_public_key_info"] = asn1_keys.PublicKeyInfo.wrap(
        asn1_keys.RSAPublicKey({"modulus": (1 << 511) + 1, "public_exponent": 3}), "rsa"
    )
    assert strength_of(made_with("sha256", "sha256_rsa"), [tiny]).good_until == 0


def test_a_weak_issuer_weakens_its_certificates() -> None:
    strong, weak = certificate_of(KEYS["EC-256"]()), certificate_of(KEYS["RSA-2048"]())
    strong["signature_algorithm"] = {"algorithm": "sha256_rsa"}
    assert strength_of(made_with("sha256", "sha256_ecdsa"), [strong, weak]).good_until == 2028
    assert strength_of(made_with("sha256", "sha256_ecdsa"), [strong]).good_until is None


def test_past_its_time_only_proof_from_before_keeps_a_signature(authority: DevelopmentAuthority) -> None:
    signer = authority.issue(
        "Rianne Sterk", key_type="RSA-2048", now=NOW, not_after=datetime(2031, 1, 1, tzinfo=UTC)
    )
    bare = Stock(authority, NOW).sign(plain_pdf(), signer)
    stamped = Stock(authority, NOW).sign(plain_pdf(), signer, level="B-T")
    just_good, too_late = datetime(2028, 12, 31, 12, tzinfo=UTC), datetime(2029, 1, 1, 1, tzinfo=UTC)
    assert judged(authority, bare, just_good).passed
    late = judged(authority, bare, too_late)
    assert (late.indication, late.sub_indication) == (
        Indication.INDETERMINATE,
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    )
    assert late.signatures[0].findings[0].code == "algorithm_weak"
    proven = judged(authority, stamped, too_late)
    assert proven.passed, proven.sentence
    told = proven.signatures[0].strength
    assert told is not None
    assert (told.key, told.good_until, told.weakest) == (
        "RSA-2048",
        2028,
        "RSA-2048 with PKCS#1 v1.5 padding",
    )


def test_sha1_proves_nothing(authority: DevelopmentAuthority) -> None:
    signer = authority.issue("Sara Oud", key_type="RSA-2048", now=NOW)
    metadata = signers.PdfSignatureMetadata(
        field_name="employer", md_algorithm="sha1", subfilter=SigSeedSubFilter.PADES
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(plain_pdf()))
    out = signers.sign_pdf(writer, metadata, Stock(authority, NOW).signer(signer))
    report = judged(authority, out.getvalue())
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    )
    assert report.signatures[0].strength is not None
    assert report.signatures[0].strength.good_until == 2012


def test_a_timestamp_past_its_time_proves_nothing_but_with_a_younger_one_behind_it(
    authority: DevelopmentAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The authority's own algorithms are declared weak from tomorrow on, those of another are not."""
    long = NOW + timedelta(days=700)
    younger = authority.issue("Jonge TSA", now=NOW, not_after=long, eku=(ExtendedKeyUsageOID.TIME_STAMPING,))
    signer = authority.issue("Tess Gestempeld", now=NOW, not_after=long)
    stock = Stock(authority, NOW)
    once = stock.stamp(stock.sign(plain_pdf(), signer, level="B-LT"))
    twice = stock.stamp(stock.remember(once, younger.certificate), stamper=younger)
    old = authority.tsa.public_bytes(Encoding.DER)

    def ends(means: Means, path: tuple[asn1_x509.Certificate, ...]) -> datetime:
        weak = bool(path) and path[0].dump() == old
        return NOW + timedelta(days=1) if weak else strength.ends_at(means, path)

    monkeypatch.setattr(validation, "ends_at", ends)
    later = NOW + timedelta(days=30)
    assert judged(authority, once).passed
    alone = judged(authority, once, later)
    assert alone.sub_indication == "SIG_CONSTRAINTS_FAILURE"
    assert {each.proven_at for each in alone.signatures} == {None}
    renewed = judged(authority, twice, later)
    assert renewed.passed, renewed.sentence
    assert renewed.signatures[0].proven_at == NOW
