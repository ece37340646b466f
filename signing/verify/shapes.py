"""Cut signatures, timestamp tokens and certificates at their seams, as `seams` does with files.

The *shape* of a CMS object is everything in it but what is new in each signature: digest, value, time,
serial number, and the certificates, which are judged by themselves. The shape of a certificate is everything
in it but whom it names, which key it holds and how long it counts. Sources: RFC 5652, RFC 3161, RFC 5280.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from certs import der
from certs.der import DerError, Node
from signing.cms import (
    OID_CONTENT_TYPE,
    OID_DATA,
    OID_MESSAGE_DIGEST,
    OID_SIGNATURE_TIMESTAMP,
    OID_SIGNED_DATA,
    OID_SIGNING_CERTIFICATE_V2,
)
from signing.signed_data import verify_value
from signing.tokens import OID_TST_INFO, generalized_time

_UTC_TIME = 0x17
_SIGNING_TIME = der.oid("1.2.840.113549.1.9.5")
_CONTENT_TYPE, _DIGEST, _ESS = map(
    der.oid, (OID_CONTENT_TYPE, OID_MESSAGE_DIGEST, OID_SIGNING_CERTIFICATE_V2)
)
_ESS_V1 = der.oid("1.2.840.113549.1.9.16.2.12")
_TIMESTAMP, _SIGNED_DATA, _DATA, _TST = map(
    der.oid, (OID_SIGNATURE_TIMESTAMP, OID_SIGNED_DATA, OID_DATA, OID_TST_INFO)
)
_DIGESTS = {
    der.oid("2.16.840.1.101.3.4.2.1"): "sha256",
    der.oid("2.16.840.1.101.3.4.2.2"): "sha384",
    der.oid("2.16.840.1.101.3.4.2.3"): "sha512",
}
# extensions that tell one certificate from another of its kind: key identifier and alternative names
_OWN = frozenset(map(der.oid, ("2.5.29.14", "2.5.29.17")))
# limits on what is below an authority: whoever has them is left to the whole validation
_LIMITING = tuple(map(der.oid, ("2.5.29.30", "2.5.29.36", "2.5.29.54", "2.5.29.33")))


@dataclass(frozen=True)
class Cms:
    """A CMS of one signer: its shape, and what fills its slots."""

    shape: bytes
    certificates: tuple[bytes, ...]
    signer: bytes  # the signer's certificate
    digest_name: str
    stated_digest: bytes
    signed_attributes: bytes
    digest_oid: bytes
    algorithm: bytes
    value: bytes
    token: bytes | None  # the signature timestamp
    content: bytes | None
    stated_at: datetime | None  # the signing-time attribute


@dataclass(frozen=True)
class Stamp:
    """What a timestamp token says: its shape, when, and over which digest."""

    shape: bytes
    at: datetime
    digest_name: str
    imprint: bytes


def cut_cms(data: bytes) -> Cms:
    """Cut a ContentInfo of exactly one signer; raises DerError."""
    kind, wrapped = _members(data, der.only(data), b"\x06\xa0")
    if der.whole(data, kind) != _SIGNED_DATA:
        raise DerError("not a SignedData")
    (signed,) = _members(data, wrapped, b"\x30")
    version, digests, encapsulated, enclosed, signers = _members(data, signed, b"\x02\x31\x30\xa0\x31")
    content_type, content = _encapsulated(data, encapsulated)
    certificates = tuple(der.whole(data, each) for each in der.children(data, enclosed))
    if len(set(certificates)) != len(certificates):
        raise DerError("a certificate is enclosed twice")
    (info,) = _members(data, signers, b"\x30")
    form = [der.whole(data, version), der.whole(data, digests), content_type]
    return _signer(data, info, form, certificates, content)


def _members(data: bytes, parent: Node, tags: bytes) -> list[Node]:
    """The members of a structure, which must have exactly these tags in this order; raises DerError."""
    found = der.children(data, parent)
    if bytes(each.tag for each in found) != tags:
        raise DerError(f"members that are not the usual ones at {parent.start}")
    return found


def _encapsulated(data: bytes, encapsulated: Node) -> tuple[bytes, bytes | None]:
    if encapsulated.end - encapsulated.body == len(_DATA):
        (kind,) = _members(data, encapsulated, b"\x06")
        if der.whole(data, kind) == _DATA:
            return _DATA, None
    kind, wrapped = _members(data, encapsulated, b"\x06\xa0")
    (inner,) = _members(data, wrapped, b"\x04")
    if der.whole(data, kind) != _TST:
        raise DerError("another kind of content")
    return _TST, der.content(data, inner)


def _signer(
    data: bytes, info: Node, form: list[bytes], certificates: tuple[bytes, ...], content: bytes | None
) -> Cms:
    parts = der.children(data, info)
    if bytes(each.tag for each in parts) not in (
        b"\x02\x30\x30\xa0\x30\x04",
        b"\x02\x30\x30\xa0\x30\x04\xa1",
    ):
        raise DerError("a signer whose members are not the usual ones")
    version, identifier, digest, attributes, algorithm, value = parts[:6]
    issuer, serial = _members(data, identifier, b"\x30\x02")
    names = (der.whole(data, issuer), der.whole(data, serial))
    signer = _named(certificates, names)
    digest_oid = der.whole(data, der.expect(der.children(data, digest), 0, der.OID))
    name = _DIGESTS.get(digest_oid)
    if name is None:
        raise DerError("the digest algorithm is not an accepted one")
    form += (der.whole(data, version), der.whole(data, digest), der.whole(data, algorithm))
    stated, moment = _attributes(data, attributes, form, signer, names)
    token = _unsigned(data, parts[6], form) if len(parts) == 7 else None
    return Cms(
        shape=b"\0cms\0".join(form),
        certificates=certificates,
        signer=signer,
        digest_name=name,
        stated_digest=stated,
        signed_attributes=bytes((der.SET,)) + data[attributes.start + 1 : attributes.end],
        digest_oid=digest_oid,
        algorithm=der.whole(data, algorithm),
        value=der.content(data, value),
        token=token,
        content=content,
        stated_at=moment,
    )


def _named(certificates: tuple[bytes, ...], names: tuple[bytes, bytes]) -> bytes:
    found = [each for each in certificates if issuer_and_serial(each) == names]
    if len(found) != 1:
        raise DerError("the signer's certificate is not enclosed")
    return found[0]


def _attributes(
    data: bytes, attributes: Node, form: list[bytes], signer: bytes, names: tuple[bytes, bytes]
) -> tuple[bytes, datetime | None]:
    """Put the signed attributes' shape into `form`; gives the stated digest and time."""
    stated: bytes | None = None
    moment: datetime | None = None
    bound = False
    for attribute in der.children(data, attributes):
        name, value = _attribute(data, attribute)
        form.append(name)
        if name == _DIGEST and value.tag == der.OCTET_STRING:
            stated = der.content(data, value)
        elif name in (_ESS, _ESS_V1):
            form.append(_binding(der.whole(data, value), name, signer, names))
            bound = True
        elif name == _SIGNING_TIME and value.tag in (_UTC_TIME, der.GENERALIZED_TIME):
            form.append(bytes((value.tag,)))
            text = der.content(data, value)
            century = b"" if value.tag == der.GENERALIZED_TIME else b"20" if text[:2] < b"50" else b"19"
            moment = generalized_time(century + text)
        else:
            form.append(der.whole(data, value))
    if stated is None or not bound:
        raise DerError("a signed attribute is missing")
    return stated, moment


def _attribute(data: bytes, attribute: Node) -> tuple[bytes, Node]:
    """Its number in DER, and its one value."""
    if attribute.tag != der.SEQUENCE:
        raise DerError("an attribute that is none")
    number, values = _members(data, attribute, b"\x06\x31")
    found = der.children(data, values)
    if len(found) != 1:
        raise DerError("an attribute without exactly one value")
    return der.whole(data, number), found[0]


def _binding(value: bytes, name: bytes, signer: bytes, names: tuple[bytes, bytes]) -> bytes:
    """The shape of a signing-certificate attribute without what names the certificate; raises DerError."""
    algorithm = "sha1" if name == _ESS_V1 else "sha256"
    digest = hashlib.new(algorithm, signer, usedforsecurity=name == _ESS).digest()
    if value.count(digest) != 1:
        raise DerError("the signing-certificate attribute names another certificate, or another digest of it")
    shape = _without_lengths(value).replace(digest, b"digest")
    for what, word in zip(names, (b"issuer", b"serial"), strict=True):
        shape = shape.replace(what, word)
    return shape


def _without_lengths(value: bytes) -> bytes:
    """Lengths differ with the length of the serial number: they are left out with the outer headers, and with
    that of the issuer and serial number, which fill the rest of what names the certificate. Raises DerError.
    """
    certificates = der.node(value, der.node(value).body)
    named = der.node(value, certificates.body)
    *before, last = der.children(value, named)
    if not before or last.tag != der.SEQUENCE:  # no issuer and serial number
        return value[named.body :]
    return value[named.body : last.start] + value[last.body :]


def _unsigned(data: bytes, unsigned: Node, form: list[bytes]) -> bytes:
    (attribute,) = _members(data, unsigned, b"\x30")
    name, token = _attribute(data, attribute)
    if name != _TIMESTAMP or token.tag != der.SEQUENCE:
        raise DerError("an unsigned attribute other than a timestamp")
    form.append(_TIMESTAMP)
    return der.whole(data, token)


def check_value(cms: Cms, content_digest: bytes, public_key: object) -> None:
    """Check that a CMS signs content of this digest with this key; raises DerError."""
    if cms.stated_digest != content_digest:
        raise DerError("the digest is not that of the content")
    verify_value(public_key, cms.algorithm, cms.digest_oid, cms.signed_attributes, cms.value)


def cut_stamp(content: bytes) -> Stamp:
    """Cut a TSTInfo; raises DerError."""
    parts = der.children(content, der.only(content))
    if bytes(each.tag for each in parts[:5]) != b"\x02\x06\x30\x02\x18":
        raise DerError("a timestamp whose parts are not the usual ones")
    version, policy, imprint, serial, moment = parts[:5]
    algorithm, digest = _members(content, imprint, b"\x30\x04")
    name = _DIGESTS.get(der.whole(content, der.expect(der.children(content, algorithm), 0, der.OID)))
    if name is None:
        raise DerError("the imprint's algorithm is not an accepted one")
    form = [der.whole(content, each) for each in (version, policy, algorithm)]
    for part in parts[5:]:
        form.append(b"nonce" if part.tag == der.INTEGER else der.whole(content, part))
        if part.tag == der.INTEGER:
            der.number(content, part)
    text = der.content(content, moment)
    if b"." in text and text[-2:-1] in b"0.":
        raise DerError("a time that is not written in its shortest form")
    der.number(content, serial)
    return Stamp(b"\0tst\0".join(form), generalized_time(text), name, der.content(content, digest))


@lru_cache(maxsize=4096)
def issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    """The issuer's name and the serial number of a certificate, in DER; raises DerError."""
    parts = _to_be_signed(certificate)
    return der.whole(certificate, parts[3]), der.whole(certificate, parts[1])


def _to_be_signed(certificate: bytes) -> list[Node]:
    tbs = der.expect(der.children(certificate, der.only(certificate)), 0, der.SEQUENCE)
    return _members(certificate, tbs, b"\xa0\x02\x30\x30\x30\x30\x30\xa3")


def certificate_shape(certificate: bytes) -> bytes:
    """A certificate's shape; raises DerError, also for one that limits what is below it."""
    version, _serial, algorithm, issuer, _validity, _subject, key, extensions = _to_be_signed(certificate)
    key_algorithm, bits = _members(certificate, key, b"\x30\x03")
    form = [der.whole(certificate, each) for each in (version, algorithm, issuer, key_algorithm)]
    # an RSA key's length decides whether it is strong enough; its first byte may be a zero
    form.append(b"%d" % (bits.end - bits.body))
    (listed,) = _members(certificate, extensions, b"\x30")
    for extension in der.children(certificate, listed):
        name = der.whole(certificate, der.expect(der.children(certificate, extension), 0, der.OID))
        if name in _LIMITING:
            raise DerError("a certificate that limits what is below it")
        form.append(name if name in _OWN else der.whole(certificate, extension))
    return b"\0crt\0".join(form)
