"""The signer whose key is in a token."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Mechanism

from certs import der
from certs.keystore import build_chain, load_certificates
from signing.errors import KeyAddressError, TokenError, UnsupportedKeyError
from signing.pkcs11.address import MODULE, KeyAddress, module_path, parse_key_address
from signing.pkcs11.keys import PublicKey, TokenKey
from signing.pkcs11.pins import PinSource
from signing.pkcs11.thread import ModuleThread, module_thread
from signing.pkcs11.tokens import Tokens
from signing.signers import DIGEST_OIDS, mechanism_for

TIMEOUT_S: Final = 30.0


class Pkcs11Signer:
    """Signs with a key in a token; the session is kept, and opened again when it is lost.

    Its methods may run concurrently: the module's thread takes one after another.
    """

    def __init__(
        self,
        address: KeyAddress,
        pins: PinSource,
        module: ModuleThread,
        certificates: Sequence[x509.Certificate],
        *,
        timeout_s: float,
    ) -> None:
        self._address = address
        self._pins = pins
        self._module = module
        self._certificate, *above = certificates
        self._chain = tuple(above)
        self._timeout_s = timeout_s

    @property
    def certificate(self) -> x509.Certificate:
        """The signing certificate."""
        return self._certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates above it."""
        return self._chain

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        """Sign; ECDSA values are DER, RSA is PKCS #1 v1.5, Ed25519 is the pure form (RFC 8419).

        Raises SignerError (TokenUnavailableError), TokenError, TokenPinError.
        """
        job = partial(self._sign, signed_attributes=signed_attributes, digest_algorithm=digest_algorithm)
        return await self._module.run(job, timeout_s=self._timeout_s)

    def _sign(self, tokens: Tokens, *, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        key = tokens.key(self._address, self._pins)
        return sign_with(
            tokens,
            key,
            self._pins,
            signed_attributes,
            public_key=self._certificate.public_key(),
            digest_algorithm=digest_algorithm,
        )


def open_signer(
    uri: str,
    *,
    chain: Path | None = None,
    pin_file: Path | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Pkcs11Signer:
    """Open the token that a `pkcs11:` URI names, log in, and find the key and its certificate.

    `chain` is a file of certificates in PEM: those above, and the key's own where the token does not hold it
    or another is wanted. The module is the URI's, else PARAAF_PKCS11_MODULE; the PIN is in the URI's
    pin-source, else in `pin_file`, else where PARAAF_PKCS11_PIN_FILE or PARAAF_PKCS11_PIN say. A call to the
    token may take `timeout_s` seconds, for which this blocks: from an event loop, call it in a thread.
    Raises KeyAddressError, TokenError, ExtractableKeyError, TokenPinError, TokenUnavailableError,
    UnsupportedKeyError, KeystoreError.
    """
    address = parse_key_address(uri)
    module = module_of(address)
    pins = PinSource(address.pin_file or pin_file)
    given = load_certificates(chain) if chain is not None else []
    certificates = module.run_now(
        partial(_certificates, address=address, pins=pins, given=given), timeout_s=timeout_s
    )
    return Pkcs11Signer(address, pins, module, certificates, timeout_s=timeout_s)


def module_of(address: KeyAddress) -> ModuleThread:
    """The module that reaches a key: its URI's, else PARAAF_PKCS11_MODULE. Raises KeyAddressError."""
    named = module_path(address)
    if named is None:
        raise KeyAddressError(
            "Nobody says which PKCS#11 module reaches the token.",
            hint=f"Name its library in the key's URI (module-path=/…) or as {MODULE}.",
        )
    return module_thread(named)


def sign_with(
    tokens: Tokens,
    key: TokenKey,
    pins: PinSource,
    data: bytes,
    *,
    public_key: object,
    digest_algorithm: str,
) -> bytes:
    """Sign with a key in the module's thread. Raises UnsupportedKeyError, TokenPinError, PKCS11Error."""
    way = _way(key, public_key, digest_algorithm)
    value = tokens.sign(key, pins, way.form(data), way.mechanism)
    return _ecdsa_value(value) if isinstance(public_key, _Ec) else value


def _certificates(
    tokens: Tokens, *, address: KeyAddress, pins: PinSource, given: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """The key's certificate, and those above it."""
    key = tokens.searchable_key(address, pins)
    held = key.all_certificates()
    certificate = _own_certificate(key, given, held)
    if certificate is None:
        raise TokenError(
            f"No certificate belongs to {address.key_words} in the token “{key.session.token.label}”.",
            hint="Put it into the token under the key's id, or name its file (--chain, or `chain` in"
            " signing.toml).",
        )
    _way(key, certificate.public_key(), mechanism_for(certificate).digest_algorithm)
    return [certificate, *build_chain(certificate, [*given, *held])]


def _own_certificate(
    key: TokenKey, given: Sequence[x509.Certificate], held: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """The key's certificate: of those given, else in the token; of several there that which ends last.

    Where the token does not tell the public key, it is the first one given, or what bears the key's id. A
    wrong one does no harm: every value is checked under the certificate before it is kept.
    """
    public_key = key.public_key()
    beside = sorted(key.certificates(), key=_ends, reverse=True)
    if public_key is None:
        return next(iter([*given[:1], *beside]), None)
    every = [*given, *beside, *sorted(held, key=_ends, reverse=True)]
    return next((one for one in every if _is_for(one, public_key)), None)


def _ends(certificate: x509.Certificate) -> float:
    return certificate.not_valid_after_utc.timestamp()


def _is_for(certificate: x509.Certificate, public_key: PublicKey) -> bool:
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(*form) == public_key.public_bytes(*form)


# How a token is asked to sign


@dataclass(frozen=True)
class _Way:
    """A mechanism, and what it is given of the signed attributes."""

    mechanism: Mechanism
    form: Callable[[bytes], bytes]


_Ec = ec.EllipticCurvePublicKey
_RSA = {
    "sha256": Mechanism.SHA256_RSA_PKCS,
    "sha384": Mechanism.SHA384_RSA_PKCS,
    "sha512": Mechanism.SHA512_RSA_PKCS,
}
_ECDSA = {
    "sha256": Mechanism.ECDSA_SHA256,
    "sha384": Mechanism.ECDSA_SHA384,
    "sha512": Mechanism.ECDSA_SHA512,
}


def _way(key: TokenKey, public_key: object, digest_algorithm: str) -> _Way:
    """How the token signs with this key: the first of the mechanisms that it has. Raises UnsupportedKeyError.

    Those that take a digest come first: SoftHSM has no others for ECDSA. The others are for tokens that hash
    by themselves or not at all.
    """
    ways = _ways(public_key, digest_algorithm)
    for way in ways:
        if way.mechanism in key.mechanisms:
            return way
    label, missing = key.session.token.label, ways[0].mechanism.name
    raise UnsupportedKeyError(
        f"The token “{label}” can't sign with a key of this kind: it has not {missing}.",
        hint="Use a key of another kind, or a token that can.",
    )


def _ways(public_key: object, digest_algorithm: str) -> list[_Way]:
    if isinstance(public_key, rsa.RSAPublicKey):
        wrapped = partial(_digest_info, digest_algorithm=digest_algorithm)
        return [_Way(Mechanism.RSA_PKCS, wrapped), _Way(_RSA[digest_algorithm], _whole)]
    if isinstance(public_key, _Ec):
        # of a digest longer than the curve's order only the leftmost bits count; some tokens refuse the rest
        cut = partial(_digest, digest_algorithm=digest_algorithm, longest=public_key.key_size // 8)
        return [_Way(Mechanism.ECDSA, cut), _Way(_ECDSA[digest_algorithm], _whole)]
    return [_Way(Mechanism.EDDSA, _whole)]


def _whole(data: bytes) -> bytes:
    return data


def _digest(data: bytes, *, digest_algorithm: str, longest: int | None = None) -> bytes:
    return hashlib.new(digest_algorithm, data).digest()[:longest]


def _digest_info(data: bytes, *, digest_algorithm: str) -> bytes:
    """The DigestInfo that PKCS #1 v1.5 signs. Source: RFC 8017 (EMSA-PKCS1-v1_5)."""
    algorithm = der.sequence(der.oid(DIGEST_OIDS[digest_algorithm]), der.tlv(der.NULL))
    return der.sequence(algorithm, der.octets(_digest(data, digest_algorithm=digest_algorithm)))


def _ecdsa_value(value: bytes) -> bytes:
    """The DER of an ECDSA value; tokens give both numbers one after the other, of the same length."""
    half = len(value) // 2
    return der.sequence(*(der.integer(int.from_bytes(part, "big")) for part in (value[:half], value[half:])))
