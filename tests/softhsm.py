"""A folder of SoftHSM's tokens: keys made in them by OpenSC's tool, certificates from the development PKI.

SoftHSM reads the folder from SOFTHSM2_CONF when a process first calls it, so there is one folder a process,
and a test makes a token of its own where it does harm to it.
"""

import ctypes
import itertools
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from signing.pkcs11.address import parse_key_address
from signing.pkcs11.keys import PublicKey
from signing.pkcs11.pins import PinSource
from signing.pkcs11.thread import module_thread
from tests.signing_samples import now

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "7391-Zeven"
SO_PIN = "beheer-5082"
CONF = "SOFTHSM2_CONF"
# What OpenSC's tool calls the kinds of keys.
KINDS = {
    "RSA-2048": "rsa:2048",
    "RSA-3072": "rsa:3072",
    "RSA-4096": "rsa:4096",
    "P-256": "EC:secp256r1",
    "P-384": "EC:secp384r1",
    "Ed25519": "EC:edwards25519",
}
_labels = itertools.count()


@dataclass
class SoftToken:
    """A token with its PIN in a file; `store` is the folder in which SoftHSM keeps it."""

    folder: Path
    label: str
    store: Path
    pin: str = PIN
    keys: list[str] = field(default_factory=list)
    """Labels of those that `key_of_kind` has made so far."""

    @property
    def pin_file(self) -> Path:
        return self.folder / f"{self.label}.pin"

    def uri(self, label: str | None = None, *, key_id: str = "", pin_file: Path | None = None) -> str:
        """The URI of a key: by its label, or by its id in hexadecimal digits."""
        ids = "".join(f"%{key_id[at : at + 2]}" for at in range(0, len(key_id), 2))
        path = [f"token={quote(self.label)}", *([f"object={quote(label)}"] if label else [])]
        path += [f"id={ids}"] if ids else []
        pin_source = quote(str(pin_file or self.pin_file))
        return f"pkcs11:{';'.join(path)}?module-path={MODULE}&pin-source=file:{pin_source}"

    def make_key(self, kind: str, label: str, *, key_id: str = "", more: tuple[str, ...] = ()) -> None:
        ids = ("--id", key_id) if key_id else ()
        self.tool("--keypairgen", "--key-type", KINDS[kind], "--label", label, *ids, *more)

    def public_key(self, label: str) -> PublicKey:
        address = parse_key_address(self.uri(label))
        found = module_thread(MODULE).run_now(
            lambda tokens: tokens.searchable_key(address, PinSource(address.pin_file)).public_key(),
            timeout_s=30,
        )
        assert found is not None
        return found

    def write_certificate(self, certificate: x509.Certificate, label: str, *, key_id: str = "") -> None:
        file = self.folder / f"{self.label}-{label}.der"
        file.write_bytes(certificate.public_bytes(Encoding.DER))
        ids = ("--id", key_id) if key_id else ()
        self.tool("--write-object", file, "--type", "cert", "--label", label, *ids)

    def key_of_kind(self, kind: str, authority: DevelopmentAuthority, *, holder: str = "") -> str:
        """The label of a key of this kind with its certificate beside it, made when first asked for."""
        label = f"{holder} {kind}".strip()
        if label not in self.keys:
            number = f"{len(self.keys) + 0xA0:02x}"
            self.make_key(kind, label, key_id=number)
            certificate = authority.certify(
                holder or f"Token holder {kind}", self.public_key(label), now=now()
            )
            self.write_certificate(certificate, label, key_id=number)
            self.keys.append(label)
        return label

    def chain_file(self, authority: DevelopmentAuthority) -> Path:
        """What is above every certificate here."""
        file = self.folder / "chain.pem"
        above = (authority.issuing, authority.root)
        file.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in above))
        return file

    def tool(self, *words: str | Path) -> str:
        """Run OpenSC's tool on this token, logged in."""
        options = ["--module", MODULE, "--token-label", self.label, "--login", "--pin", "env:TOKEN_PIN"]
        return _run("pkcs11-tool", *options, *words, environ={"TOKEN_PIN": self.pin})


@dataclass(frozen=True)
class SoftHsm:
    """The folder of tokens that this process uses."""

    folder: Path

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens"

    @property
    def conf(self) -> Path:
        return self.folder / "softhsm2.conf"

    @classmethod
    def make(cls, folder: Path) -> "SoftHsm":
        made = cls(folder)
        made.tokens.mkdir(parents=True)
        made.conf.write_text(f"directories.tokendir = {made.tokens}\nlog.level = ERROR\n")
        return made

    def token(self, name: str = "token", *, label: str = "", pin: str = PIN) -> SoftToken:
        """A new token; its label begins with `name` unless a whole one is given."""
        label = label or f"{name} {next(_labels)}"
        before = set(self.tokens.iterdir())
        options = ["--free", "--label", label, "--pin", pin, "--so-pin", SO_PIN]
        _run("softhsm2-util", "--init-token", *options)
        [store] = set(self.tokens.iterdir()) - before
        made = SoftToken(self.folder, label, store, pin)
        made.pin_file.write_text(f"{pin}\n")
        return made


def close_every_session() -> None:
    """What somebody else in the process, or a device that starts anew, may do to us."""
    library = ctypes.CDLL(str(MODULE))
    count = ctypes.c_ulong()
    assert library.C_GetSlotList(1, None, ctypes.byref(count)) == 0
    slots = (ctypes.c_ulong * count.value)()
    assert library.C_GetSlotList(1, slots, ctypes.byref(count)) == 0
    for slot in slots:
        assert library.C_CloseAllSessions(ctypes.c_ulong(slot)) == 0


def end_module() -> None:
    """The module is as if nobody had ever initialised it."""
    assert ctypes.CDLL(str(MODULE)).C_Finalize(None) == 0


def _run(*command: str | Path, environ: dict[str, str] | None = None) -> str:
    # OpenSC's tool tells of each attribute that SoftHSM does not have; only its status counts.
    said = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environ or {})},
        timeout=60,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout
