"""Keys of an organisation's own, in files: another development PKI plays the authority that issued them."""

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential

PASSPHRASE = b"four words of sample"


def write_key(folder: Path, name: str, credential: Credential) -> str:
    """Write a key as NAME.pem with NAME.pass beside it; the table that names them, for `signing.toml`."""
    private = credential.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE)
    )
    certificates = (credential.certificate, *credential.chain)
    (folder / f"{name}.pem").write_bytes(
        private + b"".join(one.public_bytes(Encoding.PEM) for one in certificates)
    )
    (folder / f"{name}.pass").write_bytes(PASSPHRASE + b"\n")
    return f'[signers.{name}]\ntype = "file"\nkey = "{name}.pem"\npassphrase_file = "{name}.pass"\n'


def own_key(
    folder: Path,
    authority: DevelopmentAuthority,
    name: str,
    *,
    begins: datetime,
    ends: datetime,
    key_type: str = "P-256",
) -> str:
    """Issue a key, write it, and give its table; the authority's root goes to the folder `trust`."""
    (folder / "trust").mkdir(exist_ok=True)
    (folder / "trust" / "root.pem").write_bytes(authority.root_pem)
    credential = authority.issue(
        f"Seal {name}", key_type=key_type, now=begins, not_before=begins, not_after=ends
    )
    return write_key(folder, name, credential)
