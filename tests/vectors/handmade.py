"""CMS signatures put together by hand, right or wrong, and put into a file's /Contents."""

import asyncio
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PdfSignedData

from certs import der
from certs.keystore import Credential
from tests.vectors.stock import InProcessTimeStamper

_CONTENTS = re.compile(rb"/Contents ?<([0-9A-Fa-f]+)>")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 (that is what it is for)
    "sha1": hashes.SHA1(),  # noqa: S303 (as above)
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class Hand:
    """How a CMS is put together; the defaults are what PAdES asks for."""

    digest: str = "sha256"  # of the document
    hashed_by: str = ""  # of the signed attributes; the same when empty
    signed_attributes: bool = True
    names_certificate: bool = True
    certificate_named: Credential | None = None  # the one that the signed attribute names
    content_type: str = "data"
    message_digest: bytes | None = None
    content: bytes | None = None  # enclosed, although it is to be detached
    enclosed: Sequence[x509.Certificate] | None = None
    signers: int = 1
    by_key_identifier: bool = False
    signed: Sequence[cms.CMSAttribute] = ()
    unsigned: Callable[[bytes], Sequence[cms.CMSAttribute]] | None = None  # from the signature value

    def encoded(self, credential: Credential, digest: bytes) -> bytes:
        """The ContentInfo in DER over a document's digest."""
        attributes = self._attributes(credential, digest) if self.signed_attributes else None
        covered = attributes.untag().dump() if attributes is not None else digest
        value = self._value(credential, covered, prehashed=attributes is None)
        info = {
            "version": "v3" if self.by_key_identifier else "v1",
            "sid": self._signer_id(credential),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": self.digest}),
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": self._algorithm(credential)}),
            "signature": value,
        }
        if attributes is not None:
            info["signed_attrs"] = attributes
        if self.unsigned is not None:
            info["unsigned_attrs"] = cms.CMSAttributes(list(self.unsigned(value)))
        held: dict[str, Any] = {"content_type": "data"}
        if self.content is not None:
            held["content"] = core.OctetString(self.content)
        enclosed = (credential.certificate, *credential.chain) if self.enclosed is None else self.enclosed
        signed_data = cms.SignedData(
            {
                "version": "v3" if self.by_key_identifier else "v1",
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": self.digest})],
                "encap_content_info": held,
                "certificates": [asn1(each) for each in enclosed],
                "signer_infos": [cms.SignerInfo(info)] * self.signers,
            }
        )
        return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump())

    def _attributes(self, credential: Credential, digest: bytes) -> cms.CMSAttributes:
        found = [
            attribute("content_type", self.content_type),
            attribute("message_digest", self.message_digest or digest),
            *self.signed,
        ]
        if self.names_certificate:
            named = (self.certificate_named or credential).certificate
            identifier = tsp.ESSCertIDv2(
                {"cert_hash": hashlib.sha256(named.public_bytes(Encoding.DER)).digest()}
            )
            found.append(
                attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [identifier]}))
            )
        return cms.CMSAttributes(found)

    def _algorithm(self, credential: Credential) -> str:
        kind = "ecdsa" if isinstance(credential.private_key, ec.EllipticCurvePrivateKey) else "rsa"
        return f"{self.hashed_by or self.digest}_{kind}"

    def _value(self, credential: Credential, covered: bytes, *, prehashed: bool) -> bytes:
        algorithm: Any = _HASHES[self.hashed_by or self.digest]
        if prehashed:
            algorithm = Prehashed(algorithm)
        key = credential.private_key
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(covered, padding.PKCS1v15(), algorithm)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key.sign(covered, ec.ECDSA(algorithm))

    def _signer_id(self, credential: Credential) -> Any:
        certificate = asn1(credential.certificate)
        if self.by_key_identifier:
            chosen = core.OctetString(certificate.key_identifier_value.native)
            return cms.SignerIdentifier("subject_key_identifier", chosen)
        chosen = cms.IssuerAndSerialNumber(
            {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        )
        return cms.SignerIdentifier("issuer_and_serial_number", chosen)


def asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def attribute(name: str, value: Any) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": name, "values": [value]})


def stamped_by(stamper: InProcessTimeStamper, *, over: bytes | None = None) -> Any:
    """An unsigned attribute maker: a timestamp of the signature value, or of something else."""

    def unsigned(value: bytes) -> list[cms.CMSAttribute]:
        imprint = hashlib.sha256(value if over is None else over).digest()
        token = asyncio.run(stamper.async_timestamp(imprint, "sha256"))
        return [attribute("signature_time_stamp_token", token)]

    return unsigned


def by_hand(
    pdf: bytes,
    credential: Credential,
    hand: Hand,
    *,
    field: str = "employer",
    subfilter: SigSeedSubFilter = SigSeedSubFilter.PADES,
    encode: Callable[[bytes], bytes] = bytes,
    reserved: int | None = None,
) -> bytes:
    """The file signed in a field by such a CMS; `encode` may write it in another encoding."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    embedding = PdfCMSEmbedder().write_cms(field, writer)
    next(embedding)
    room = reserved or (12288 if hand.unsigned else 6144)
    placeholder = PdfSignedData(
        pdf_name("/Sig"), subfilter=subfilter, bytes_reserved=room, timestamp=datetime.now(UTC)
    )
    embedding.send(SigObjSetup(placeholder))
    prepared, output = embedding.send(SigIOSetup(hand.digest))
    embedding.send(encode(hand.encoded(credential, prepared.document_digest)))
    return bytes(output.getvalue())


def held_cms(pdf: bytes, which: int = -1) -> bytes:
    """The CMS of the signature that stands at that place in the file, counted from 0, or from behind."""
    raw = bytes.fromhex(_found(pdf, which).group(1).decode())
    return raw[: der.node(raw).end]


def recontained(pdf: bytes, cms_der: bytes, which: int = -1) -> bytes:
    """The file with another CMS in a signature's /Contents, padded to the same length."""
    found = _found(pdf, which)
    digits = cms_der.hex().encode()
    room = len(found.group(1))
    assert len(digits) <= room, f"{len(digits)} digits don't fit into {room}"
    return pdf[: found.start(1)] + digits.ljust(room, b"0") + pdf[found.end(1) :]


def _found(pdf: bytes, which: int) -> re.Match[bytes]:
    return list(_CONTENTS.finditer(pdf))[which]


def in_ber(cms_der: bytes) -> bytes:
    """The same CMS with indefinite lengths around what isn't signed, as older software writes it."""
    info = der.only(cms_der)
    kind, explicit = der.children(cms_der, info)
    (signed,) = der.children(cms_der, explicit)
    members = b"".join(
        _indefinite(cms_der, member) if member.tag == 0xA0 or place == 2 else der.whole(cms_der, member)
        for place, member in enumerate(der.children(cms_der, signed))
    )
    return b"".join((b"\x30\x80", der.whole(cms_der, kind), b"\xa0\x80", b"\x30\x80", members, b"\0\0" * 3))


def _indefinite(data: bytes, node: der.Node) -> bytes:
    return bytes([node.tag]) + b"\x80" + data[node.body : node.end] + b"\0\0"
