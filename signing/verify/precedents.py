"""What was judged before of the same signer, by the same answers, at the same time, need not be judged again.

A signature's judgment has two parts. One is its own: does the value verify with the certificate's key, over
these attributes and this content. The other is what the certificate is worth: its chain, the revocation
answers, the algorithms, the purpose. The first is checked here for each signature, by rules narrower than
the standard's. When they all hold, what is left depends only on what counts for `Plain.likeness`, on the
validation data, the policy and the time; two signatures alike in all of these get the same judgment, so the
second gets the first's. A signature that isn't plain is judged from the beginning each time.

Why a recalled judgment is never milder than one made anew: (1) all octets of the CMS count for the likeness
but the content, its digest, the signing time, the signature value and the timestamps attached; (2) digest,
value and (for a timestamp) imprint have been verified against them; (3) the block that is recalled doesn't
look at the signing time or at attached timestamps; (4) the validation data count octet for octet.
tests/integration/test_verify_recalled.py holds this against judgments made anew.
Source: RFC 5652, 5; ETSI EN 319 102-1, 5.3.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from certs import der
from certs.der import DerError, Node
from signing.cms import OID_CONTENT_TYPE, OID_MESSAGE_DIGEST, OID_SIGNED_DATA, OID_SIGNING_CERTIFICATE_V2
from signing.signed_data import SignedData, load_certificate, parse_signed_data, verify_signed_data

Found = TypeVar("Found")

_TIMESTAMP = der.oid("1.2.840.113549.1.9.16.2.14")
_SIGNING_TIME = der.oid("1.2.840.113549.1.9.5")
_OF_THIS_SIGNATURE = frozenset({der.oid(OID_MESSAGE_DIGEST), _SIGNING_TIME})
_PLAIN_ATTRIBUTES = _OF_THIS_SIGNATURE | {
    der.oid(OID_CONTENT_TYPE),
    der.oid(OID_SIGNING_CERTIFICATE_V2),
    der.oid("1.2.840.113549.1.9.16.2.12"),  # signing-certificate, of timestamps
    der.oid("1.2.840.113549.1.9.52"),  # CMS algorithm protection
}
_PSS = der.oid("1.2.840.113549.1.1.10")  # its salt is found from the value, so the value would count too
_CERTIFICATES, _SIGNED, _UNSIGNED = 0xA0, 0xA0, 0xA1


@dataclass(frozen=True)
class Plain:
    """A signature that verifies and has nothing unusual about it."""

    likeness: bytes  # SHA-256 over everything that another signature must have alike
    signed: SignedData


def plain_signature(content_info: bytes, digest: Callable[[str], bytes] | None) -> Plain | None:
    """Verify a signature by narrow rules; None when one doesn't hold, which says nothing against it.

    `digest` gives the digest of detached content by the algorithm's name; None means that the content is
    enclosed.
    """
    try:
        parts = _alike(content_info)
        signed = parse_signed_data(content_info)
        if (signed.content is None) == (digest is None):
            return None
        name = signed.digest_name
        found = digest(name) if digest else hashlib.new(name, signed.content or b"").digest()
        certificate = signed.signer_certificate()
        serial = load_certificate(certificate).serial_number
        if sum(load_certificate(each).serial_number == serial for each in signed.certificates) != 1:
            return None
        verify_signed_data(signed, certificate, found)
    except (DerError, ValueError, TypeError):
        return None
    return Plain(fingerprint(parts), signed)


def fingerprint(parts: Iterable[bytes]) -> bytes:
    """SHA-256 over a list of octet strings, so that no other list has the same."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.digest()


def _alike(data: bytes) -> list[bytes]:
    """The octets that count, of a CMS with nothing in it but the usual; raises DerError."""
    kind, wrapped = _exactly(der.children(data, der.only(data)), 2)
    if der.whole(data, kind) != der.oid(OID_SIGNED_DATA):
        raise DerError("not a SignedData")
    (outer,) = _exactly(der.children(data, wrapped), 1)
    version, digests, content, certificates, signers = _exactly(der.children(data, outer), 5)
    if certificates.tag != _CERTIFICATES or any(
        each.tag != der.SEQUENCE for each in der.children(data, certificates)
    ):
        raise DerError("certificates of another kind")
    (signer,) = _exactly(der.children(data, signers), 1)
    parts = der.children(data, signer)
    if len(parts) not in (6, 7) or parts[3].tag != _SIGNED:
        raise DerError("a signer with other members")
    algorithm = der.whole(data, parts[4])
    if _PSS in algorithm:
        raise DerError("a signature whose value says how it was made")
    return [
        *(der.whole(data, each) for each in (version, digests, certificates, *parts[:3], parts[4])),
        der.whole(data, der.children(data, content)[0]),
        b"detached" if len(der.children(data, content)) == 1 else b"enclosed",
        *_attributes_alike(data, parts[3]),
        *_unsigned_alike(data, parts[6:]),
    ]


def _exactly(nodes: list[Node], count: int) -> list[Node]:
    if len(nodes) != count:
        raise DerError(f"{len(nodes)} members where {count} are expected")
    return nodes


def _attributes_alike(data: bytes, container: Node) -> Iterable[bytes]:
    attributes = der.children(data, container)
    written = [der.whole(data, each) for each in attributes]
    if written != sorted(written):
        raise DerError("attributes out of order")
    for attribute, whole in zip(attributes, written, strict=True):
        name = der.whole(data, der.children(data, attribute)[0])
        if name not in _PLAIN_ATTRIBUTES:
            raise DerError("an attribute that isn't usual")
        yield name if name in _OF_THIS_SIGNATURE else whole


def _unsigned_alike(data: bytes, containers: list[Node]) -> Iterable[bytes]:
    for container in containers:
        if container.tag != _UNSIGNED:
            raise DerError("a signer with other members")
        for attribute in der.children(data, container):
            name = der.whole(data, der.children(data, attribute)[0])
            if name != _TIMESTAMP:
                raise DerError("an unsigned attribute that isn't usual")
            yield name


class Recalled(Generic[Found]):
    """The last findings by what they depend on; the oldest are forgotten."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._found: OrderedDict[Hashable, Found] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Found | None:
        """What was found for exactly this, if that is remembered."""
        with self._lock:
            if key not in self._found:
                return None
            self._found.move_to_end(key)
            return self._found[key]

    def put(self, key: Hashable, found: Found) -> None:
        """Remember it."""
        with self._lock:
            self._found[key] = found
            self._found.move_to_end(key)
            while len(self._found) > self._at_most:
                self._found.popitem(last=False)
