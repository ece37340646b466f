"""How the development authority makes certificates and keeps keys."""

import secrets
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from certs.authority_certificates import Contents, marked_name, sign_certificate
from certs.authority_folder import AuthorityFolder
from certs.errors import AuthorityError
from certs.keys import generate_key
from certs.keystore import DOCUMENT_USAGES, Credential, load_pem

ROOT_VALIDITY: Final = timedelta(days=3652)
ISSUING_VALIDITY: Final = timedelta(days=3287)
PERSON_VALIDITY: Final = timedelta(days=731)
_AUTHORITY_USAGES: Final = frozenset({"key_cert_sign", "crl_sign"})


class Issuer:
    """The root and the issuing authority with their keys, and every credential that they made and keep."""

    def __init__(self, files: AuthorityFolder, *, base_url: str) -> None:
        self.base_url = base_url
        self._files = files
        self._kept: dict[str, Credential] = {}
        self._known_serials: set[int] = set()

    @cached_property
    def root(self) -> Credential:
        """The root: the trust anchor."""
        return self._load_needed("root.pem")

    @cached_property
    def issuing(self) -> Credential:
        """The authority that issues everything but itself."""
        return self._load_needed("issuing.pem")

    @cached_property
    def tsa(self) -> Credential:
        """The timestamp authority."""
        return self._load_needed("tsa.pem")

    @cached_property
    def ocsp_responder(self) -> Credential:
        """The delegated OCSP responder."""
        return self._load_needed("ocsp.pem")

    def found(self, now: datetime) -> None:
        """Make the root, the issuing authority, the TSA and the OCSP responder."""
        self._save("root.pem", self._make_root(now))
        self._save("issuing.pem", self._make_issuing(now))
        until = now + ISSUING_VALIDITY
        stamping = self.contents(
            marked_name("Timestamp authority"),
            now,
            until,
            key_usage=frozenset({"digital_signature"}),
            eku=(ExtendedKeyUsageOID.TIME_STAMPING,),
        )
        answering = self.contents(
            marked_name("OCSP responder"),
            now,
            until,
            key_usage=frozenset({"digital_signature"}),
            eku=(ExtendedKeyUsageOID.OCSP_SIGNING,),
            with_revocation_urls=False,
            no_revocation_check=True,
        )
        self._save("tsa.pem", self.issue("Timestamp authority", stamping, "P-256"))
        self._save("ocsp.pem", self.issue("OCSP responder", answering, "P-256"))

    def _make_root(self, now: datetime) -> Credential:
        # A number in the name tells one development PKI from another in a trust store that holds several.
        key = generate_key("P-256")
        contents = Contents(
            marked_name(f"Root {secrets.token_hex(3)}"),
            now,
            now + ROOT_VALIDITY,
            key_usage=_AUTHORITY_USAGES,
            path_length=1,
        )
        certificate = sign_certificate(contents, key.public_key(), issuer=None, issuer_key=key)
        return Credential("Root", certificate, (), key)

    def _make_issuing(self, now: datetime) -> Credential:
        key = generate_key("P-256")
        contents = Contents(
            marked_name(f"Issuing authority {secrets.token_hex(3)}"),
            now,
            now + ISSUING_VALIDITY,
            key_usage=_AUTHORITY_USAGES,
            path_length=0,
            issuer_url=f"{self.base_url}/ca/root.crt",
            crl_url=f"{self.base_url}/crl/root.crl",
        )
        certificate = sign_certificate(
            contents, key.public_key(), issuer=self.root.certificate, issuer_key=self.root.private_key
        )
        return Credential("Issuing authority", certificate, (self.root.certificate,), key)

    def contents(
        self,
        subject: x509.Name,
        not_before: datetime,
        not_after: datetime,
        *,
        key_usage: frozenset[str] | None = DOCUMENT_USAGES,
        eku: tuple[ObjectIdentifier, ...] = (),
        with_revocation_urls: bool = True,
        no_revocation_check: bool = False,
    ) -> Contents:
        """Say what a certificate under the issuing authority holds; none outlives its issuer.

        Raises AuthorityError when the issuer itself has expired by then.
        """
        ends = self.issuing.certificate.not_valid_after_utc
        if not_before >= ends:
            raise AuthorityError(
                f"The development authority itself expired on {ends:%Y-%m-%d}.",
                hint="Check this machine's clock; if it is right, start with a new folder.",
            )
        return Contents(
            subject,
            not_before,
            min(not_after, ends),
            key_usage=key_usage,
            eku=eku,
            no_revocation_check=no_revocation_check,
            ocsp_url=f"{self.base_url}/ocsp" if with_revocation_urls else None,
            issuer_url=f"{self.base_url}/ca/issuing.crt" if with_revocation_urls else None,
            crl_url=f"{self.base_url}/crl/issuing.crl" if with_revocation_urls else None,
        )

    def issue(self, name: str, contents: Contents, key_type: str) -> Credential:
        """Make a key and a certificate, and record the certificate as issued; the key is not kept."""
        key = generate_key(key_type)
        certificate = self.certify(contents, key.public_key())
        return Credential(name, certificate, (self.issuing.certificate, self.root.certificate), key)

    def certify(self, contents: Contents, public_key: CertificatePublicKeyTypes) -> x509.Certificate:
        """Make a certificate for a key, wherever it is, and record it as issued."""
        certificate = sign_certificate(
            contents, public_key, issuer=self.issuing.certificate, issuer_key=self.issuing.private_key
        )
        # Before anybody can use it: OCSP must know every certificate that is about.
        self._files.write(_issued_file(certificate.serial_number), certificate.public_bytes(Encoding.DER))
        return certificate

    def kept_or_made(
        self, file: str, name: str, subject: x509.Name, key_type: str, now: datetime
    ) -> Credential:
        """Give the credential kept in `file`; make it when there is none or it has expired."""
        found = self._current(file, name, now)
        if found:
            return found
        with self._files.lock():
            found = self._current(file, name, now)  # another process may have been faster
            if found is None:
                found = self.issue(name, self.contents(subject, now, now + PERSON_VALIDITY), key_type)
                self._save(file, found)
        return found

    def _current(self, file: str, name: str, now: datetime) -> Credential | None:
        credential = self._kept.get(file) or self._load(file, name)
        if credential is None or now > credential.certificate.not_valid_after_utc:
            self._kept.pop(file, None)
            return None
        self._kept[file] = credential
        return credential

    def _save(self, file: str, credential: Credential) -> None:
        key = credential.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        certificates = (credential.certificate, *credential.chain)
        # One file, so that a key and its certificate can never be mismatched by a crash.
        self._files.write(file, key + b"".join(found.public_bytes(Encoding.PEM) for found in certificates))
        self._kept[file] = credential

    def _load(self, file: str, name: str | None = None) -> Credential | None:
        path = self._files.path / file
        return load_pem(path, path, name=name) if path.exists() else None

    def _load_needed(self, file: str) -> Credential:
        credential = self._kept.get(file) or self._load(file)
        if credential is None:
            raise AuthorityError(
                f"{self._files.path / file} is missing.", hint="Restore `authority/` from a backup."
            )
        return credential

    def is_issued(self, serial: int) -> bool:
        """Say whether the issuing authority has issued a certificate with this serial number."""
        if serial not in self._known_serials and self._files.stamp(_issued_file(serial)):
            self._known_serials.add(serial)
        return serial in self._known_serials


def _issued_file(serial: int) -> str:
    return f"issued/{serial:x}.crt"


def file_stem(*parts: str) -> str:
    """Name a file after what may be any text: a readable beginning and a digest of the whole."""
    readable = "".join(char if char.isascii() and char.isalnum() else "-" for char in parts[0])
    digest = sha256("\0".join(parts).encode()).hexdigest()
    return f"{readable[:40]}-{digest[:16]}"
