"""What can go wrong with keys, certificates, trust and the development authority."""

from datetime import datetime
from typing import ClassVar, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from certs.evidence import RevocationEvidence
from problem import Problem

# What cryptography raises over bytes that it cannot read: at loading, or at the first look at a part.
UNREADABLE: Final = (
    ValueError,
    TypeError,
    NotImplementedError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class CertsProblem(Problem):
    """Base of every error of this package."""

    code: ClassVar[str] = "certs"


class KeystoreError(CertsProblem):
    """A key file cannot be opened or used; the message names the file."""

    code: ClassVar[str] = "certs-keystore"


class WrongPassphrase(KeystoreError):
    """The passphrase does not open the key file."""

    code: ClassVar[str] = "certs-wrong-passphrase"


class KeyMismatch(KeystoreError):
    """The private key does not belong to the certificate."""

    code: ClassVar[str] = "certs-key-mismatch"


class UnsupportedKey(KeystoreError):
    """The key's algorithm, curve or size is none that this application signs with."""

    code: ClassVar[str] = "certs-unsupported-key"


class WeakKey(UnsupportedKey):
    """The key is too short to give evidence."""

    code: ClassVar[str] = "certs-weak-key"


class CertificateExpired(CertsProblem):
    """The certificate's validity has ended."""

    code: ClassVar[str] = "certs-expired"


class CertificateNotYetValid(CertsProblem):
    """The certificate's validity has not begun."""

    code: ClassVar[str] = "certs-not-yet-valid"


class KeyUsageMissing(CertsProblem):
    """The certificate does not say that its key may sign documents."""

    code: ClassVar[str] = "certs-key-usage-missing"


class TrustError(CertsProblem):
    """A file of trust anchors or revocation lists cannot be read; the message names the file."""

    code: ClassVar[str] = "certs-trust"


class RevocationUnavailable(CertsProblem):
    """No valid answer says whether the certificate is revoked; the message lists every source's reason."""

    code: ClassVar[str] = "certs-revocation-unavailable"


class CertificateRevoked(CertsProblem):
    """The certificate is revoked; `evidence` holds the answer that says so."""

    code: ClassVar[str] = "certs-revoked"

    def __init__(self, message: str, *, hint: str = "", evidence: RevocationEvidence) -> None:
        super().__init__(message, hint=hint)
        self.evidence = evidence

    @property
    def revoked_at(self) -> datetime | None:
        """The moment of revocation as the answer states it."""
        return self.evidence.revoked_at


class AuthorityError(CertsProblem):
    """The development authority's folder cannot be used, or was asked for something it does not make."""

    code: ClassVar[str] = "certs-authority"


class AuthorityMissing(AuthorityError):
    """The folder holds no development authority."""

    code: ClassVar[str] = "certs-authority-missing"


class AuthorityExists(AuthorityError):
    """The folder holds a development authority already."""

    code: ClassVar[str] = "certs-authority-exists"


class AuthorityServerError(AuthorityError):
    """The development authority's HTTP server cannot start, or does not answer."""

    code: ClassVar[str] = "certs-authority-server"
