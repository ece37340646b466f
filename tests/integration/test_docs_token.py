"""docs/how-to/sign-with-a-token.md: what it has one type works, word for word."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.signing_samples import plain_pdf

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "sign-with-a-token.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_command_of_the_how_to(tmp_path: Path, paraaf: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    (tmp_path / "in.pdf").write_bytes(plain_pdf())
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PARAAF_")}
    said = subprocess.run(
        ["sh", "-eu", "-c", "".join(blocks)],
        cwd=tmp_path,
        env={**environ, "PATH": f"{paraaf.parent}:{environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "out.pdf: signed by Trial seal, B-B." in said.stdout
    assert "Authentic as issued. Sealed by Trial seal" in said.stdout
    assert len(blocks) == 5
