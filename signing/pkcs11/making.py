"""Make a new key in a token: it can sign, and can't be read out. Nothing of it but its public half leaves."""

import secrets
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error, Session

from certs import der
from signing.certificate_errors import KeyThereError
from signing.errors import KeyAddressError, TokenError
from signing.pkcs11.address import KeyAddress, parse_key_address
from signing.pkcs11.keys import PublicKey
from signing.pkcs11.pins import PinSource
from signing.pkcs11.signer import TIMEOUT_S, module_of, sign_with
from signing.pkcs11.thread import ModuleThread
from signing.pkcs11.tokens import Tokens

# By our names of the kinds of keys: the OIDs of RFC 5480, the name that PKCS#11 3.0 has for Ed25519.
_CURVES: Final = {"P-256": "1.2.840.10045.3.1.7", "P-384": "1.3.132.0.34"}
_EDWARDS: Final = b"\x13\x0cedwards25519"
_RSA: Final = "RSA-"
_ID_BYTES: Final = 8
_PRIVATE: Final = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}


@dataclass(frozen=True)
class MadeInToken:
    """A new key in a token. `uri` names it by its id too."""

    uri: str
    public_key: PublicKey
    _address: KeyAddress
    _pins: PinSource
    _module: ModuleThread

    def sign(self, data: bytes, digest_algorithm: str) -> bytes:
        """Sign with it; ECDSA values are DER. Raises what `Pkcs11Signer.sign` does."""

        def job(tokens: Tokens) -> bytes:
            key = tokens.key(self._address, self._pins)
            return sign_with(
                tokens,
                key,
                self._pins,
                data,
                public_key=self.public_key,
                digest_algorithm=digest_algorithm,
            )

        return self._module.run_now(job, timeout_s=TIMEOUT_S)


def make_key(uri: str, kind: str, *, pin_file: Path | None = None) -> MadeInToken:
    """Make a key of one of the kinds of `certs.keys` where a `pkcs11:` URI says: its label is the URI's.

    Without an id in the URI it gets a random one. The PIN is where `open_signer` looks for it.
    Raises KeyThereError when the label or the id is taken, KeyAddressError, TokenError, TokenPinError,
    TokenUnavailableError.
    """
    address = parse_key_address(uri)
    if address.label is None:
        raise KeyAddressError(
            "The URI does not say what the new key is to be called.", hint="Add object=NAME to it."
        )
    if address.key_id is None:
        key_id = secrets.token_bytes(_ID_BYTES)
        address, uri = replace(address, key_id=key_id), _with_id(uri, key_id)
    module, pins = module_of(address), PinSource(address.pin_file or pin_file)
    public_key = module.run_now(
        partial(_make, address=address, kind=kind, pins=pins), timeout_s=4 * TIMEOUT_S
    )  # RSA takes a card minutes
    return MadeInToken(uri, public_key, address, pins, module)


def _with_id(uri: str, key_id: bytes) -> str:
    path, mark, query = uri.partition("?")
    escaped = "".join(f"%{byte:02X}" for byte in key_id)
    return f"{path};id={escaped}{mark}{query}"


def _make(tokens: Tokens, *, address: KeyAddress, kind: str, pins: PinSource) -> PublicKey:
    with closing(tokens.writing(address, pins)) as session:
        _require_free(session, {Attribute.LABEL: address.label}, address)
        _require_free(session, {Attribute.ID: address.key_id}, address)
        try:
            _generate(session, address, kind)
        except PKCS11Error as error:  # it is not lost: it says no
            raise TokenError(
                f"The token “{session.token.label}” makes no key of the kind {kind}: {type(error).__name__}.",
                hint="Ask for another kind (--key-type), or see what the token can do:"
                " pkcs11-tool --module … --list-mechanisms.",
            ) from error
        made = tokens.searchable_key(address, pins)
        public_key = made.public_key()
        if public_key is None:
            raise TokenError(
                f"The token “{session.token.label}” made a key, and does not tell its public half.",
                hint="Remove the key with the token's own program, and make the request with that.",
            )
    return public_key


def _require_free(session: Session, named: dict[Attribute, Any], address: KeyAddress) -> None:
    if list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, **named})):
        raise KeyThereError(
            f"The token “{session.token.label}” holds such a key already: {address.key_words}.",
            hint="Choose another name (object=…) and another id, or leave the id out.",
        )


def _generate(session: Session, address: KeyAddress, kind: str) -> None:
    how: dict[str, Any] = {
        "id": address.key_id,
        "label": address.label,
        "store": True,
        "private_template": _PRIVATE,
    }
    if kind.startswith(_RSA):
        session.generate_keypair(KeyType.RSA, int(kind.removeprefix(_RSA)), **how)
    elif kind in _CURVES:
        parameters = {Attribute.EC_PARAMS: der.oid(_CURVES[kind])}
        session.create_domain_parameters(KeyType.EC, parameters, local=True).generate_keypair(**how)
    else:
        parameters = {Attribute.EC_PARAMS: _EDWARDS}
        curve = session.create_domain_parameters(KeyType.EC_EDWARDS, parameters, local=True)
        curve.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, **how)
