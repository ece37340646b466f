"""The development PKI: a root, an issuing CA, people, seals, a TSA, OCSP and CRLs, kept in one folder.

It exists so that everything works before real certificates are there, and for tests. Its keys are random,
made on first use, and lie unencrypted in a folder that only its owner may read. Every subject says
"development".
"""

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ObjectIdentifier

from certs.authority_certificates import marked_name
from certs.authority_folder import AuthorityFolder
from certs.authority_issuing import PERSON_VALIDITY, Issuer, file_stem
from certs.authority_revocation import OcspAnswerer, Revocation, make_crl
from certs.authority_timestamps import StampMaker
from certs.errors import AuthorityError, AuthorityExists, AuthorityMissing
from certs.keystore import DOCUMENT_USAGES, Credential
from certs.loopback import free_base_url, split_base_url
from certs.trust import TrustStore

ORGANISATION: Final = "Example Municipality"
_SETTINGS: Final = "authority.json"
_REVOKED: Final = "revoked.json"
_FORMAT: Final = 1


class DevelopmentAuthority:
    """A development PKI in a folder; several processes may use the same folder at once.

    `now` is always an aware UTC datetime. Attributes: `folder`; `base_url`, which its certificates point to.
    """

    def __init__(self, folder: Path, *, base_url: str) -> None:
        self.folder = folder
        self.base_url = base_url
        self._files = AuthorityFolder(folder)
        self._issuer = Issuer(self._files, base_url=base_url)
        self._revocations: tuple[object, dict[int, Revocation]] = (None, {})

    @classmethod
    def create(cls, folder: Path, *, base_url: str, now: datetime) -> "DevelopmentAuthority":
        """Make a new PKI; `base_url` must be loopback, such as http://127.0.0.1:20333.

        Raises AuthorityExists when the folder holds one already, AuthorityError when it cannot be made.
        """
        split_base_url(base_url)
        files = AuthorityFolder(folder)
        files.make()
        with files.lock():
            if files.read(_SETTINGS) is not None:
                raise AuthorityExists(f"{folder} holds a development authority already.", hint="Open it.")
            authority = cls(folder, base_url=base_url)
            authority._issuer.found(now)
            # Last: a folder with this file is complete.
            files.write_json(_SETTINGS, {"format": _FORMAT, "base_url": base_url, "made_at": now.isoformat()})
        return authority

    @classmethod
    def open(cls, folder: Path) -> "DevelopmentAuthority":
        """Open an existing PKI; raises AuthorityMissing when there is none, AuthorityError when damaged."""
        settings = AuthorityFolder(folder).read_json(_SETTINGS)
        if settings is None:
            raise AuthorityMissing(
                f"There is no development authority in {folder}.", hint="Create one, or name its folder."
            )
        if settings.get("format") != _FORMAT or not isinstance(settings.get("base_url"), str):
            raise AuthorityError(
                f"{folder / _SETTINGS} is damaged.", hint="Restore `authority/` from a backup."
            )
        split_base_url(settings["base_url"])
        return cls(folder, base_url=settings["base_url"])

    @classmethod
    def open_or_create(
        cls, folder: Path, *, now: datetime, base_url: str | None = None
    ) -> "DevelopmentAuthority":
        """Open the folder's PKI, or make one; without `base_url` a new one takes a free loopback port."""
        try:
            return cls.open(folder)
        except AuthorityMissing:
            try:
                return cls.create(folder, base_url=base_url or free_base_url(), now=now)
            except AuthorityExists:  # another process was faster
                return cls.open(folder)

    @property
    def root(self) -> x509.Certificate:
        """The root certificate: the trust anchor."""
        return self._issuer.root.certificate

    @property
    def issuing(self) -> x509.Certificate:
        """The issuing authority's certificate."""
        return self._issuer.issuing.certificate

    @property
    def tsa(self) -> x509.Certificate:
        """The timestamp authority's certificate."""
        return self._issuer.tsa.certificate

    @property
    def ocsp_credential(self) -> Credential:
        """The delegated OCSP responder with its key."""
        return self._issuer.ocsp_responder

    @property
    def root_pem(self) -> bytes:
        """The root certificate in PEM, to hand to verifiers."""
        return self.root.public_bytes(Encoding.PEM)

    @property
    def root_sha256(self) -> str:
        """The fingerprint of the root certificate, in hexadecimal digits."""
        return self.root.fingerprint(SHA256()).hex()

    def own_key(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose of the office's own; it lies nowhere, but comes from the root's.

        Whoever has this folder has it. Source: RFC 5869.
        """
        root = self._issuer.root.private_key
        secret = root.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return HKDF(SHA256(), 32, salt=None, info=f"paraaf:{purpose}".encode()).derive(secret)

    @property
    def trust(self) -> TrustStore:
        """A trust store of this root, with the issuing certificate at hand."""
        return TrustStore(anchors=(self.root,), intermediates=(self.issuing,))

    @property
    def tsa_url(self) -> str:
        """Where timestamps are had, while the server runs."""
        return f"{self.base_url}/tsa"

    @property
    def ocsp_url(self) -> str:
        """Where OCSP answers are had, while the server runs."""
        return f"{self.base_url}/ocsp"

    def person(
        self, person_id: str, display_name: str, *, key_type: str = "P-256", now: datetime
    ) -> Credential:
        """Give a person's signing key and certificate: made on first use, anew after it expired.

        A person whose name changes gets another certificate. The certificate names the person and its id.
        """
        file = f"people/{file_stem(person_id, display_name)}.{key_type}.pem"
        subject = marked_name(display_name, user_id=person_id)
        return self._issuer.kept_or_made(file, display_name, subject, key_type, now)

    def seal(self, *, key_type: str = "P-256", organisation: str = ORGANISATION, now: datetime) -> Credential:
        """Give the organisation's seal: made on first use, anew after it expired."""
        file = f"seals/{file_stem(organisation)}.{key_type}.pem"
        subject = marked_name(organisation, organisation=organisation)
        return self._issuer.kept_or_made(file, organisation, subject, key_type, now)

    def issue(
        self,
        common_name: str,
        *,
        key_type: str = "P-256",
        now: datetime,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key_usage: frozenset[str] | None = DOCUMENT_USAGES,
        eku: tuple[ObjectIdentifier, ...] = (),
        with_revocation_urls: bool = True,
    ) -> Credential:
        """Issue a certificate of any kind without keeping its key; OCSP and CRL know it.

        `key_usage` holds names of cryptography's KeyUsage; None leaves the extension out.
        """
        contents = self._issuer.contents(
            marked_name(common_name),
            not_before or now,
            not_after or now + PERSON_VALIDITY,
            key_usage=key_usage,
            eku=eku,
            with_revocation_urls=with_revocation_urls,
        )
        return self._issuer.issue(common_name, contents, key_type)

    def certify(
        self, common_name: str, public_key: CertificatePublicKeyTypes, *, now: datetime
    ) -> x509.Certificate:
        """Issue a certificate for signing documents for a key that is elsewhere, in a token for instance.

        OCSP and CRL know it.
        """
        contents = self._issuer.contents(marked_name(common_name), now, now + PERSON_VALIDITY)
        return self._issuer.certify(contents, public_key)

    def revoke(self, serial: int, *, at: datetime, reason: str = "key_compromise") -> None:
        """Revoke a certificate by its serial number; a second time changes nothing.

        `reason` is a name of cryptography's ReasonFlags. Raises AuthorityError for a serial number that was
        never issued, and for an unknown reason.
        """
        if reason not in x509.ReasonFlags.__members__:
            raise AuthorityError(
                f"“{reason}” is no reason to revoke.",
                hint=f"One of {', '.join(x509.ReasonFlags.__members__)}.",
            )
        if not self._issuer.is_issued(serial) and serial != self.issuing.serial_number:
            raise AuthorityError(
                f"No certificate has the serial number {serial:x}.", hint="Check the number."
            )
        with self._files.lock():
            revoked = self._files.read_json(_REVOKED) or {}
            revoked.setdefault(f"{serial:x}", {"at": at.isoformat(), "reason": reason})
            self._files.write_json(_REVOKED, revoked)

    def revocations(self) -> dict[int, Revocation]:
        """Give what is revoked now, by serial number, as the folder has it."""
        stamp = self._files.stamp(_REVOKED)
        if stamp != self._revocations[0]:
            self._revocations = stamp, _parse_revocations(self._files.read_json(_REVOKED) or {})
        return self._revocations[1]

    def crl(self, issuer: Literal["issuing", "root"], now: datetime) -> bytes:
        """Write the CRL of the issuing authority or of the root, in DER."""
        credential = self._issuer.root if issuer == "root" else self._issuer.issuing
        own = {
            serial: revocation
            for serial, revocation in self.revocations().items()
            if (serial == self.issuing.serial_number) == (issuer == "root")
        }
        return make_crl(credential.certificate, credential.private_key, now, own)

    def ocsp(self, request_der: bytes, now: datetime) -> bytes:
        """Answer an OCSP request, in DER; what is no request gets malformedRequest."""
        return self._ocsp_answerer.respond(
            request_der, now, is_issued=self._issuer.is_issued, revocations=self.revocations()
        )

    def timestamp(self, request_der: bytes, now: datetime) -> bytes:
        """Answer an RFC 3161 request, in DER; what cannot be granted gets a rejection with its reason."""
        return self.stamp_maker.respond(request_der, now)

    @cached_property
    def stamp_maker(self) -> StampMaker:
        """The timestamp authority with its key loaded."""
        return self.stamp_maker_for(self._issuer.tsa)

    def stamp_maker_for(self, credential: Credential) -> StampMaker:
        """Make a timestamp authority with another P-256 credential of this PKI."""
        private_key = credential.private_key
        if not isinstance(private_key, EllipticCurvePrivateKey):
            raise AuthorityError(
                f"{credential.name} has no P-256 key.", hint="Timestamps are made with P-256."
            )
        return StampMaker(private_key, credential.certificate, (self.issuing,))

    @cached_property
    def _ocsp_answerer(self) -> OcspAnswerer:
        return OcspAnswerer(self._issuer.ocsp_responder, self.issuing)


def _parse_revocations(revoked: dict[str, Any]) -> dict[int, Revocation]:
    try:
        return {
            int(serial, 16): Revocation(
                datetime.fromisoformat(entry["at"]), x509.ReasonFlags[entry["reason"]]
            )
            for serial, entry in revoked.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise AuthorityError(f"{_REVOKED} is damaged.", hint="Restore `authority/` from a backup.") from error
