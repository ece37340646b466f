"""Lead a certificate to a pinned trust anchor, and remember the way.

Paths are the same for thousands of documents, so each is found and verified once; only its time window is
looked at again. Source: RFC 5280, 6.1, without name constraints and policy mapping: a certificate with a
critical extension that is not handled here is refused, as the RFC asks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from certs.der import DerError
from certs.trust import TrustStore
from signing.errors import ChainError
from signing.signed_data import load_certificate

_LONGEST_PATH = 8
_HANDLED = frozenset(
    (
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
        x509.CertificatePolicies.oid,
        x509.SubjectAlternativeName.oid,
    )
)


@dataclass(frozen=True)
class Path:
    """A verified way from a certificate to an anchor, both included, leaf first (DER), and when it holds."""

    certificates: tuple[bytes, ...]
    not_before: datetime
    not_after: datetime

    @property
    def links(self) -> tuple[tuple[bytes, bytes], ...]:
        """Each certificate but the anchor, with its issuer: those that need a revocation answer."""
        return tuple(zip(self.certificates, self.certificates[1:], strict=False))


class PinnedChains:
    """Finds paths to the anchors of one trust store; keeps them for the life of the process."""

    def __init__(self, trust: TrustStore) -> None:
        self._anchors = frozenset(_der(anchor) for anchor in trust.anchors)
        self._pool = tuple(trust.anchors) + tuple(trust.intermediates)
        self._paths: dict[bytes, Path] = {}

    def path(self, cert_der: bytes, *, extra: Iterable[bytes] = (), at: datetime, whose: str) -> Path:
        """Return the path of a certificate, valid at `at`; `extra` are certificates that came with it.

        `whose` names the certificate in the message. Raises ChainError.
        """
        path = self._paths.get(cert_der)
        if path is None:
            path = self._find(cert_der, [*self._pool, *_readable(extra)], whose)
            self._paths[cert_der] = path
        if not path.not_before <= at <= path.not_after:
            raise ChainError(
                f"The certificate of {whose}, or one above it, is not valid at {at:%Y-%m-%d %H:%M} UTC: "
                f"the chain holds from {path.not_before:%Y-%m-%d %H:%M} to {path.not_after:%Y-%m-%d %H:%M}.",
                hint="Renew the certificate, or check the clock.",
            )
        return path

    def _find(self, cert_der: bytes, candidates: list[x509.Certificate], whose: str) -> Path:
        try:
            found = self._climb([load_certificate(cert_der)], candidates)
        except DerError as error:
            raise ChainError(f"The certificate of {whose} can't be read: {error}.") from error
        if found is None:
            raise ChainError(
                f"The certificate of {whose} does not lead to a pinned trust anchor.",
                hint="Add the authority's root, and what stands between, to the trust folder if trusted.",
            )
        return Path(
            certificates=tuple(_der(each) for each in found),
            not_before=max(each.not_valid_before_utc for each in found),
            not_after=min(each.not_valid_after_utc for each in found),
        )

    def _climb(
        self, so_far: list[x509.Certificate], candidates: list[x509.Certificate]
    ) -> list[x509.Certificate] | None:
        last = so_far[-1]
        if _der(last) in self._anchors:
            return so_far
        if len(so_far) >= _LONGEST_PATH or not _handled(last):
            return None
        for issuer in candidates:
            if (
                issuer.subject == last.issuer
                and issuer not in so_far
                and _may_issue(issuer, last, len(so_far) - 1)
            ):
                found = self._climb([*so_far, issuer], candidates)
                if found is not None:
                    return found
        return None


def _may_issue(issuer: x509.Certificate, subject: x509.Certificate, authorities_below: int) -> bool:
    """Whether the issuer is an authority, allowed this deep a path, and really signed the subject."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        subject.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    deep_enough = constraints.path_length is None or constraints.path_length >= authorities_below
    return constraints.ca and usage.key_cert_sign and deep_enough


def _handled(certificate: x509.Certificate) -> bool:
    try:
        return all(not each.critical or each.oid in _HANDLED for each in certificate.extensions)
    except ValueError:
        return False


def _readable(certificates: Iterable[bytes]) -> list[x509.Certificate]:
    found = []
    for cert_der in certificates:
        try:
            found.append(load_certificate(cert_der))
        except DerError:
            continue  # a certificate that nobody can read simply leads nowhere
    return found


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
