"""Lead a certificate to a pinned trust anchor, and remember the way.

Paths are the same for thousands of documents, so each is found and verified once; only its time window is
looked at again. Source: RFC 5280, 6.1, without name constraints and policy mapping: a certificate with a
critical extension that is not handled here is refused, as the RFC asks.
"""

from collections.abc import Iterable, Mapping, Sequence
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
_CHECKS_MAX = 500  # an honest way needs a handful
_HANDLED = frozenset(
    (
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
        x509.CertificatePolicies.oid,
        x509.SubjectAlternativeName.oid,
    )
)


_Pool = Mapping[x509.Name, Sequence[x509.Certificate]]  # by their subjects: of trusted lists come thousands


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
        self._pool = _by_subject((*trust.anchors, *trust.intermediates))
        self._paths: dict[bytes, Path] = {}

    def path(self, cert_der: bytes, *, extra: Iterable[bytes] = (), at: datetime, whose: str) -> Path:
        """Return the path of a certificate, valid at `at`; `extra` are certificates that came with it.

        `whose` names the certificate in the message. Raises ChainError.
        """
        path = self.way(cert_der, extra=extra, whose=whose)
        if not path.not_before <= at <= path.not_after:
            raise ChainError(
                f"The certificate of {whose}, or one above it, is not valid at {at:%Y-%m-%d %H:%M} UTC: "
                f"the chain holds from {path.not_before:%Y-%m-%d %H:%M} to {path.not_after:%Y-%m-%d %H:%M}.",
                hint="Renew the certificate, or check the clock.",
            )
        return path

    def way(self, cert_der: bytes, *, extra: Iterable[bytes] = (), whose: str) -> Path:
        """As `path`, whenever it is valid. Raises ChainError."""
        path = self._paths.get(cert_der)
        if path is None:
            path = self._find(cert_der, _readable(extra), whose)
            self._paths[cert_der] = path
        return path

    def _find(self, cert_der: bytes, extra: list[x509.Certificate], whose: str) -> Path:
        try:
            found = _Climb(self._anchors, self._pool, extra, whose).way([load_certificate(cert_der)])
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


class _Climb:
    """Looks for a way up to an anchor among candidates.

    What led nowhere is not tried again, and checks of signatures are counted: hostile certificates of one
    name and key would lead to each other in more ways than can be tried.
    """

    def __init__(
        self, anchors: frozenset[bytes], pool: _Pool, extra: Iterable[x509.Certificate], whose: str
    ) -> None:
        self._anchors = anchors
        self._pools = (pool, _by_subject(extra))
        self._whose = whose
        self._nowhere: set[tuple[bytes, int]] = set()
        self._checks = 0

    def way(self, so_far: list[x509.Certificate]) -> list[x509.Certificate] | None:
        """The way on from the last of `so_far`, with those before it, if there is one. Raises ChainError."""
        last = so_far[-1]
        own = _der(last)
        if own in self._anchors:
            return so_far
        if len(so_far) >= _LONGEST_PATH or not _handled(last) or (own, len(so_far)) in self._nowhere:
            return None
        self._nowhere.add((own, len(so_far)))
        for issuer in self._named(last.issuer):
            if issuer not in so_far and self._issued(issuer, so_far):
                found = self.way([*so_far, issuer])
                if found is not None:
                    return found
        return None

    def _named(self, subject: x509.Name) -> Iterable[x509.Certificate]:
        """The candidates of a name, each once; those at hand come first."""
        return dict.fromkeys(each for pool in self._pools for each in pool.get(subject, ()))

    def _issued(self, issuer: x509.Certificate, so_far: list[x509.Certificate]) -> bool:
        self._checks += 1
        if self._checks > _CHECKS_MAX:
            raise ChainError(
                f"The certificate of {self._whose} comes with more certificates than can be tried.",
                hint="Do not trust it: an honest one needs a handful.",
            )
        return _may_issue(issuer, so_far[-1], len(so_far) - 1)


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


def _by_subject(certificates: Iterable[x509.Certificate]) -> _Pool:
    found: dict[x509.Name, list[x509.Certificate]] = {}
    for each in certificates:
        found.setdefault(each.subject, []).append(each)
    return found


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
