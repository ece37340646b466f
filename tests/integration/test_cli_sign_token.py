"""`paraaf sign` with a key in a token."""

import subprocess
import sys
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from signing.pkcs11.pins import PIN
from tests.command_line import Terminal
from tests.signing_samples import plain_pdf
from tests.softhsm import SoftToken, end_module

SECRET = "00-geheim-00"


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path / "data", capsys)


@pytest.fixture
def words(
    tmp_path: Path, soft_token: SoftToken, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> list[str | Path]:
    """What is typed behind `paraaf sign`, but for the key."""
    (tmp_path / "in.pdf").write_bytes(plain_pdf())
    (tmp_path / "root.pem").write_bytes(authority.root_pem)
    profile = f'kind = "person"\nlevel = "B-LTA"\ntimestampers = ["{authority.tsa_url}"]\n'
    (tmp_path / "office.toml").write_text(profile)
    chain = soft_token.chain_file(authority)
    options = ["--profile", tmp_path / "office.toml", "--trust", tmp_path / "root.pem", "--chain", chain]
    return [tmp_path / "in.pdf", "-o", tmp_path / "out.pdf", *options]


def test_a_token_signs(
    words: list[str | Path],
    terminal: Terminal,
    tmp_path: Path,
    soft_token: SoftToken,
    authority: DevelopmentAuthority,
) -> None:
    uri = soft_token.uri(soft_token.key_of_kind("P-256", authority))
    said = terminal.json("sign", *words, "--key", uri)
    assert (said["level"], said["signer"]) == ("B-LTA", "Token holder P-256 (development)")
    judged = terminal(
        "verify", tmp_path / "out.pdf", "--trust", tmp_path / "root.pem", "--no-register", "--json"
    )
    assert judged.json["files"][0]["indication"] == "TOTAL-PASSED"


def test_the_passphrase_file_holds_the_pin(
    words: list[str | Path], terminal: Terminal, soft_token: SoftToken, authority: DevelopmentAuthority
) -> None:
    uri = soft_token.uri(soft_token.key_of_kind("P-256", authority)).partition("&pin-source")[0]
    end_module()  # logged out
    said = terminal.office("sign", *words, "--key", uri, "--passphrase-file", soft_token.pin_file)
    assert said.status == 0, said


@pytest.mark.parametrize("place", [";pin-value=", "?pin-value=", "?pin="])
def test_a_pin_on_the_command_line_is_refused_and_not_repeated(
    place: str, words: list[str | Path], terminal: Terminal, tmp_path: Path
) -> None:
    said = terminal.office("sign", *words, "--key", f"pkcs11:token=x{place}{SECRET}", "--json")
    assert said.status == 1
    assert said.json["error"]["code"] == "signing-key-address"
    assert SECRET not in said.out + said.err
    assert not (tmp_path / "out.pdf").exists()


def test_a_wrong_pin_is_not_told(
    words: list[str | Path],
    soft_token: SoftToken,
    tmp_path: Path,
    authority: DevelopmentAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a process of its own, with everything logged that can be; nor is it on any command line below it."""
    uri = soft_token.uri(soft_token.key_of_kind("P-256", authority)).partition("&pin-source")[0]
    monkeypatch.setenv(PIN, SECRET)
    monkeypatch.setenv("PARAAF_LOG_LEVEL", "debug")
    begun = tmp_path / "begun"
    watched = ["strace", "-f", "-qq", "-e", "trace=execve", "-s", "9999", "-o", begun]
    command = [sys.executable, "-X", "dev", "-m", "cli.main", "sign", *words, "--key", uri]
    said = subprocess.run([*watched, *command], capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 1
    assert "refused the PIN as wrong" in said.stderr
    assert "execve(" in begun.read_text()
    assert SECRET not in said.stdout + said.stderr + begun.read_text()
    assert not (tmp_path / "out.pdf").exists()
    soft_token.tool("--list-objects")  # with the right one: leave the shared token without a wrong try
