"""What is in a signed file that an auditor takes out of it by hand: signatures with their places, and the
certificates and revocation answers that came with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any, Literal

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.der import node
from signing.verify.trust import read_dss

DOCUMENT_TIMESTAMP = "/ETSI.RFC3161"
_ED25519 = "ed25519"


@dataclass(frozen=True)
class Token:
    """The timestamp of a signature: the token and the value that it is over, as places in the CMS object."""

    at: datetime
    token_offset: int
    value_offset: int


@dataclass(frozen=True)
class Place:
    """Where a signature or document timestamp lies in a file, in bytes from its beginning.

    The signed bytes are the first `first`, and `second_length` from `second` on; the CMS object is written in
    hexadecimal digits between them, `cms_length` bytes of it without the zeros behind.
    """

    field: str
    is_timestamp: bool
    is_ed25519: bool
    first: int
    second: int
    second_length: int
    cms_length: int
    proven_at: datetime | None
    """By its own timestamp, or as the document timestamp that it is."""
    token: Token | None


@dataclass(frozen=True)
class Material:
    """A certificate or a revocation answer, in DER."""

    kind: Literal["certificate", "crl", "ocsp"]
    der: bytes

    @property
    def name(self) -> str:
        """A file name that says nothing about anybody: by its digest."""
        digest = sha256(self.der).hexdigest()[:16]
        if self.kind == "certificate":
            return f"certificates/{digest}.pem"
        return f"revocation/{digest}.{'crl' if self.kind == 'crl' else 'ocsp'}"

    @property
    def content(self) -> bytes:
        """Certificates as PEM, which OpenSSL reads in bundles; answers as they were given."""
        if self.kind == "certificate":
            return x509.load_der_x509_certificate(self.der).public_bytes(Encoding.PEM)
        return self.der


def places(pdf: bytes) -> list[Place]:
    """Every signature and document timestamp of a file of our own making, in the order of their making."""
    return [_place(each) for each in PdfFileReader(BytesIO(pdf)).embedded_signatures]


def material(pdf: bytes) -> list[Material]:
    """Certificates and revocation answers of the file's security store and signatures, each once."""
    reader = PdfFileReader(BytesIO(pdf))
    return list(dict.fromkeys(_material(reader)))


def _material(reader: PdfFileReader) -> Iterator[Material]:
    store = read_dss(reader.root)
    signed = [each.signed_data for each in reader.embedded_signatures]
    carried = [choice.chosen for data in signed for choice in data["certificates"]]
    yield from (Material("certificate", each.dump()) for each in (*store.certificates, *carried))
    yield from (Material("crl", each.crl_data.dump()) for each in store.crls)
    yield from (Material("ocsp", each.ocsp_response_data.dump()) for each in store.ocsps)


def _place(signature: Any) -> Place:
    _, first, second, second_length = map(int, signature.byte_range)
    info = signature.signer_info
    der = signature.pkcs7_content
    der = bytes(der[: node(der).end])  # without the zeros behind
    is_timestamp = str(signature.sig_object["/SubFilter"]) == DOCUMENT_TIMESTAMP
    token = None if is_timestamp else _token(info, der)
    proven_at = _time_of(signature.signed_data) if is_timestamp else None if token is None else token.at
    return Place(
        field=str(signature.field_name),
        is_timestamp=is_timestamp,
        is_ed25519=info["signature_algorithm"].signature_algo == _ED25519,
        first=first,
        second=second,
        second_length=second_length,
        cms_length=len(der),
        proven_at=proven_at,
        token=token,
    )


def _token(info: Any, der: bytes) -> Token | None:
    """Where the signature's timestamp stands in the CMS object, found by its bytes."""
    for attribute in info["unsigned_attrs"] if info["unsigned_attrs"].native else ():
        if attribute["type"].native == "signature_time_stamp_token":
            token = attribute["values"][0]
            value = info["signature"].dump()
            return Token(_time_of(token["content"]), der.rindex(token.dump()), der.index(value))
    return None


def _time_of(signed: cms.SignedData) -> datetime:
    said: datetime = tsp.TSTInfo.load(signed["encap_content_info"]["content"].contents)["gen_time"].native
    return said.astimezone(UTC)
