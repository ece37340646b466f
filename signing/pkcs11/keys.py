"""A private key in a token, and the certificates beside it. Everything here runs in the module's thread."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pkcs11
from asn1crypto.core import OctetString
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error, Session

from certs import der
from certs.errors import UNREADABLE
from signing.errors import ExtractableKeyError, TokenError
from signing.pkcs11.address import KeyAddress

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_CURVES: dict[bytes, ec.EllipticCurve] = {
    der.oid("1.2.840.10045.3.1.7"): ec.SECP256R1(),
    der.oid("1.3.132.0.34"): ec.SECP384R1(),
}
# What a token says when it does not have an attribute, or does not tell it.
_UNTOLD = pkcs11.AttributeTypeInvalid, pkcs11.AttributeSensitive, pkcs11.FunctionFailed


@dataclass(frozen=True)
class TokenKey:
    """A private key in a token, for as long as its session lasts."""

    session: Session
    private_key: Any
    key_id: bytes
    label: str
    mechanisms: frozenset[Mechanism | int]
    """What the token can do."""
    confirms_each_use: bool
    """The token asks for the PIN at each use (CKA_ALWAYS_AUTHENTICATE)."""

    def public_key(self) -> PublicKey | None:
        """The public key; None when the token does not tell it, or it is of no kind that signs here."""
        if self.private_key.key_type is KeyType.RSA:
            return _rsa(self.private_key)
        beside = self._beside(ObjectClass.PUBLIC_KEY)
        return _public_key(beside[0]) if len(beside) == 1 else None

    def certificates(self) -> list[x509.Certificate]:
        """The certificates that bear the key's id, or its label where it has no id."""
        return [found for each in self._beside(ObjectClass.CERTIFICATE) for found in _certificate(each)]

    def all_certificates(self) -> list[x509.Certificate]:
        """Every certificate in the token."""
        every = list(self.session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}))
        return [found for each in every for found in _certificate(each)]

    def _beside(self, kind: ObjectClass) -> list[Any]:
        named: dict[Attribute, Any] = (
            {Attribute.ID: self.key_id} if self.key_id else {Attribute.LABEL: self.label}
        )
        return list(self.session.get_objects({Attribute.CLASS: kind, **named}))


def find_key(session: Session, address: KeyAddress) -> TokenKey:
    """Find the one private key at an address, and see that it may be used.

    Raises TokenError when there is none or are several, or when it does not sign; ExtractableKeyError.
    """
    template: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
    if address.label is not None:
        template[Attribute.LABEL] = address.label
    if address.key_id is not None:
        template[Attribute.ID] = address.key_id
    # every one, to the end: a search that is left open keeps the session busy
    found = list(session.get_objects(template))
    where = f"in the token “{session.token.label}”"
    if not found:
        raise TokenError(
            f"The token “{session.token.label}” does not hold {address.key_words}.",
            hint="See what is there: pkcs11-tool --module … --token-label … --login --list-objects.",
        )
    if len(found) > 1:
        raise TokenError(
            f"There are {len(found)} keys {where} that can be meant by the key's URI.",
            hint="Name one by its id: add id=%…, in hexadecimal digits, a % before each two.",
        )
    return _usable(session, found[0], address, where)


def _usable(session: Session, key: Any, address: KeyAddress, where: str) -> TokenKey:
    if _told(key, Attribute.EXTRACTABLE) is not False or _told(key, Attribute.SENSITIVE) is not True:
        raise ExtractableKeyError(
            f"Nothing keeps {address.key_words} {where} from being read out.",
            hint="Sign with a key that was made in the token, sensitive and not extractable, and have a new"
            " certificate issued for it.",
        )
    if not isinstance(key, pkcs11.SignMixin):
        raise TokenError(
            f"The token “{session.token.label}” does not let {address.key_words} sign.",
            hint="Use one whose CKA_SIGN is set.",
        )
    return TokenKey(
        session=session,
        private_key=key,
        key_id=_told(key, Attribute.ID) or b"",
        label=_told(key, Attribute.LABEL) or "",
        mechanisms=frozenset(session.token.slot.get_mechanisms()),
        confirms_each_use=bool(_told(key, Attribute.ALWAYS_AUTHENTICATE)),
    )


def _told(key: Any, attribute: Attribute) -> Any:
    try:
        return key[attribute]
    except _UNTOLD:
        return None


def _certificate(held: Any) -> Iterator[x509.Certificate]:
    """The certificate in an object; none when it can't be read, as others beside it may be."""
    try:
        yield x509.load_der_x509_certificate(held[Attribute.VALUE])
    except (*UNREADABLE, *_UNTOLD):
        return


def _public_key(held: Any) -> PublicKey | None:
    try:
        point = OctetString.load(held[Attribute.EC_POINT]).native
        if held.key_type is KeyType.EC_EDWARDS:
            return ed25519.Ed25519PublicKey.from_public_bytes(point)
        curve = _CURVES.get(held[Attribute.EC_PARAMS])
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point) if curve is not None else None
    except (PKCS11Error, ValueError, TypeError):
        return None


def _rsa(key: Any) -> rsa.RSAPublicKey | None:
    try:
        exponent, modulus = key[Attribute.PUBLIC_EXPONENT], key[Attribute.MODULUS]
        numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
        return numbers.public_key()
    except (*_UNTOLD, ValueError):
        return None
