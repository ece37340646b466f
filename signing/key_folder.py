"""The folder `keys` beside `signing.toml`: keys that were made here, the requests for their certificates, and
what was issued.

    NAME.key    the private key, encrypted (PKCS#8); none for a key in a token
    NAME.pass   its passphrase, where that was made here too
    NAME.csr    the request
    NAME.toml   the table [signers.NAME] for `signing.toml`
    NAME.pem    the certificate and those above it, once it is issued
    retired/NAME.pem    the same of a signer that was taken out

Keys and passphrases are for their owner alone. Nothing here is ever overwritten or removed.
"""

import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import tomlkit
from asn1crypto import x509 as asn1_x509
from asn1crypto.algos import SignedDigestAlgorithm
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat as Form

from certs.errors import UNREADABLE, KeystoreError
from certs.keys import generate_key
from certs.keystore import build_chain, common_name, load_certificates, require_usable
from certs.trust import TrustStore
from disk import read_file, whole_file
from signing.certificate_errors import (
    CertificateForeignError,
    CertificateRequestError,
    KeyThereError,
    RequestMissingError,
)
from signing.certificate_requests import make_request
from signing.chains import PinnedChains
from signing.checked_toml import CheckedTable
from signing.errors import CertificateUnusableError, ChainError, KeyAddressError
from signing.opening import open_signer
from signing.organisation import KeyInFile, KeyInToken, key_source
from signing.pkcs11.address import parse_key_address
from signing.pkcs11.making import make_key
from signing.signers import mechanism_of, sign_with_key
from signing.verify.strength import Means, ends_at

FOLDER: Final = "keys"
RETIRED: Final = "retired"
KEY_TYPES: Final = ("P-256", "P-384", "RSA-3072", "RSA-4096", "Ed25519")
"""Those that may be asked for: what no catalogue lets end soon."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PASSPHRASE_BYTES: Final = 32
_KEY, _PASS, _CSR, _TABLE, _PEM = ".key", ".pass", ".csr", ".toml", ".pem"
_PUBLIC: Final = 0o644


@dataclass(frozen=True)
class Accepted:
    """An issued certificate that belongs to its key, and the way up to the anchor, which is the last.

    `ends_early`: when an algorithm is no longer good enough, where that is before the certificate ends.
    `unneeded`: what else was given, and is not on that way.
    """

    certificate: x509.Certificate
    path: tuple[x509.Certificate, ...]
    ends_early: datetime | None
    unneeded: tuple[x509.Certificate, ...]

    @property
    def pem(self) -> bytes:
        """The certificate and those above it, without the anchor."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in self.path[:-1] or self.path)


class KeyFolder:
    """The keys of one `signing.toml`."""

    def __init__(self, signing: Path) -> None:
        self._beside = signing.parent
        self.folder = signing.parent / FOLDER

    def file(self, name: str, suffix: str = _PEM) -> Path:
        """Where a file of a signer is. Raises CertificateRequestError for what is no name."""
        if not _NAME.fullmatch(name):
            raise CertificateRequestError(
                f"“{name[:80]}” is no name for a signer.",
                hint="Use letters, digits, - and _, such as seal-2027: files are called so.",
            )
        return self.folder / f"{name}{suffix}"

    # Asking

    def require_free(self, name: str) -> None:
        """Refuse a name under which anything is kept. Raises KeyThereError."""
        for suffix in (_KEY, _PASS, _CSR, _TABLE, _PEM):
            if (file := self.file(name, suffix)).exists():
                raise KeyThereError(f"{file} is there already.", hint="Choose another name for the new key.")

    def request_in_file(
        self, name: str, kind: str, subject: x509.Name, *, passphrase_file: Path | None
    ) -> bytes:
        """Make a key in a file, encrypted, and the request for its certificate, which is given (PEM).

        Without a `passphrase_file` a random passphrase is written beside the key.
        Raises KeyThereError, KeystoreError, CertificateRequestError, OSError; no key is left then.
        """
        self.require_free(name)
        key = generate_key(kind)
        request = make_request(subject, key.public_key(), partial(sign_with_key, key))
        said_file = passphrase_file or self.file(name, _PASS)
        passphrase = _read_passphrase(passphrase_file) if passphrase_file else _new_passphrase()
        encryption = BestAvailableEncryption(passphrase)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        self._make()
        if passphrase_file is None:
            _write_new(said_file, passphrase + b"\n")
        _write_new(self.file(name, _KEY), pem)
        self._keep(
            name,
            request,
            type="file",
            key=self._said(self.file(name, _KEY)),
            passphrase_file=self._said(said_file),
        )
        return request

    def request_in_token(
        self, name: str, kind: str, subject: x509.Name, *, uri: str, pin_file: Path | None
    ) -> bytes:
        """Make a key in a token, and the request for its certificate, which is given (PEM).

        Raises KeyThereError, CertificateRequestError, OSError, and what `make_key` does.
        """
        self.require_free(name)
        if pin_file is not None and parse_key_address(uri).pin_file is not None:
            raise KeyAddressError(
                "The PIN's file is named twice: in the URI (pin-source), and beside it.",
                hint="Leave one out.",
            )
        self._make()
        made = make_key(uri, kind, pin_file=pin_file)
        request = make_request(subject, made.public_key, made.sign)
        pin = {"pin_file": self._said(pin_file)} if pin_file is not None else {}
        self._keep(name, request, type="pkcs11", uri=made.uri, **pin)
        return request

    def _make(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def _keep(self, name: str, request: bytes, **table: str) -> None:
        table["chain"] = self._said(self.file(name))
        _write_new(self.file(name, _TABLE), tomlkit.dumps(table).encode(), mode=_PUBLIC)
        _write_new(self.file(name, _CSR), request, mode=_PUBLIC)

    def _said(self, path: Path) -> str:
        """A path as `signing.toml` says it: from its own folder where it is in there."""
        here, there = os.path.abspath(self._beside), os.path.abspath(path)  # noqa: PTH100 (links stay)
        return os.path.relpath(there, here) if there.startswith(f"{here}{os.sep}") else there

    # What was issued

    def table(self, name: str) -> dict[str, str]:
        """The signer's table for `signing.toml`. Raises RequestMissingError, OSError."""
        file = self.file(name, _TABLE)
        if not file.exists():
            raise RequestMissingError(
                f"No key called {name} was made here: there is no {file}.",
                hint="Make one, and the request for its certificate, with `paraaf certs request`.",
            )
        return tomllib.loads(read_file(file).decode())

    def accept(
        self, name: str, given: Sequence[x509.Certificate], *, trust: TrustStore, now: datetime
    ) -> Accepted:
        """Look at what an authority issued for a key; `given` is all that it sent, in any order.

        A certificate that begins later is taken. Raises RequestMissingError, CertificateForeignError,
        ChainError (which certificate is missing), CertificateUnusableError (a weak algorithm), CertsProblem
        for one that has ended or must not sign documents, and what the key that can't be opened does.
        """
        table = self.table(name)
        certificate = _own(self._request(name), given, name)
        at = max(now, certificate.not_valid_before_utc)
        require_usable(certificate, now=at)
        path = _path(certificate, given, trust, at=at)
        end = _good_until(path)
        if end <= at:
            raise CertificateUnusableError(
                f"What the certificate of {common_name(certificate)} rests on is too weak to prove anything.",
                hint="Have it issued with SHA-256 or longer, by an authority with keys of 2048 bits or more.",
            )
        ends_early = end if end < certificate.not_valid_after_utc else None
        unneeded = tuple(one for one in dict.fromkeys(given) if one not in path)
        accepted = Accepted(certificate, path, ends_early, unneeded)
        self._require_opens(name, table, accepted)
        return accepted

    def keep_issued(self, name: str, accepted: Accepted) -> Path:
        """Write the certificate and those above it beside the key; the same once more is nothing new.

        Raises KeyThereError for another one, OSError.
        """
        file = self.file(name)
        if file.exists() and read_file(file) == accepted.pem:
            return file
        _write_new(file, accepted.pem, mode=_PUBLIC)
        return file

    def keep_retired(self, name: str, certificates: Iterable[x509.Certificate]) -> Path:
        """Keep a signer's certificates for the record. Raises KeyThereError, OSError."""
        folder = self.folder / RETIRED
        self._make()
        folder.mkdir(mode=0o700, exist_ok=True)
        file, pem = folder / f"{name}{_PEM}", b"".join(one.public_bytes(Encoding.PEM) for one in certificates)
        if not (file.exists() and read_file(file) == pem):
            _write_new(file, pem, mode=_PUBLIC)
        return file

    def retired(self) -> dict[str, list[x509.Certificate]]:
        """The certificates of signers that were taken out, by name. Raises KeystoreError."""
        files = sorted((self.folder / RETIRED).glob(f"*{_PEM}"))
        return {file.stem: load_certificates(file) for file in files}

    def waiting(self, known: Iterable[str]) -> list[str]:
        """The names of keys that were made here and are not among the signers `known`, nor retired."""
        made = {file.stem for file in self.folder.glob(f"*{_TABLE}")}
        return sorted(made - set(known) - {file.stem for file in (self.folder / RETIRED).glob(f"*{_PEM}")})

    def _request(self, name: str) -> x509.CertificateSigningRequest:
        file = self.file(name, _CSR)
        try:
            return x509.load_pem_x509_csr(read_file(file))
        except (OSError, *UNREADABLE) as error:
            raise RequestMissingError(
                f"The request {file} can't be read.", hint="Put it back: a copy went to the authority."
            ) from error

    def _require_opens(self, name: str, table: dict[str, str], accepted: Accepted) -> None:
        """Open the key with the certificate, as a worker will: it has to be this key's. Raises as that."""
        checked = CheckedTable(str(self._beside / "signing.toml"), table, place=f"signers.{name}")
        source = key_source(checked)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".") as place:
            chain = Path(place) / self.file(name).name
            chain.write_bytes(accepted.pem)
            if isinstance(source, KeyInFile | KeyInToken):
                open_signer(replace(source, chain=chain))


def _new_passphrase() -> bytes:
    return secrets.token_urlsafe(_PASSPHRASE_BYTES).encode()


def _read_passphrase(file: Path) -> bytes:
    try:
        passphrase = read_file(file).rstrip(b"\r\n")
    except OSError as error:
        raise KeystoreError(
            f"{file} cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from error
    if not passphrase:
        raise KeystoreError(f"{file} holds no passphrase.", hint="Write one into it, in one line.")
    return passphrase


def _write_new(file: Path, content: bytes, *, mode: int = 0o600) -> None:
    try:
        with whole_file(file, mode=mode) as opened:
            opened.write(content)
    except FileExistsError:
        raise KeyThereError(
            f"{file} is there already.", hint="Choose another name for the new key."
        ) from None


def _own(
    request: x509.CertificateSigningRequest, given: Sequence[x509.Certificate], name: str
) -> x509.Certificate:
    """The certificate for the key of a request; of several that which ends last."""
    spki = request.public_key().public_bytes(Encoding.DER, Form.SubjectPublicKeyInfo)
    own = [one for one in given if _spki(one) == spki]
    if not own:
        named = "; ".join(common_name(one) for one in given)
        raise CertificateForeignError(
            f"None of the certificates is for the key {name}: they name {named}.",
            hint="Give the one that was issued for its request.",
        )
    return max(own, key=lambda one: one.not_valid_after_utc)


def _spki(certificate: x509.Certificate) -> bytes:
    """The certificate's key in DER; nothing for one of a kind that nobody here knows."""
    try:
        return certificate.public_key().public_bytes(Encoding.DER, Form.SubjectPublicKeyInfo)
    except UNREADABLE:
        return b""


def _path(
    certificate: x509.Certificate, given: Sequence[x509.Certificate], trust: TrustStore, *, at: datetime
) -> tuple[x509.Certificate, ...]:
    """The way up to an anchor. Raises ChainError naming the first certificate that is missing."""
    extra = [one.public_bytes(Encoding.DER) for one in given]
    der, whose = certificate.public_bytes(Encoding.DER), common_name(certificate)
    try:
        path = PinnedChains(trust).path(der, extra=extra, at=at, whose=whose)
    except ChainError as error:
        last = (certificate, *build_chain(certificate, (*given, *trust.intermediates)))[-1]
        own = last.issuer == last.subject
        missing = "is not among the roots that are trusted" if own else "is missing"
        raise ChainError(
            f"{error} The certificate of {last.issuer.rfc4514_string()} {missing}.",
            hint="Give those between with --chain; put a root that you trust into the folder that"
            " signing.toml names.",
        ) from error
    return tuple(x509.load_der_x509_certificate(one) for one in path.certificates)


def _good_until(path: Sequence[x509.Certificate]) -> datetime:
    """Until when a signature with the first certificate proves anything."""
    mechanism = mechanism_of(path[0].public_key())
    algorithm = SignedDigestAlgorithm.load(mechanism.signature_identifier)
    certificates = [asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in path]
    return ends_at(Means(mechanism.digest_algorithm, algorithm), certificates)
