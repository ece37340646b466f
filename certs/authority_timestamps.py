"""The development timestamp authority: RFC 3161 requests in, tokens out.

A token is put together from DER parts that are made once; only the TSTInfo, its digest and the signature are
new for each. Times come from this machine's clock, with milliseconds; `ordering` stays false, because several
processes may stamp at once.
Source: RFC 3161, 2.4.1 and 2.4.2; RFC 5816 (ESSCertIDv2); RFC 5652 (SignedData).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from certs import der

POLICY: Final = "2.25.88740738279518845973854167953107723016"  # a random UUID's arc: nobody else's policy
ACCURACY_S: Final = 1

# PKIFailureInfo, RFC 3161, 2.4.2
BAD_ALGORITHM: Final = 0
BAD_REQUEST: Final = 2
BAD_DATA_FORMAT: Final = 5
UNACCEPTED_POLICY: Final = 15
UNACCEPTED_EXTENSION: Final = 16

_REJECTION: Final = 2
_GRANTED: Final = der.sequence(der.integer(0))
_TST_INFO: Final = der.oid("1.2.840.113549.1.9.16.1.4")
_SIGNED_DATA: Final = der.oid("1.2.840.113549.1.7.2")
_CONTENT_TYPE: Final = der.oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST: Final = der.oid("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE_V2: Final = der.oid("1.2.840.113549.1.9.16.2.47")
_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
_ECDSA_SHA256: Final = der.sequence(der.oid("1.2.840.10045.4.3.2"))
_POLICY: Final = der.oid(POLICY)
_ACCURACY: Final = der.sequence(der.integer(ACCURACY_S))
_VERSION_1: Final = der.integer(1)
_VERSION_3: Final = der.integer(3)
_DIGEST_SIZES: Final = {
    der.oid("2.16.840.1.101.3.4.2.1"): 32,
    der.oid("2.16.840.1.101.3.4.2.2"): 48,
    der.oid("2.16.840.1.101.3.4.2.3"): 64,
}


class Refusal(Exception):
    """The request cannot be granted: `failure` is the PKIFailureInfo bit, the message its explanation."""

    def __init__(self, failure: int, message: str) -> None:
        super().__init__(message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class StampRequest:
    """What a TimeStampReq asks for; `message_imprint` and `nonce` are DER values, as received."""

    message_imprint: bytes
    nonce: bytes = b""
    wants_certificates: bool = False


def parse_request(request_der: bytes) -> StampRequest:
    """Read a TimeStampReq; raises Refusal with the failure that RFC 3161 names for the fault."""
    try:
        fields = der.children(request_der, der.only(request_der))
        if len(fields) < 2 or der.number(request_der, fields[0]) != 1 or fields[1].tag != der.SEQUENCE:
            raise Refusal(BAD_REQUEST, "This is no version 1 TimeStampReq.")
        _check_imprint(request_der, fields[1])
        return _options(request_der, der.whole(request_der, fields[1]), fields[2:])
    except der.DerError as error:
        raise Refusal(BAD_DATA_FORMAT, f"The request is not well formed: {error}.") from error


class StampMaker:
    """Answers timestamp requests with one P-256 key, which stays loaded."""

    def __init__(
        self,
        private_key: EllipticCurvePrivateKey,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
    ) -> None:
        cert_der = certificate.public_bytes(Encoding.DER)
        others = (issuer.public_bytes(Encoding.DER) for issuer in chain)
        self._private_key = private_key
        self._certificates = der.tlv(0xA0, *sorted((cert_der, *others)))
        self._signer_id = der.sequence(
            certificate.issuer.public_bytes(), der.integer(certificate.serial_number)
        )
        self._attributes_before_digest, self._attributes_after_digest = _signed_attributes(
            sha256(cert_der).digest(), self._signer_id_general_names(certificate)
        )

    def respond(self, request_der: bytes, now: datetime) -> bytes:
        """Answer a TimeStampReq with a TimeStampResp: a token at `now`, or the reason for refusing."""
        try:
            request = parse_request(request_der)
        except Refusal as refusal:
            return rejection(refusal.failure, str(refusal))
        return granted(self.token(request, now))

    def token(self, request: StampRequest, now: datetime) -> bytes:
        """Make a TimeStampToken (a CMS ContentInfo) with a fresh random serial number."""
        tst_info = der.sequence(
            _VERSION_1,
            _POLICY,
            request.message_imprint,
            der.integer(secrets.randbits(159) | 1 << 158),
            _generalized_time(now),
            _ACCURACY,
            request.nonce,
        )
        attributes = b"".join(
            (self._attributes_before_digest, sha256(tst_info).digest(), self._attributes_after_digest)
        )
        # What is signed carries the tag SET, what is embedded the tag [0] (RFC 5652).
        signature = self._private_key.sign(der.tlv(der.SET, attributes), ECDSA(SHA256()))
        signer_info = der.sequence(
            _VERSION_1,
            self._signer_id,
            _SHA256,
            der.tlv(0xA0, attributes),
            _ECDSA_SHA256,
            der.octets(signature),
        )
        return self._content_info(tst_info, signer_info, with_certificates=request.wants_certificates)

    def _content_info(self, tst_info: bytes, signer_info: bytes, *, with_certificates: bool) -> bytes:
        content = der.tlv(0xA0, der.octets(tst_info))
        signed_data = der.sequence(
            _VERSION_3,
            der.tlv(der.SET, _SHA256),
            der.sequence(_TST_INFO, content),
            self._certificates if with_certificates else b"",
            der.tlv(der.SET, signer_info),
        )
        return der.sequence(_SIGNED_DATA, der.tlv(0xA0, signed_data))

    @staticmethod
    def _signer_id_general_names(certificate: x509.Certificate) -> bytes:
        directory_name = der.tlv(0xA4, certificate.issuer.public_bytes())
        return der.sequence(der.sequence(directory_name), der.integer(certificate.serial_number))


def granted(token: bytes) -> bytes:
    """Wrap a token into the TimeStampResp that grants it."""
    return der.sequence(_GRANTED, token)


def rejection(failure: int, message: str) -> bytes:
    """Write the TimeStampResp that refuses, with its reason as PKIFailureInfo bit and as text."""
    text = der.sequence(der.tlv(0x0C, message.encode()))
    bits = bytearray(failure // 8 + 1)
    bits[-1] = 0x80 >> failure % 8
    failure_info = der.tlv(0x03, bytes((7 - failure % 8,)), bytes(bits))
    return der.sequence(der.sequence(der.integer(_REJECTION), text, failure_info))


def _check_imprint(data: bytes, imprint: der.Node) -> None:
    parts = der.children(data, imprint)
    if [part.tag for part in parts] != [der.SEQUENCE, der.OCTET_STRING]:
        raise Refusal(BAD_DATA_FORMAT, "The message imprint is not well formed.")
    algorithm = [der.whole(data, part) for part in der.children(data, parts[0])]
    size = _DIGEST_SIZES.get(algorithm[0]) if algorithm else None
    if size is None:
        raise Refusal(BAD_ALGORITHM, "Digests are accepted of SHA-256, SHA-384 and SHA-512.")
    if algorithm[1:] not in ([], [b"\x05\x00"]):
        raise Refusal(BAD_ALGORITHM, "The digest algorithm has unknown parameters.")
    if len(digest := der.content(data, parts[1])) != size:
        raise Refusal(BAD_DATA_FORMAT, f"The digest has {len(digest)} bytes, not {size}.")


def _options(data: bytes, message_imprint: bytes, fields: list[der.Node]) -> StampRequest:
    """Read reqPolicy, nonce, certReq and extensions: each may be missing, none may stand elsewhere."""
    left = list(fields)
    if left and left[0].tag == der.OID and der.whole(data, left.pop(0)) != _POLICY:
        raise Refusal(UNACCEPTED_POLICY, f"The only policy is {POLICY}.")
    nonce = b""
    if left and left[0].tag == der.INTEGER:
        der.number(data, left[0])
        nonce = der.whole(data, left.pop(0))
    wants_certificates = False
    if left and left[0].tag == der.BOOLEAN:
        wants_certificates = _read_boolean(der.content(data, left.pop(0)))
    if left and left[0].tag == 0xA0:
        raise Refusal(UNACCEPTED_EXTENSION, "No extension is supported.")
    if left:
        raise Refusal(BAD_DATA_FORMAT, "The request has fields in the wrong place.")
    return StampRequest(message_imprint, nonce, wants_certificates)


def _read_boolean(content: bytes) -> bool:
    if content not in (b"\x00", b"\xff"):
        raise der.DerError("a BOOLEAN is neither true nor false")
    return content == b"\xff"


def _signed_attributes(cert_digest: bytes, issuer_serial: bytes) -> tuple[bytes, bytes]:
    """Encode contentType, messageDigest and signingCertificateV2, split where the digest goes.

    Already in the order that DER asks of a SET OF: the three encodings differ in length, shortest first.
    """
    ess_cert_id = der.sequence(der.octets(cert_digest), issuer_serial)
    signing_certificate = der.sequence(der.sequence(ess_cert_id))
    digest = bytes(32)
    message_digest = _attribute(_MESSAGE_DIGEST, der.octets(digest))
    before = _attribute(_CONTENT_TYPE, _TST_INFO) + message_digest.removesuffix(digest)
    return before, _attribute(_SIGNING_CERTIFICATE_V2, signing_certificate)


def _attribute(object_identifier: bytes, value: bytes) -> bytes:
    return der.sequence(object_identifier, der.tlv(der.SET, value))


def _generalized_time(now: datetime) -> bytes:
    """Write UTC with milliseconds; DER allows neither trailing zeros nor a bare point (RFC 3161, 2.4.2)."""
    text = f"{now:%Y%m%d%H%M%S}.{now.microsecond // 1000:03d}".rstrip("0").removesuffix(".")
    return der.tlv(der.GENERALIZED_TIME, text.encode(), b"Z")
