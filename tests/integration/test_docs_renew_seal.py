"""docs/how-to/renew-a-seal.md: what it has one type works, word for word, and the new seal takes over."""

import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile

import pytest

from certs.keystore import common_name
from certs.serve_authority import AuthorityServer
from documents.register import SAMPLE
from tests.command_line import Terminal
from tests.signing_samples import plain_pdf
from workflow.office import Office

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "renew-a-seal.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


class Typist:
    """Types blocks: `paraaf` in this process, the rest in a shell; gives what `paraaf` printed."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.functions = ""

    def __call__(self, block: str) -> str:
        said = ""
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("paraaf "):
                done = self.terminal(*shlex.split(line)[1:])
                assert done.status == 0, (line, done)
                said += done.out
            elif "() {" in line:
                self.functions += f"{line}\n"
            else:
                subprocess.run(
                    ["sh", "-eu", "-c", self.functions + line], check=True, capture_output=True, timeout=60
                )
        return said


def seal(in_days: int) -> str:
    """Who seals so many days from now."""
    now = datetime.now(UTC) + timedelta(days=in_days)
    office = Office.open(Path("data"), clock=lambda: now, environ={}, make=False)
    try:
        return common_name(office.own_seal(office.profiles["organisation-seal"]).certificate)
    finally:
        office.close()


@pytest.mark.slow
def test_every_command_of_the_how_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.pdf").write_bytes(plain_pdf())
    copyfile(SAMPLE, "hr.csv")
    types = Typist(Terminal(tmp_path / "data", capsys))
    office, first, second, early, out = BLOCKS
    types(office)
    with AuthorityServer(Path("data/authority")):  # each command would start it by itself
        _goes_through(types, first, second, early, out)


def _goes_through(types: Typist, first: str, second: str, early: str, out: str) -> None:
    said = types(first) + types(second)
    assert "with-the-old.pdf: signed by Seal 2026, B-LTA." in said
    assert [seal(days) for days in (0, 364, 366, 729)] == ["Seal 2026"] * 2 + ["Seal 2027"] * 2
    said = types(early) + types(out)
    assert "with-the-new.pdf: signed by Seal 2027, B-LTA." in said
    assert "The office can work" in said
    text = Path("data/signing.toml").read_text()
    assert "[profiles.organisation-seal]   # our seal\n" in text
    assert "seal-2026" not in text
    assert Path("data/keys/retired/seal-2026.pem").exists()
    assert Path("data/keys/seal-2026.key").exists()
