"""The kinds of keys that sign here: RSA 2048–4096, P-256, P-384 and Ed25519."""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa

from certs.errors import UnsupportedKey, WeakKey

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

MINIMUM_RSA_BITS: Final = 2048
MAXIMUM_RSA_BITS: Final = 4096
_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384"}
_MEND: Final = "Use a key of RSA 2048 to 4096 bits, P-256, P-384 or Ed25519."

_GENERATORS: Final[dict[str, Callable[[], PrivateKey]]] = {
    "RSA-2048": lambda: generate_rsa(65537, 2048),
    "RSA-3072": lambda: generate_rsa(65537, 3072),
    "RSA-4096": lambda: generate_rsa(65537, 4096),
    "P-256": lambda: generate_ec(SECP256R1()),
    "P-384": lambda: generate_ec(SECP384R1()),
    "Ed25519": Ed25519PrivateKey.generate,
}
KEY_TYPES: Final = tuple(_GENERATORS)


def generate_key(key_type: str) -> PrivateKey:
    """Make a random key of one of `KEY_TYPES`; raises UnsupportedKey for any other name."""
    try:
        return _GENERATORS[key_type]()
    except KeyError as error:
        raise UnsupportedKey(
            f"There is no key type “{key_type}”.", hint=f"One of {', '.join(KEY_TYPES)}."
        ) from error


def key_type(public_key: object, *, where: str) -> str:
    """Name a public key's type, for instance `RSA-2048` or `P-256`.

    `where` names the file or certificate in the message.
    Raises WeakKey for a short RSA key, UnsupportedKey for anything else that is not accepted.
    """
    match public_key:
        case RSAPublicKey(key_size=bits) if bits < MINIMUM_RSA_BITS:
            raise WeakKey(f"{where}: an RSA key of {bits} bits is too short to sign with.", hint=_MEND)
        case RSAPublicKey(key_size=bits) if bits <= MAXIMUM_RSA_BITS:
            return f"RSA-{bits}"
        case RSAPublicKey(key_size=bits):
            raise UnsupportedKey(f"{where}: an RSA key of {bits} bits is longer than supported.", hint=_MEND)
        case EllipticCurvePublicKey(curve=curve) if curve.name in _CURVES:
            return _CURVES[curve.name]
        case EllipticCurvePublicKey(curve=curve) if curve.key_size < 256:
            raise WeakKey(f"{where}: the curve {curve.name} is too short to sign with.", hint=_MEND)
        case EllipticCurvePublicKey(curve=curve):
            raise UnsupportedKey(f"{where}: the curve {curve.name} is not supported.", hint=_MEND)
        case Ed25519PublicKey():
            return "Ed25519"
    kind = type(public_key).__name__.removesuffix("PublicKey")
    raise UnsupportedKey(f"{where}: keys of the kind {kind} are not supported.", hint=_MEND)
