"""`paraaf sign`: any PDF, with a key from a file or the development authority; whole, or not at all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from PIL import ImageChops
from pypdfium2 import PdfDocument
from reportlab.pdfgen.canvas import Canvas

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from certs.serve_authority import AuthorityServer
from tests.command_line import Said, Terminal

SECRET = b"correct horse"


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path / "data", capsys)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    file = tmp_path / "letter.pdf"
    canvas = Canvas(str(file), invariant=True)
    canvas.drawString(72, 720, "A letter from somebody else's program.")
    canvas.save()
    return file


@pytest.fixture(scope="module")
def credential(authority: DevelopmentAuthority) -> Credential:
    return authority.person("letter-writer", "L. Voorbeeld", now=datetime.now(UTC))


class Keys:
    """The files of one key, as an office would have them."""

    def __init__(self, folder: Path, credential: Credential, authority: DevelopmentAuthority) -> None:
        self.folder = folder
        self.credential = credential
        self.trust = self._file("root.pem", authority.root_pem)
        self.passphrase = self._file("passphrase", SECRET + b"\n")

    def profile(self, level: str, tsa_url: str) -> Path:
        stamped = f'timestampers = ["{tsa_url}"]\n' if level != "B-B" else ""
        return self._file("office.toml", f'kind = "person"\nlevel = "{level}"\n{stamped}'.encode())

    def pkcs12(self) -> list[str | Path]:
        bundle = serialize_key_and_certificates(
            b"key",
            self.credential.private_key,
            self.credential.certificate,
            self.credential.chain,
            BestAvailableEncryption(SECRET),
        )
        return ["--key", self._file("key.p12", bundle), "--passphrase-file", self.passphrase]

    def pem(self) -> list[str | Path]:
        return [
            "--key",
            self._file("key.pem", self._key(NoEncryption())),
            "--chain",
            self._chain(self._all()),
        ]

    def combined_pem(self) -> list[str | Path]:
        content = self._key(BestAvailableEncryption(SECRET)) + self._all()[0]
        chain = self._chain(self._all()[1:])
        key = self._file("both.pem", content)
        return ["--key", key, "--chain", chain, "--passphrase-file", self.passphrase]

    def _all(self) -> list[bytes]:
        certificates = (self.credential.certificate, *self.credential.chain)
        return [certificate.public_bytes(Encoding.PEM) for certificate in certificates]

    def _chain(self, parts: list[bytes]) -> Path:
        return self._file("chain.pem", b"".join(parts))

    def _key(self, encryption: KeySerializationEncryption) -> bytes:
        return self.credential.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def _file(self, name: str, content: bytes) -> Path:
        (self.folder / name).write_bytes(content)
        return self.folder / name


@pytest.fixture
def keys(
    tmp_path: Path, credential: Credential, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> Keys:
    folder = tmp_path / "keys"
    folder.mkdir()
    return Keys(folder, credential, authority)


def refused(said: Said, folder: Path, *names: str) -> str:
    """The message of a command that did nothing: the folder still holds just these files."""
    assert (said.status, said.out) == (1, "")
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    return said.err


@pytest.mark.parametrize("form", ["pkcs12", "pem", "combined_pem"])
def test_a_key_from_a_file(
    form: str, terminal: Terminal, letter: Path, keys: Keys, authority: DevelopmentAuthority
) -> None:
    out, profile = letter.with_name("signed.pdf"), keys.profile("B-LTA", authority.tsa_url)
    key = getattr(keys, form)()
    said = terminal.json("sign", letter, "-o", out, "--profile", profile, "--trust", keys.trust, *key)
    assert (said["level"], said["development"], said["signer"]) == (
        "B-LTA",
        True,
        "L. Voorbeeld (development)",
    )
    assert not terminal.data.exists()  # nothing of the development authority was needed
    [judged] = terminal("verify", out, "--trust", keys.trust, "--json").json["files"]
    assert judged["indication"] == "TOTAL-PASSED"
    assert judged["signatures"][0]["level"] == "B-LTA"
    assert judged["sha256"] == said["sha256"]


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT"])
def test_the_level_is_the_profiles(
    level: str, terminal: Terminal, letter: Path, keys: Keys, authority: DevelopmentAuthority
) -> None:
    out, profile = letter.with_name("signed.pdf"), keys.profile(level, authority.tsa_url)
    words = ("sign", letter, "-o", out, "--profile", profile, "--trust", keys.trust, *keys.pkcs12())
    assert terminal.json(*words)["level"] == level


@pytest.mark.parametrize("level", ["B-B", "B-LT"])
def test_a_key_without_addresses_signs_with_a_list_that_was_given(
    level: str, terminal: Terminal, letter: Path, keys: Keys, authority: DevelopmentAuthority
) -> None:
    now = datetime.now(UTC)
    keys.credential = authority.issue("Bare", now=now, with_revocation_urls=False)
    out, profile = letter.with_name("signed.pdf"), keys.profile(level, authority.tsa_url)
    words = ["sign", letter, "-o", out, "--profile", profile, "--trust", keys.trust, *keys.pkcs12()]
    said = terminal(*words)
    assert said.status == 1
    assert "names neither OCSP nor a CRL" in said.err
    assert "Try again" not in said.err
    issuing = authority._issuer.issuing
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing.certificate.subject)
        .last_update(now)
        .next_update(now + timedelta(days=7))
        .sign(issuing.private_key, hashes.SHA256())  # type: ignore[arg-type]
    )
    (keys.folder / "office.crl").write_bytes(crl.public_bytes(Encoding.PEM))
    assert terminal.json(*words, "--trust", keys.folder / "office.crl")["level"] == level
    trust = ["--trust", keys.trust, "--trust", keys.folder / "office.crl"]
    [judged] = terminal("verify", out, *(trust if level == "B-B" else trust[:2]), "--json").json["files"]
    assert judged["signatures"][0]["level"] == level


def test_a_box_outside_the_page_is_refused(terminal: Terminal, letter: Path) -> None:
    out = letter.with_name("signed.pdf")
    words = ["sign", letter, "-o", out, "--profile", "organisation-seal", "--box"]
    for outside in ("1,5000,60,215,70", "1,560,60,215,70", "1,60,-20,215,70", "1,60,800,215,70"):
        said = terminal.office(*words, outside)
        assert (said.status, out.exists()) == (1, False), outside
        assert "outside page 1" in said.err
        assert "from 0 to 595" in said.err
    assert terminal.office(*words, "1,60,60,215,70").status == 0


def test_nothing_is_left_when_the_passphrase_is_wrong(terminal: Terminal, letter: Path, keys: Keys) -> None:
    keys.passphrase.write_bytes(b"wrong")
    words = ("sign", letter, "-o", letter.with_name("out.pdf"), "--profile", keys.profile("B-B", ""))
    said = terminal.office(*words, "--trust", keys.trust, *keys.pkcs12())
    assert "passphrase is wrong" in refused(said, letter.parent, "keys", "letter.pdf")


def test_nothing_is_left_when_a_timestamp_authority_is_down(
    terminal: Terminal, letter: Path, keys: Keys
) -> None:
    profile = keys.profile("B-T", "http://127.0.0.1:9/tsa")
    words = ("sign", letter, "-o", letter.with_name("out.pdf"), "--profile", profile)
    said = terminal.office(*words, "--trust", keys.trust, *keys.pem())
    refused(said, letter.parent, "keys", "letter.pdf")


def test_nothing_is_trusted_because_it_came_with_the_key(
    terminal: Terminal, letter: Path, keys: Keys
) -> None:
    words = ("sign", letter, "-o", letter.with_name("out.pdf"), "--profile", keys.profile("B-B", ""))
    refused(terminal.office(*words, *keys.pem()), letter.parent, "keys", "letter.pdf")


def test_a_key_without_its_certificate(terminal: Terminal, letter: Path, keys: Keys) -> None:
    words = ("sign", letter, "-o", letter.with_name("out.pdf"), "--profile", keys.profile("B-B", ""))
    said = terminal.office(*words, "--trust", keys.trust, *keys.pem()[:2])
    assert "--chain" in refused(said, letter.parent, "keys", "letter.pdf")


def test_a_development_key_where_it_is_wanted(terminal: Terminal, letter: Path) -> None:
    """The authority is made and served as needed; the box is where the signature is seen."""
    out = letter.with_name("signed.pdf")
    words = ("--profile", "approver", "--as", "P001", "--role", "Head of unit", "--box", "1,60,60,220,80")
    said = terminal.office("sign", letter, "-o", out, *words)
    assert said.out == f"{out}: signed by P001 (development), B-LT. A development key: for trials only.\n"
    with PdfDocument(letter) as plain, PdfDocument(out) as signed:
        signed.init_forms()
        before, after = (pdf[0].render(scale=1).to_pil().convert("RGB") for pdf in (plain, signed))
    left, top, right, bottom = ImageChops.difference(before, after).getbbox() or (0, 0, 0, 0)
    drawn = (left, before.height - bottom, right - left, bottom - top)
    assert drawn == pytest.approx((60, 60, 220, 80), abs=2)
    assert terminal("verify", out, "--trust", terminal.data / "authority" / "root.pem").status == 0


def test_a_file_is_overwritten_only_when_asked(terminal: Terminal, letter: Path) -> None:
    out = letter.with_name("signed.pdf")
    out.write_text("mine")
    words = ("sign", letter, "-o", out, "--profile", "organisation-seal")
    assert "is there already" in refused(terminal.office(*words), letter.parent, "letter.pdf", "signed.pdf")
    assert out.read_text() == "mine"
    assert terminal.office(*words, "--force").status == 0
    assert out.read_bytes().startswith(letter.read_bytes())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--profile", "approver"], "Say who with --as"),
        (["--profile", "organisation-seal", "--as", "P001"], "no person's key signs"),
        (["--profile", "paper"], "Use approver, click-seal, organisation-seal, qualified-remote"),
        (["--profile", "approver", "--as", "P001", "--chain", "x.pem"], "--chain goes with --key"),
        (["--profile", "approver", "--as", "P001", "--key", "x.pem"], "both say who signs"),
        (["--profile", "missing.toml"], "missing.toml"),
        (["--profile", "approver", "--as", "P001", "--trust", "nowhere.pem"], "nowhere.pem"),
        (["--profile", "approver", "--as", "P001", "--box", "9,60,60,220,80"], "There is no page 9"),
        (["--profile", "approver", "--as", "P001", "--field", "nothing"], "nothing"),
    ],
)
def test_what_does_not_go_together(words: list[str], message: str, terminal: Terminal, letter: Path) -> None:
    said = terminal.office("sign", letter, "-o", letter.with_name("out.pdf"), *words)
    assert said.status == 1
    assert message in said.err
    assert not letter.with_name("out.pdf").exists()


@pytest.mark.parametrize("content", [None, b"", b"no PDF at all", b"%PDF-1.7\n%%EOF\n"])
def test_what_is_no_pdf(content: bytes | None, terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "in.pdf"
    if content is not None:
        file.write_bytes(content)
    said = terminal.office(
        "sign", file, "-o", tmp_path / "out.pdf", "--profile", "organisation-seal", "--json"
    )
    assert said.status == 1
    assert said.json["error"]["hint"]
    assert not (tmp_path / "out.pdf").exists()
