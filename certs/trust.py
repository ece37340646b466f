"""What a verifier trusts: roots, certificates below them, and revocation lists, read from files."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import UNREADABLE, TrustError
from certs.keystore import is_issued_by

if TYPE_CHECKING:
    from certs.trusted_lists import TrustedLists

SUFFIXES: Final = frozenset({".pem", ".crt", ".cer", ".der", ".crl"})
_BLOCK: Final = re.compile(
    rb"-----BEGIN (CERTIFICATE|X509 CERTIFICATE|X509 CRL)-----.*?-----END \1-----", re.DOTALL
)


@dataclass(frozen=True)
class TrustStore:
    """Trust anchors (self-signed), other certificates that help to build chains, and CRLs in DER; and what
    trusted lists say, where there are any.
    """

    anchors: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    lists: "TrustedLists | None" = None

    def __or__(self, other: "TrustStore") -> "TrustStore":
        """Both together; the trusted lists are the first that there are."""
        return TrustStore(
            anchors=tuple(dict.fromkeys((*self.anchors, *other.anchors))),
            intermediates=tuple(dict.fromkeys((*self.intermediates, *other.intermediates))),
            crls=tuple(dict.fromkeys((*self.crls, *other.crls))),
            lists=self.lists or other.lists,
        )


def load_trust(paths: Sequence[Path]) -> TrustStore:
    """Read a trust store from files and folders.

    A folder gives its files ending in .pem, .crt, .cer, .der or .crl (not those of folders below it). A
    self-signed certificate becomes an anchor. No paths give an empty store.
    Raises TrustError naming the path that is unreadable or empty, or when the paths hold no anchor at all.
    """
    found = [item for path in paths for file in _files(path) for item in _items(file)]
    certificates = list(dict.fromkeys(item for item in found if isinstance(item, x509.Certificate)))
    anchors = tuple(certificate for certificate in certificates if is_issued_by(certificate, certificate))
    if paths and not anchors:
        raise TrustError(
            f"No trust anchor in {', '.join(map(str, paths))}.",
            hint="Add the root: a certificate that is signed by itself.",
        )
    return TrustStore(
        anchors=anchors,
        intermediates=tuple(certificate for certificate in certificates if certificate not in anchors),
        crls=tuple(dict.fromkeys(item for item in found if isinstance(item, bytes))),
    )


def certificates_in(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM or DER file, or of a folder of them. Raises TrustError naming the path."""
    return [item for file in _files(path) for item in _items(file) if isinstance(item, x509.Certificate)]


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    except OSError as error:
        raise _unreadable(path, error) from error
    if not files:
        raise TrustError(
            f"{path} holds no certificates.", hint=f"It needs files ending in {', '.join(sorted(SUFFIXES))}."
        )
    return files


def _items(file: Path) -> Iterator[x509.Certificate | bytes]:
    """Give the certificates, and CRLs as DER, of one PEM or DER file."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _unreadable(file, error) from error
    try:
        blocks = [match.group(0) for match in _BLOCK.finditer(data)]
        if blocks:
            yield from map(_pem_item, blocks)
        else:
            yield _der_item(data)
    except UNREADABLE as error:
        raise TrustError(
            f"{file} holds no readable certificate or revocation list.", hint="PEM and DER files are read."
        ) from error


def _pem_item(block: bytes) -> x509.Certificate | bytes:
    if b"BEGIN X509 CRL" in block:
        return x509.load_pem_x509_crl(block).public_bytes(Encoding.DER)
    return x509.load_pem_x509_certificate(block)


def _der_item(data: bytes) -> x509.Certificate | bytes:
    try:
        return x509.load_der_x509_certificate(data)
    except UNREADABLE:
        return x509.load_der_x509_crl(data).public_bytes(Encoding.DER)


def _unreadable(path: Path, error: OSError) -> TrustError:
    return TrustError(f"{path} cannot be read: {error.strerror}.", hint="Check the path and its permissions.")
