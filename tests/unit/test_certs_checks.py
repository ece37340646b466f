"""No change to an answer lets it still count as evidence, and none crashes the checks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from certs.authority import DevelopmentAuthority
from certs.authority_revocation import Revocation, make_crl
from certs.check_crl import check_crl
from certs.check_ocsp import check_ocsp, make_ocsp_request
from certs.evidence import RevocationEvidence, UnusableAnswer
from certs.keystore import Credential

# Ahead: producedAt comes from the real clock, which a long run must not let overtake this one.
NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
HOUR = timedelta(hours=1)


def mangle(data: st.DataObject, der: bytes) -> bytes:
    mangled = bytearray(der)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, 8191))  # not by length: signatures differ in theirs
        mangled[place % len(der)] ^= data.draw(st.integers(1, 255))
    return bytes(mangled)


def judge_ocsp(authority: DevelopmentAuthority, answer_der: bytes, **changes: object) -> RevocationEvidence:
    arguments = {"now": NOW, "nonce": None, "max_age": HOUR, **changes}
    return check_ocsp(answer_der, authority.tsa, authority.issuing, **arguments)  # type: ignore[arg-type]


@given(st.data())
def test_a_mangled_ocsp_answer_is_no_evidence(authority: DevelopmentAuthority, data: st.DataObject) -> None:
    request_der, nonce = make_ocsp_request(authority.tsa, authority.issuing)
    answer = authority.ocsp(request_der, NOW)
    mangled = mangle(data, answer)
    if mangled != answer:
        with pytest.raises(UnusableAnswer):
            judge_ocsp(authority, mangled, nonce=nonce)


@given(st.data())
def test_a_mangled_list_is_no_evidence(authority: DevelopmentAuthority, data: st.DataObject) -> None:
    crl = authority.crl("issuing", NOW)
    mangled = mangle(data, crl)
    if mangled != crl:
        with pytest.raises(UnusableAnswer):
            check_crl(mangled, authority.tsa, authority.issuing, now=NOW)


def with_an_unused_bit(make: Callable[[], bytes], signature_of: Callable[[bytes], bytes]) -> bytes:
    """Bytes whose signature still verifies with cryptography, but stands there otherwise than it was made."""
    while True:
        der = make()
        signature = signature_of(der)
        if signature[-1] % 2 == 0:
            return der.replace(b"\x00" + signature, b"\x01" + signature)


def test_an_ocsp_signature_with_unused_bits_is_no_evidence(authority: DevelopmentAuthority) -> None:
    answer = with_an_unused_bit(
        lambda: ocsp_answer(authority), lambda der: ocsp.load_der_ocsp_response(der).signature
    )
    with pytest.raises(UnusableAnswer, match="octets"):
        judge_ocsp(authority, answer)


def test_a_responder_certificate_with_unused_bits_is_refused(authority: DevelopmentAuthority) -> None:
    signature = authority.ocsp_credential.certificate.signature
    odd = ocsp_answer(authority).replace(b"\x00" + signature, b"\x01" + signature)
    with pytest.raises(UnusableAnswer):
        judge_ocsp(authority, odd)


def test_a_list_with_unused_bits_is_no_evidence(authority: DevelopmentAuthority) -> None:
    crl = with_an_unused_bit(
        lambda: authority.crl("issuing", NOW), lambda der: x509.load_der_x509_crl(der).signature
    )
    with pytest.raises(UnusableAnswer, match="octets"):
        check_crl(crl, authority.tsa, authority.issuing, now=NOW)


def ocsp_answer(
    authority: DevelopmentAuthority,
    *,
    next_update: datetime | None = NOW + HOUR,
    responder: Credential | None = None,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    extension: x509.ExtensionType | None = None,
) -> bytes:
    signer = responder or authority.ocsp_credential
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=authority.tsa,
            issuer=authority.issuing,
            algorithm=SHA256(),
            cert_status=status,
            this_update=NOW,
            next_update=next_update,
            revocation_time=NOW if revoked else None,
            revocation_reason=x509.ReasonFlags.certificate_hold if revoked else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.NAME, signer.certificate)
        .certificates([signer.certificate])
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    hash_algorithm = None if signer.key_type == "Ed25519" else SHA256()
    return builder.sign(signer.private_key, hash_algorithm).public_bytes(Encoding.DER)


def test_an_answer_without_nonce_and_named_by_its_signer_counts(authority: DevelopmentAuthority) -> None:
    assert judge_ocsp(authority, ocsp_answer(authority), nonce=b"asked").status == "good"


def test_an_answer_of_the_issuer_itself_counts(authority: DevelopmentAuthority) -> None:
    issuing = authority._issuer.issuing
    assert judge_ocsp(authority, ocsp_answer(authority, responder=issuing)).status == "good"


def test_an_answer_without_next_update_counts_for_the_given_age(authority: DevelopmentAuthority) -> None:
    answer = ocsp_answer(authority, next_update=None)
    assert judge_ocsp(authority, answer, now=NOW + HOUR).next_update is None
    with pytest.raises(UnusableAnswer, match="out of date"):
        judge_ocsp(authority, answer, now=NOW + HOUR + timedelta(seconds=1))


def test_a_certificate_on_hold_is_revoked(authority: DevelopmentAuthority) -> None:
    evidence = judge_ocsp(authority, ocsp_answer(authority, status=ocsp.OCSPCertStatus.REVOKED))
    assert (evidence.status, evidence.revoked_at) == ("revoked", NOW)


@pytest.mark.parametrize("key_type", ["RSA-2048", "P-384", "Ed25519"])
def test_a_responder_that_nobody_exempted_from_revocation_is_refused(
    authority: DevelopmentAuthority, key_type: str
) -> None:
    responder = authority.issue(
        "Checked responder", now=NOW, key_type=key_type, eku=(x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING,)
    )
    with pytest.raises(UnusableAnswer, match="would itself need a revocation check"):
        judge_ocsp(authority, ocsp_answer(authority, responder=responder))


def test_a_responder_out_of_its_validity_is_refused(authority: DevelopmentAuthority) -> None:
    far = authority.ocsp_credential.certificate.not_valid_after_utc + HOUR
    with pytest.raises(UnusableAnswer, match="not valid now"):
        judge_ocsp(authority, ocsp_answer(authority, next_update=far + HOUR), now=far)


def test_an_unknown_critical_extension_is_refused(authority: DevelopmentAuthority) -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    with pytest.raises(UnusableAnswer, match=r"critical extension 1\.2\.3\.4"):
        judge_ocsp(authority, ocsp_answer(authority, extension=unknown))


def point(**parts: object) -> x509.IssuingDistributionPoint:
    absent = {"full_name": None, "relative_name": None, "only_some_reasons": None}
    unset = ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl")
    flags = dict.fromkeys((*unset, "only_contains_attribute_certs"), False)
    return x509.IssuingDistributionPoint(**{**absent, **flags, **parts})  # type: ignore[arg-type]


def uri(url: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(url)]


def crl_with(authority: DevelopmentAuthority, extension: x509.ExtensionType) -> bytes:
    issuing = authority._issuer.issuing
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuing.certificate.subject)
    builder = builder.last_update(NOW).next_update(NOW + HOUR).add_extension(extension, critical=True)
    return builder.sign(issuing.private_key, SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        (point(only_contains_ca_certs=True), "does not cover"),
        (point(only_contains_attribute_certs=True), "does not cover"),
        (point(indirect_crl=True), "does not cover"),
        (point(only_some_reasons=frozenset({x509.ReasonFlags.superseded})), "does not cover"),
        (point(full_name=uri("http://127.0.0.1:1/other.crl")), "another distribution point"),
        (x509.DeltaCRLIndicator(7), r"critical extension 2\.5\.29\.27"),
    ],
    ids=["only-ca", "only-attributes", "indirect", "some-reasons", "other-point", "delta"],
)
def test_a_list_that_does_not_cover_the_certificate_is_no_evidence(
    authority: DevelopmentAuthority, extension: x509.ExtensionType, reason: str
) -> None:
    with pytest.raises(UnusableAnswer, match=reason):
        check_crl(crl_with(authority, extension), authority.tsa, authority.issuing, now=NOW)


def test_a_list_for_the_certificates_own_kind_and_point_counts(authority: DevelopmentAuthority) -> None:
    own = point(full_name=uri(f"{authority.base_url}/crl/issuing.crl"), only_contains_user_certs=True)
    evidence = check_crl(crl_with(authority, own), authority.tsa, authority.issuing, now=NOW)
    assert evidence.status == "good"


def test_a_list_from_an_issuer_that_may_not_sign_lists_is_no_evidence(
    authority: DevelopmentAuthority,
) -> None:
    person = authority.issue("No lists", now=NOW)
    crl = make_crl(person.certificate, person.private_key, NOW, {})
    with pytest.raises(UnusableAnswer, match="does not come from"):
        check_crl(crl, authority.tsa, person.certificate, now=NOW)


def test_a_listed_certificate_is_revoked_since_the_entry_says(authority: DevelopmentAuthority) -> None:
    issuing = authority._issuer.issuing
    entry = {authority.tsa.serial_number: Revocation(NOW - HOUR, x509.ReasonFlags.superseded)}
    crl = make_crl(issuing.certificate, issuing.private_key, NOW, entry)
    evidence = check_crl(crl, authority.tsa, authority.issuing, now=NOW)
    assert (evidence.status, evidence.revoked_at) == ("revoked", NOW - HOUR)


def test_the_request_names_the_certificate_and_carries_its_nonce(authority: DevelopmentAuthority) -> None:
    request_der, nonce = make_ocsp_request(authority.tsa, authority.issuing)
    request = ocsp.load_der_ocsp_request(request_der)
    assert request.serial_number == authority.tsa.serial_number
    assert request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce
    assert make_ocsp_request(authority.tsa, authority.issuing)[1] != nonce
