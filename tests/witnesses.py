"""Outside witnesses of what we draw and sign: Poppler, OpenSSL, qpdf, veraPDF, EU DSS, ZBar.

None of them shares code with us.
What they are asked about is cut out of the file by its /ByteRange alone, without our reader or pyHanko.
"""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from asn1crypto import cms, parser
from PIL.Image import Image

VERAPDF = Path(__file__).parent / "witness" / "verapdf.sh"
EUDSS = Path(__file__).parent / "witness" / "eudss.sh"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"  # id-ct-TSTInfo, RFC 3161
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_POPPLER_FIELD = re.compile(r"^  - (.+?)(?:: (.*))?$")


@dataclass(frozen=True)
class Cut:
    """One signature or document timestamp as it lies in a file: the signed bytes and the CMS object."""

    covered: bytes
    cms_der: bytes
    end: int
    """Offset behind the last signed byte."""

    @property
    def signed_data(self) -> cms.SignedData:
        return cms.ContentInfo.load(self.cms_der)["content"]

    @property
    def is_timestamp(self) -> bool:
        return bool(self.signed_data["encap_content_info"]["content_type"].dotted == _TST_INFO)

    @property
    def value(self) -> bytes:
        """The signature value, which a signature timestamp covers."""
        return bytes(self.signed_data["signer_infos"][0]["signature"].native)

    @property
    def token(self) -> bytes | None:
        """The signature timestamp's token, as a ContentInfo."""
        for attribute in self.signed_data["signer_infos"][0]["unsigned_attrs"]:
            if attribute["type"].native == "signature_time_stamp_token":
                return bytes(attribute["values"][0].dump())
        return None

    @property
    def signer(self) -> Any:
        """The signer's certificate, which is named by issuer and serial number or by key."""
        wanted = self.signed_data["signer_infos"][0]["sid"]
        (found,) = {
            choice.chosen.dump(): choice.chosen  # one may be enclosed twice
            for choice in self.signed_data["certificates"]
            if (
                choice.chosen.key_identifier == wanted.chosen.native
                if wanted.name == "subject_key_identifier"
                else choice.chosen.serial_number == wanted.chosen["serial_number"].native
                and choice.chosen.issuer == wanted.chosen["issuer"]
            )
        }.values()
        return found


def scanned(page: Image, folder: Path) -> list[str]:
    """The texts of the QR codes on a page, as ZBar reads them."""
    path = folder / "page.png"
    page.save(path)
    command = ["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.splitlines()


def cuts(pdf: bytes) -> list[Cut]:
    """Every signature and document timestamp of a file, in the order in which they were made."""
    found = []
    for match in _BYTE_RANGE.finditer(pdf):
        start, first, second, last = map(int, match.groups())
        contents = bytes.fromhex(pdf[first + 1 : second - 1].decode())
        # Without the zeros behind it. Not load().dump(): asn1crypto 1.5.1 takes a length that ends in 0x80
        # for an indefinite one, and encodes anew for half a minute (its issues 249 and 256).
        cms_der = contents[: parser.peek(contents)]
        covered = pdf[start : start + first] + pdf[second : second + last]
        found.append(Cut(covered, cms_der, second + last))
    return sorted(found, key=lambda cut: cut.end)


def run(*command: str | Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)


@dataclass(frozen=True)
class OpenSsl:
    """OpenSSL's word on cuts; it trusts `root`, and works with files in `folder`."""

    folder: Path
    root: Path
    at: datetime | None = None
    """As of when certificates are to be valid; else now."""

    def faults(self, pdf: bytes) -> list[str]:
        """What OpenSSL holds against any signature or timestamp in a file."""
        return [fault for cut in cuts(pdf) for fault in self.faults_of(cut)]

    def faults_of(self, cut: Cut) -> list[str]:
        if cut.is_timestamp:
            return self._token(cut.cms_der, cut.covered)
        found = self._ed25519(cut) if _is_ed25519(cut) else self._cms(cut.cms_der, cut.covered)
        return found + (self._token(cut.token, cut.value) if cut.token is not None else [])

    def cms_command(self, cut: Cut) -> subprocess.CompletedProcess[str]:
        """`openssl cms -verify` with the check of the ESS signing certificate."""
        # The default purpose is S/MIME, which no certificate for signing documents is meant for.
        options = ["-cades", "-binary", "-inform", "DER", "-purpose", "any", "-out", "/dev/null"]
        files = ("-in", self._file("cms", cut.cms_der), "-content", self._file("content", cut.covered))
        return run("openssl", "cms", "-verify", *options, *files, "-CAfile", self.root, *self._as_of)

    @property
    def _as_of(self) -> tuple[str, ...]:
        return ("-attime", str(int(self.at.timestamp()))) if self.at else ()

    def _cms(self, cms_der: bytes, covered: bytes) -> list[str]:
        return _faults(self.cms_command(Cut(covered, cms_der, 0)), "CAdES Verification successful")

    def _ed25519(self, cut: Cut) -> list[str]:
        """The same in steps: chain, value over the signed attributes, digest in them.

        OpenSSL 3.0's `cms` refuses every Ed25519 signature, stock pyHanko's too, with "invalid digest".
        """
        info = cut.signed_data["signer_infos"][0]
        leaf = self._pem("signer.pem", [cut.signer])
        others = [each.chosen for each in cut.signed_data["certificates"] if each.chosen != cut.signer]
        untrusted = self._pem("untrusted.pem", others)
        chain = run("openssl", "verify", "-CAfile", self.root, "-untrusted", untrusted, *self._as_of, leaf)
        key = run("openssl", "x509", "-in", leaf, "-noout", "-pubkey").stdout.encode()
        value = run(
            *("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", self._file("key", key)),
            *("-in", self._file("attributes", info["signed_attrs"].untag().dump())),
            *("-sigfile", self._file("value", cut.value)),
        )
        digest = run("openssl", "dgst", "-r", "-sha512", self._file("content", cut.covered))
        (stated,) = (
            a["values"][0].native for a in info["signed_attrs"] if a["type"].native == "message_digest"
        )
        return [
            *_faults(chain, "signer.pem: OK"),
            *_faults(value, "Signature Verified Successfully"),
            *_faults(digest, stated.hex()),
        ]

    def _token(self, token: bytes, data: bytes) -> list[str]:
        files = ("-in", self._file("token", token), "-data", self._file("data", data))
        said = run("openssl", "ts", "-verify", "-token_in", *files, "-CAfile", self.root, *self._as_of)
        return _faults(said, "Verification: OK")

    def _file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def _pem(self, name: str, certificates: Sequence[Any]) -> Path:
        made = []
        for certificate in certificates:
            der = self._file("certificate.der", certificate.dump())
            made.append(run("openssl", "x509", "-inform", "DER", "-in", der).stdout)
        return self._file(name, "".join(made).encode())


def _is_ed25519(cut: Cut) -> bool:
    return bool(cut.signer.public_key.algorithm == "ed25519")


def _faults(said: subprocess.CompletedProcess[str], expected: str) -> list[str]:
    told = said.stdout + said.stderr
    return [] if said.returncode == 0 and expected in told else [told.strip() or f"exit {said.returncode}"]


@dataclass(frozen=True)
class Seen:
    """One signature as Poppler's pdfsig lists it."""

    field: str
    signer: str
    kind: str
    validation: str
    whole_file: bool


def poppler(path: Path) -> list[Seen]:
    """What pdfsig lists; without the certificates, for which it has a trust store of its own."""
    said = run("pdfsig", "-nocert", path)
    seen = []
    for block in said.stdout.split("\nSignature #")[1:]:
        rows = {row[1]: row[2] or "" for line in block.splitlines() if (row := _POPPLER_FIELD.match(line))}
        seen.append(
            Seen(
                field=rows["Signature Field Name"],
                signer=rows.get("Signer Certificate Common Name", ""),
                kind=rows.get("Signature Type", ""),
                validation=rows.get("Signature Validation", ""),
                whole_file="Total document signed" in rows,
            )
        )
    return seen


POPPLER_VALID = "Signature is Valid."
# What Poppler 22.12 says of every Ed25519 signature, stock pyHanko's too.
POPPLER_NO_ED25519 = "Document isn't signed or corrupted data."


def qpdf_faults(path: Path) -> str:
    """qpdf's errors and warnings; empty when it found none."""
    said = run("qpdf", "--check", path)
    return "" if said.returncode == 0 and not said.stderr else said.stdout + said.stderr


def verapdf(paths: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """veraPDF's verdict on each file against PDF/A-3b, in one run of its virtual machine."""
    said = run(VERAPDF, *paths)
    verdicts = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(verdicts) == len(paths), said.stderr
    return {Path(verdict["file"]): verdict for verdict in verdicts}
