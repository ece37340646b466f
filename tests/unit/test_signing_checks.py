"""The checks that stand between a file or token and its being handed out, one refusal each."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from certs import der
from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from certs.trust import TrustStore
from signing.chains import PinnedChains
from signing.composition import Composer
from signing.errors import ChainError, TimestampError
from signing.opened import OpenedPdf
from signing.placeholder import Gap, fill_contents, fill_range, placeholder
from signing.revision import Update
from signing.selfcheck import check_document_timestamp, contents
from signing.timestamps import timestamp_request, token_of
from signing.tokens import Token, check_token
from tests.signing_samples import form_pdf, now, plain_pdf, writer_of, written

DIGEST = hashlib.sha256(b"stamped").digest()


def stamped(authority: DevelopmentAuthority, *purposes: x509.ObjectIdentifier) -> Token:
    """A token from an authority whose certificate has these purposes, checked."""
    return stamped_by(authority, authority.issue("Stamping", now=now() - timedelta(minutes=1), eku=purposes))


def stamped_by(authority: DevelopmentAuthority, credential: Credential) -> Token:
    maker = authority.stamp_maker_for(credential)
    reply = maker.respond(timestamp_request(DIGEST, "sha256", 7), now())
    return check_token(
        token_of(reply), digest_of=lambda _: DIGEST, chains=PinnedChains(authority.trust), nonce=7
    )


def test_a_token_with_a_timestamping_certificate_is_taken(authority: DevelopmentAuthority) -> None:
    token = stamped(authority, ExtendedKeyUsageOID.TIME_STAMPING)
    assert abs(token.gen_time - now()) < timedelta(minutes=1)
    assert token.path.certificates[-1] == authority.root.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "purposes",
    [
        (),
        (ExtendedKeyUsageOID.CODE_SIGNING,),
        (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING),
    ],
)
def test_a_token_with_a_certificate_for_other_purposes_is_not(
    authority: DevelopmentAuthority, purposes: tuple[x509.ObjectIdentifier, ...]
) -> None:
    with pytest.raises(TimestampError, match="extended key usage"):
        stamped(authority, *purposes)


def test_a_purpose_that_is_not_critical_is_not_enough(authority: DevelopmentAuthority) -> None:
    issued = authority.issue(
        "Stamping", now=now() - timedelta(minutes=1), eku=(ExtendedKeyUsageOID.TIME_STAMPING,)
    )
    genuine = issued.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(genuine.subject)
        .issuer_name(genuine.issuer)
        .public_key(genuine.public_key())
        .serial_number(genuine.serial_number)
        .not_valid_before(genuine.not_valid_before_utc)
        .not_valid_after(genuine.not_valid_after_utc)
    )
    for extension in genuine.extensions:
        purpose = isinstance(extension.value, x509.ExtendedKeyUsage)
        builder = builder.add_extension(extension.value, critical=extension.critical and not purpose)
    # by whom it is issued is looked at later
    loose = builder.sign(issued.private_key, hashes.SHA256())
    assert stamped_by(authority, issued)
    with pytest.raises(TimestampError, match="not critical"):
        stamped_by(authority, replace(issued, certificate=loose))


def grown(cms: bytes) -> tuple[bytes, Gap]:
    pdf = plain_pdf()
    update = Update(OpenedPdf(pdf).layout)
    made = placeholder(b"/Type/Sig", 64)
    number = update.add(made.body)
    data, gap = fill_range(update.build(), number, made)
    return pdf + fill_contents(data, len(pdf), gap, cms), gap


def test_contents_hold_one_object_and_zeros() -> None:
    cms = der.sequence(der.integer(1))
    pdf, gap = grown(cms)
    assert contents(pdf, gap) == cms
    with pytest.raises(der.DerError, match="something follows"):
        contents(*grown(cms + b"\x01"))


@pytest.mark.parametrize("shift", [(-1, 0), (1, 0), (0, -1), (0, 1), (-2, -2)])
def test_a_byte_range_that_leaves_out_something_else_is_refused(shift: tuple[int, int]) -> None:
    pdf, gap = grown(der.sequence(der.integer(1)))
    moved = Gap(gap.start + shift[0], gap.end + shift[1], gap.length)
    with pytest.raises(der.DerError, match="byte range"):
        contents(pdf, moved)
    told = pdf.replace(b"[%d %d %d %d]" % gap.byte_range, b"[%d %d %d %d]" % moved.byte_range)
    with pytest.raises(der.DerError):
        contents(told, moved)


def test_an_archive_timestamp_covers_the_whole_file(authority: DevelopmentAuthority) -> None:
    pdf, gap = grown(der.sequence(der.integer(1)))
    with pytest.raises(der.DerError, match="whole file"):
        check_document_timestamp(pdf + b"\n", gap, PinnedChains(authority.trust))


def impostor(issuer: x509.Certificate, moment: datetime) -> bytes:
    """A certificate that names an issuer who never signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Impostor")])
    builder = x509.CertificateBuilder(issuer.subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(moment).not_valid_after(moment + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_certificate_that_its_issuer_did_not_sign_leads_nowhere(authority: DevelopmentAuthority) -> None:
    with pytest.raises(ChainError, match="trust anchor"):
        PinnedChains(authority.trust).path(impostor(authority.issuing, now()), at=now(), whose="them")


def test_a_person_may_not_issue(authority: DevelopmentAuthority) -> None:
    person = authority.person("e-1", "Zoë Voorbeeld", now=now()).certificate
    trust = TrustStore(anchors=(authority.root,), intermediates=(authority.issuing, person))
    with pytest.raises(ChainError, match="trust anchor"):
        PinnedChains(trust).path(impostor(person, now()), at=now(), whose="them")


def test_a_path_holds_only_in_its_time(authority: DevelopmentAuthority) -> None:
    credential = authority.person("e-1", "Zoë Voorbeeld", now=now())
    chains = PinnedChains(authority.trust)
    assert len(chains.path(credential.cert_der, at=now(), whose="them").certificates) == 3
    with pytest.raises(ChainError, match="not valid at"):
        chains.path(credential.cert_der, at=now() + timedelta(days=9000), whose="them")


def test_a_signed_widget_is_printed_and_not_hidden() -> None:
    writer = writer_of(form_pdf())
    writer.root["/AcroForm"]["/Fields"][0][pdf_name("/F")] = generic.NumberObject(1 | 2 | 32 | 256)
    pdf = written(writer)
    composer = Composer(OpenedPdf(pdf))
    made = placeholder(b"/Type/Sig", 8)
    number = composer.sign("employer", made, None)
    after = OpenedPdf(pdf + composer.build((number, made)).data)
    assert after.field("employer")["/F"] == b"4"
    assert after.is_signed("employer")
