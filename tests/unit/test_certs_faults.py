"""A fault that doesn't do what its name says would let a check pass untested."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import algos, cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.authority import DevelopmentAuthority
from certs.errors import AuthorityError
from certs.faulty_authority import FAULTS, UnsafeFaultyAnswers
from certs.keystore import is_issued_by

NOW = datetime.now(UTC)
NONCE = 2**70 + 1


class Stamp:
    """What a fault's answer to one fixed request holds."""

    def __init__(self, authority: DevelopmentAuthority, fault: str | None) -> None:
        self.authority = authority
        answers = UnsafeFaultyAnswers(authority, clock=lambda: NOW, faults=[fault] if fault else [])
        imprint = {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "hashed_message": bytes(32),
        }
        fields = {"version": 1, "message_imprint": imprint, "nonce": NONCE, "cert_req": True}
        response = asyncio.run(answers.tsa(tsp.TimeStampReq(fields).dump()))
        self.status = response.status
        self.body = bytes(response.body or b"")  # type: ignore[arg-type]

    @property
    def signed(self) -> cms.SignedData:
        return tsp.TimeStampResp.load(self.body)["time_stamp_token"]["content"]

    @property
    def info(self) -> tsp.TSTInfo:
        return self.signed["encap_content_info"]["content"].parsed

    @property
    def certificate(self) -> x509.Certificate:
        serial = self.signed["signer_infos"][0]["sid"].chosen["serial_number"].native
        found = (x509.load_der_x509_certificate(item.dump()) for item in self.signed["certificates"])
        return next(certificate for certificate in found if certificate.serial_number == serial)

    @property
    def signature_is_right(self) -> bool:
        signer = self.signed["signer_infos"][0]
        public_key = self.certificate.public_key()
        assert isinstance(public_key, EllipticCurvePublicKey)
        try:
            public_key.verify(
                signer["signature"].native, signer["signed_attrs"].untag().dump(), ECDSA(SHA256())
            )
        except InvalidSignature:
            return False
        return True


def has_timestamping(certificate: x509.Certificate) -> bool:
    found = [item.value for item in certificate.extensions if isinstance(item.value, x509.ExtendedKeyUsage)]
    return bool(found) and ExtendedKeyUsageOID.TIME_STAMPING in found[0]


CHECKS: dict[str, Callable[[Stamp], bool]] = {
    "tsa-wrong-imprint": lambda stamp: (
        stamp.info["message_imprint"]["hashed_message"].native == bytes(31) + b"\x01"
    ),
    "tsa-wrong-nonce": lambda stamp: stamp.info["nonce"].native not in (NONCE, None),
    "tsa-replays": lambda stamp: stamp.info["gen_time"].native < NOW - timedelta(minutes=59),
    "tsa-no-nonce": lambda stamp: stamp.info["nonce"].native is None,
    "tsa-no-eku": lambda stamp: not has_timestamping(stamp.certificate),
    "tsa-untrusted": lambda stamp: not is_issued_by(stamp.certificate, stamp.authority.issuing),
    "tsa-expired": lambda stamp: stamp.certificate.not_valid_after_utc < NOW,
    "tsa-revoked": lambda stamp: stamp.certificate.serial_number in stamp.authority.revocations(),
    "tsa-wrong-time": lambda stamp: stamp.info["gen_time"].native > NOW + timedelta(hours=23),
    "tsa-bad-signature": lambda stamp: not stamp.signature_is_right,
    "tsa-no-certificates": lambda stamp: stamp.signed["certificates"].native is None,
    "tsa-down": lambda stamp: stamp.status == 503,
    "tsa-garbage": lambda stamp: stamp.status == 200 and not stamp.body.startswith(b"\x30"),
    "tsa-busy": lambda stamp: stamp.status == 429,
    "tsa-html": lambda stamp: stamp.body.startswith(b"<html>"),
    "tsa-truncated": lambda stamp: int.from_bytes(stamp.body[2:4]) > len(stamp.body),
    "tsa-rejects": lambda stamp: stamp.status == 200 and b"\x02\x01\x02" in stamp.body[:10],
}


OF_THE_CONNECTION = {"tsa-hangs", "tsa-drips", "tsa-resets", "tsa-loses"}


def test_every_timestamp_fault_is_checked_here() -> None:
    assert set(CHECKS) | OF_THE_CONNECTION == {fault for fault in FAULTS if fault.startswith("tsa-")}


@pytest.mark.parametrize("fault", CHECKS)
def test_a_fault_does_what_it_says(authority: DevelopmentAuthority, fault: str) -> None:
    assert CHECKS[fault](Stamp(authority, fault))


@pytest.mark.parametrize("fault", CHECKS)
def test_without_it_the_answer_is_right(authority: DevelopmentAuthority, fault: str) -> None:
    assert not CHECKS[fault](Stamp(authority, None))


def test_an_unknown_fault_and_two_of_one_protocol_are_refused(authority: DevelopmentAuthority) -> None:
    for faults in (["tsa-lost"], ["tsa-down", "tsa-garbage"]):
        with pytest.raises(AuthorityError, match="is no fault"):
            UnsafeFaultyAnswers(authority, clock=lambda: NOW, faults=faults)
