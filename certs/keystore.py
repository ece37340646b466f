"""Keys with their certificates: from PKCS#12 or PEM files, loaded once and kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12 as parse_pkcs12
from cryptography.x509.oid import NameOID

from certs.errors import (
    UNREADABLE,
    CertificateExpired,
    CertificateNotYetValid,
    KeyMismatch,
    KeystoreError,
    KeyUsageMissing,
    UnsupportedKey,
    WrongPassphrase,
)
from certs.keys import PrivateKey, key_type

DOCUMENT_USAGES: Final = frozenset({"digital_signature", "content_commitment"})
_USAGES: Final = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}


@dataclass(frozen=True)
class Credential:
    """A private key, its certificate, and the certificates above it.

    `chain` starts with the issuer and goes up to and including the root as far as it is known.
    """

    name: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = field(repr=False)
    private_key: PrivateKey = field(repr=False, compare=False)

    @cached_property
    def cert_der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @cached_property
    def key_type(self) -> str:
        """The key's type, for instance `RSA-2048`, `P-256` or `Ed25519`."""
        return key_type(self.certificate.public_key(), where=self.name)

    @cached_property
    def is_development(self) -> bool:
        """Whether the certificate comes from a development authority."""
        return is_development(self.certificate)


def common_name(certificate: x509.Certificate) -> str:
    """Say whom a certificate names: its common name, else its whole subject."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def is_development(certificate: x509.Certificate) -> bool:
    """Say whether a certificate's issuer calls itself a development authority."""
    return any("development" in str(attribute.value).lower() for attribute in certificate.issuer)


def load_key(key: Path, chain: Path | None, passphrase_file: Path | None) -> Credential:
    """Load a key with its certificates from PKCS#12, or from PEM, where `chain` begins with the key's own.

    Raises KeystoreError naming the file: see `load_pkcs12`.
    """
    passphrase = _read(passphrase_file).rstrip(b"\r\n") if passphrase_file is not None else None
    content = _read(key)
    if b"-----BEGIN" not in content:
        return load_pkcs12(key, passphrase)
    if b"-----BEGIN CERTIFICATE" in content:
        return load_pem(key, key, chain, passphrase)
    if chain is None:
        raise KeystoreError(
            f"{key} holds no certificate.",
            hint="Give the file of its certificate, and of those above, as the chain: `--chain FILE`.",
        )
    return load_pem(key, chain, None, passphrase)


def load_pkcs12(path: Path, passphrase: bytes | None, *, name: str | None = None) -> Credential:
    """Load a key and its certificates from a PKCS#12 file.

    `name` defaults to the certificate's common name. Raises KeystoreError naming the file: WrongPassphrase,
    KeyMismatch, UnsupportedKey (WeakKey), or the plain one when the file is unreadable or lacks a part.
    """
    bundle = _open_pkcs12(path, passphrase)
    if bundle.key is None:
        raise KeystoreError(
            f"{path} holds no private key.", hint="Export the key together with its certificate."
        )
    certificates = [entry.certificate for entry in bundle.additional_certs]
    if bundle.cert is not None:
        certificates.insert(0, bundle.cert.certificate)
    if not certificates:
        raise KeystoreError(
            f"{path} holds no certificate.", hint="Export the key together with its certificate."
        )
    # A bundle that does not tie the key to a certificate leaves bundle.cert empty: look for the key's own.
    certificate = next((found for found in certificates if _belongs(bundle.key, found)), certificates[0])
    return _credential(bundle.key, certificate, certificates, key_path=path, cert_path=path, name=name)


def load_pem(
    key_path: Path,
    cert_path: Path,
    chain_path: Path | None = None,
    passphrase: bytes | None = None,
    *,
    name: str | None = None,
) -> Credential:
    """Load a key and its certificates from PEM files.

    The first certificate in `cert_path` is the key's own; the rest and `chain_path` give the chain.
    Raises KeystoreError naming the file: see `load_pkcs12`.
    """
    private_key = _open_pem_key(key_path, passphrase)
    certificates = load_certificates(cert_path)
    others = [*certificates[1:], *(load_certificates(chain_path) if chain_path else ())]
    return _credential(
        private_key, certificates[0], others, key_path=key_path, cert_path=cert_path, name=name
    )


def load_certificates(path: Path) -> list[x509.Certificate]:
    """Load the certificates of a PEM file, in its order; raises KeystoreError naming the file."""
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except UNREADABLE as error:
        raise KeystoreError(
            f"{path} holds no readable certificate.", hint="It must be a PEM file."
        ) from error


def require_usable(
    certificate: x509.Certificate, *, now: datetime, accepted_usages: frozenset[str] = DOCUMENT_USAGES
) -> None:
    """Refuse a certificate that must not sign at `now`.

    The key usage extension must assert at least one of `accepted_usages` (names as in cryptography's
    KeyUsage); a certificate without the extension asserts nothing and is refused.
    Raises CertificateExpired, CertificateNotYetValid, KeyUsageMissing, WeakKey or UnsupportedKey.
    """
    who = f"The certificate of {common_name(certificate)}"
    if now > certificate.not_valid_after_utc:
        ended = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
        raise CertificateExpired(f"{who} expired on {ended}.", hint="Renew it and load the new key.")
    if now < certificate.not_valid_before_utc:
        begins = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"
        raise CertificateNotYetValid(
            f"{who} is valid only from {begins}.", hint="Check this machine's clock."
        )
    key_type(certificate.public_key(), where=who)
    if not asserted_usages(certificate) & accepted_usages:
        wanted = " or ".join(sorted(_USAGES[usage] for usage in accepted_usages))
        raise KeyUsageMissing(
            f"{who} does not carry the key usage {wanted}.",
            hint="Use a certificate issued for signing documents, or change the profile's key usage setting.",
        )


def asserted_usages(certificate: x509.Certificate) -> frozenset[str]:
    """List the key usages a certificate asserts, by cryptography's names; none without the extension."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name for name in _USAGES if getattr(usage, name))


def usage_words(certificate: x509.Certificate) -> list[str]:
    """The same in the words of RFC 5280, in their order."""
    asserted = asserted_usages(certificate)
    return [word for usage, word in _USAGES.items() if usage in asserted]


def build_chain(
    certificate: x509.Certificate, candidates: Iterable[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Order `candidates` into the chain above a certificate, issuer first; unrelated ones are left out."""
    pool, chain, current = list(candidates), [], certificate
    while current.issuer != current.subject:
        issuer = next((found for found in pool if is_issued_by(current, found)), None)
        if issuer is None or issuer in chain:
            break
        chain.append(issuer)
        current = issuer
    return tuple(chain)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether a certificate names `issuer` as its issuer and carries its signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def _open_pkcs12(path: Path, passphrase: bytes | None) -> PKCS12KeyAndCertificates:
    try:
        return parse_pkcs12(_read(path), passphrase)
    except ValueError as error:
        raise WrongPassphrase(
            f"{path} cannot be opened: the passphrase is wrong, or it is no PKCS#12 file.",
            hint="Check the passphrase; `openssl pkcs12 -info -in FILE` shows what the file holds.",
        ) from error
    except UnsupportedAlgorithm as error:
        raise UnsupportedKey(
            f"{path} uses an algorithm that is not supported.", hint="Export it again."
        ) from error


def _open_pem_key(path: Path, passphrase: bytes | None) -> object:
    pem = _read(path)
    try:
        return load_pem_private_key(pem, passphrase)
    except TypeError as error:
        if passphrase is None:
            raise WrongPassphrase(
                f"{path} is encrypted and no passphrase was given.", hint="Give it."
            ) from error
        raise WrongPassphrase(
            f"{path} is not encrypted but a passphrase was given.", hint="Leave it out."
        ) from error
    except ValueError as error:
        if passphrase is not None and b"ENCRYPTED" in pem:
            raise WrongPassphrase(
                f"{path}: the passphrase is wrong.", hint="Check the passphrase."
            ) from error
        raise KeystoreError(
            f"{path} holds no readable private key.", hint="It must be a PEM private key."
        ) from error
    except UnsupportedAlgorithm as error:
        raise UnsupportedKey(
            f"{path} uses an algorithm that is not supported.", hint="Use another key."
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeystoreError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from error


def _credential(
    private_key: object,
    certificate: x509.Certificate,
    others: Sequence[x509.Certificate],
    *,
    key_path: Path,
    cert_path: Path,
    name: str | None,
) -> Credential:
    key_type(_public_key(private_key), where=str(key_path))
    if not isinstance(private_key, PrivateKey):
        raise UnsupportedKey(f"{key_path} holds no key that can sign.", hint="Use another key.")
    if not _belongs(private_key, certificate):
        whose = common_name(certificate)
        raise KeyMismatch(
            f"The key in {key_path} does not belong to the certificate of {whose} in {cert_path}.",
            hint="Give the key and the certificate that were issued together.",
        )
    return Credential(
        name=name or common_name(certificate),
        certificate=certificate,
        chain=build_chain(certificate, others),
        private_key=private_key,
    )


def _public_key(private_key: object) -> object:
    public_key = getattr(private_key, "public_key", None)
    return public_key() if public_key else private_key


def _belongs(private_key: object, certificate: x509.Certificate) -> bool:
    public_key = _public_key(private_key)
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return hasattr(public_key, "public_bytes") and (
        public_key.public_bytes(*form) == certificate.public_key().public_bytes(*form)
    )
