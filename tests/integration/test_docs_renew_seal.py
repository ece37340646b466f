"""docs/how-to/renew-a-seal.md: what it has one type works, word for word; the new seal takes over by itself."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile

import pytest

from certs.keystore import common_name
from documents.register import SAMPLE
from tests.signing_samples import plain_pdf
from workflow.office import Office

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "renew-a-seal.md").read_text(encoding="utf-8")


@pytest.fixture
def typed(tmp_path: Path) -> "Typed":
    (tmp_path / "in.pdf").write_bytes(plain_pdf())
    copyfile(SAMPLE, tmp_path / "hr.csv")
    return Typed(tmp_path)


class Typed:
    """A folder in which the guide's blocks are typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
        self.here = f'paraaf() {{ "{sys.executable}" -m cli.main "$@"; }}\n'

    def type(self, *blocks: str) -> str:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PARAAF_")}
        said = subprocess.run(
            ["sh", "-eu", "-c", self.here + "".join(blocks)],
            cwd=self.folder,
            env={**environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout

    def seals(self, *, in_days: int) -> str:
        """Who seals so many days from now."""
        now = datetime.now(UTC) + timedelta(days=in_days)
        office = Office.open(self.folder / "data", clock=lambda: now, environ={}, make=False)
        try:
            return common_name(office.own_seal(office.profiles["organisation-seal"]).certificate)
        finally:
            office.close()


@pytest.mark.slow
def test_every_command_of_the_how_to(typed: Typed) -> None:
    office, first, second, early, out = typed.blocks
    said = typed.type(office, first, second)
    assert "with-the-old.pdf: signed by Seal 2026, B-LTA." in said
    assert [typed.seals(in_days=days) for days in (0, 364, 366, 729)] == ["Seal 2026"] * 2 + ["Seal 2027"] * 2
    said = typed.type(early, out)
    assert "with-the-new.pdf: signed by Seal 2027, B-LTA." in said
    assert "The office can work" in said
    text = (typed.folder / "data" / "signing.toml").read_text()
    assert "[profiles.organisation-seal]   # our seal\n" in text
    assert "seal-2026" not in text
    assert (typed.folder / "data" / "keys" / "retired" / "seal-2026.pem").exists()
    assert (typed.folder / "data" / "keys" / "seal-2026.key").exists()
