import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import algos, cms, core, tsp
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from certs import der
from certs.authority import DevelopmentAuthority
from certs.authority_timestamps import POLICY

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_999, tzinfo=UTC)


class Answer(core.Sequence):  # asn1crypto's own TimeStampResp cannot read an answer without a token
    _fields = [("status", tsp.PKIStatusInfo), ("token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


def query(**fields: object) -> bytes:
    algorithm = str(fields.pop("algorithm", "sha256"))
    digest = fields.pop("digest", None) or hashlib.new(algorithm, b"data").digest()
    imprint = tsp.MessageImprint(
        {"hash_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}), "hashed_message": digest}
    )
    fields.setdefault("version", 1)
    return tsp.TimeStampReq({"message_imprint": imprint, **fields}).dump()  # type: ignore[no-any-return]


def answer(authority: DevelopmentAuthority, request: bytes, now: datetime = NOW) -> Answer:
    return Answer.load(authority.timestamp(request, now), strict=True)


def signed_data(response: Answer) -> cms.SignedData:
    assert response["status"]["status"].native == "granted"
    return response["token"]["content"]


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_token_says_what_was_asked_and_when(authority: DevelopmentAuthority, algorithm: str) -> None:
    request = query(algorithm=algorithm, nonce=2**63 + 5, cert_req=True, req_policy=POLICY)
    info = signed_data(answer(authority, request))["encap_content_info"]["content"].parsed
    assert info["message_imprint"]["hashed_message"].native == hashlib.new(algorithm, b"data").digest()
    assert info["message_imprint"]["hash_algorithm"]["algorithm"].native == algorithm
    assert info["nonce"].native == 2**63 + 5
    assert info["policy"].dotted == POLICY
    assert info["gen_time"].native == NOW.replace(microsecond=89_000)
    assert info["accuracy"]["seconds"].native == 1
    assert info["serial_number"].native.bit_length() > 128


def test_the_signed_attributes_bind_content_and_certificate(authority: DevelopmentAuthority) -> None:
    data = signed_data(answer(authority, query(cert_req=True)))
    (signer,) = data["signer_infos"]
    attributes = {found["type"].native: found["values"][0] for found in signer["signed_attrs"]}
    content = data["encap_content_info"]["content"].contents
    assert attributes["content_type"].native == "tst_info"
    assert attributes["message_digest"].native == hashlib.sha256(content).digest()
    ess = attributes["signing_certificate_v2"]["certs"][0]
    assert ess["cert_hash"].native == hashlib.sha256(authority.tsa.public_bytes(Encoding.DER)).digest()
    assert ess["issuer_serial"]["serial_number"].native == authority.tsa.serial_number
    public_key = authority.tsa.public_key()
    assert isinstance(public_key, EllipticCurvePublicKey)
    public_key.verify(signer["signature"].native, signer["signed_attrs"].untag().dump(), ECDSA(SHA256()))


def test_the_token_is_der_in_every_part(authority: DevelopmentAuthority) -> None:
    encoded = authority.timestamp(query(cert_req=True, nonce=1), NOW)
    assert Answer.load(encoded).copy().dump(force=True) == encoded


def test_certificates_come_only_when_asked_for(authority: DevelopmentAuthority) -> None:
    with_them = signed_data(answer(authority, query(cert_req=True)))["certificates"]
    serials = {found.chosen.serial_number for found in with_them}
    assert serials == {authority.tsa.serial_number, authority.issuing.serial_number}
    assert signed_data(answer(authority, query()))["certificates"].native is None


@pytest.mark.parametrize(("microsecond", "text"), [(0, "07Z"), (89_999, "07.089Z"), (120_000, "07.12Z")])
def test_times_have_neither_trailing_zeros_nor_a_bare_point(
    authority: DevelopmentAuthority, microsecond: int, text: str
) -> None:
    token = authority.timestamp(query(), NOW.replace(microsecond=microsecond))
    assert der.tlv(der.GENERALIZED_TIME, f"202603040506{text}".encode()) in token


def test_serial_numbers_never_repeat(authority: DevelopmentAuthority) -> None:
    def serial() -> int:
        info = signed_data(answer(authority, query()))["encap_content_info"]["content"].parsed
        return int(info["serial_number"].native)

    assert len({serial() for _ in range(20)}) == 20


EXTENSION = {"extn_id": "1.2.3.4", "critical": False, "extn_value": core.OctetString(b"\x05\x00")}


@pytest.mark.parametrize(
    ("request_der", "failure"),
    [
        (b"", "bad_data_format"),
        (b"hello", "bad_data_format"),
        (query()[:-1], "bad_data_format"),
        (query() + b"\x00", "bad_data_format"),
        (b"\x30\x00", "bad_request"),
        (query(version=2), "bad_request"),
        (query(algorithm="sha1"), "bad_alg"),
        (query(digest=bytes(31)), "bad_data_format"),
        (query(req_policy="1.2.3.4"), "unaccepted_policy"),
        (query(extensions=[EXTENSION]), "unaccepted_extensions"),
    ],
    ids=["empty", "text", "cut", "trailing", "bare", "version", "sha1", "short", "policy", "extension"],
)
def test_what_cannot_be_granted_gets_its_failure_and_no_token(
    authority: DevelopmentAuthority, request_der: bytes, failure: str
) -> None:
    response = answer(authority, request_der)
    assert response["status"]["status"].native == "rejection"
    assert response["status"]["fail_info"].native == {failure}
    assert response["status"]["status_string"].native[0]
    assert response["token"].native is None


@given(st.data())
def test_a_mangled_request_is_granted_or_refused_but_never_crashes(
    authority: DevelopmentAuthority, data: st.DataObject
) -> None:
    mangled = bytearray(query(nonce=7, cert_req=True))
    for _ in range(data.draw(st.integers(1, 3))):
        mangled[data.draw(st.integers(0, len(mangled) - 1))] = data.draw(st.integers(0, 255))
    response = answer(authority, bytes(mangled))
    assert response["status"]["status"].native in {"granted", "rejection"}


def test_time_goes_on(authority: DevelopmentAuthority) -> None:
    first, second = (
        signed_data(answer(authority, query(), now))["encap_content_info"]["content"]
        .parsed["gen_time"]
        .native
        for now in (NOW, NOW + timedelta(milliseconds=1))
    )
    assert first < second
