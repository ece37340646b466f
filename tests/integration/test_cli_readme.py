"""README's tour works word for word: each of its shell blocks is run, in order, in an empty folder.

With PARAAF_CAMPAIGN=2, or more, each command is started anew, as a person starts it.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?:<!-- exit (?P<status>\d) -->\n)?```sh\n(?P<shell>.*?)```(?:\n+```text\n(?P<said>.*?)```)?", re.DOTALL
)


def test_every_block_of_the_tour_is_found() -> None:
    assert len(BLOCK.findall(README)) == README.count("```sh") >= 9


def test_every_page_that_it_points_to_is_there() -> None:
    root = Path(__file__).resolve().parents[2]
    pages = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert len(pages) > 8
    assert not [page for page in pages if not (root / page).exists()]


@pytest.mark.slow
def test_the_tour(tmp_path: Path, paraaf: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PARAAF_")}
    environ["PATH"] = f"{paraaf.parent}:{environ['PATH']}"
    environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    tour(paraaf, tmp_path, environ)


def tour(paraaf: Path, folder: Path, environ: Mapping[str, str]) -> None:
    for block in BLOCK.finditer(README):
        done = subprocess.run(
            ["bash", "-e", "-c", block["shell"]],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == int(block["status"] or 0), f"{block['shell']}\n{said}"
        if block["said"]:
            assert block["said"] in said
    measured = subprocess.run(
        [str(paraaf), "throughput", "--json"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(measured.stdout)["groups"]
    by_people = {row["variant"]: row["touch_total_s"] for row in rows if row["touch_total_s"]}
    assert {variant: touch["n"] for variant, touch in by_people.items()} == {"A3": 1}
    root = folder / "out" / "trust" / "development-root.pem"
    check = [str(paraaf), "verify", "declaration.pdf", "sealed.pdf", "--trust", str(root)]
    assert (
        subprocess.run(check, cwd=folder, env=environ, stdout=subprocess.DEVNULL, check=False).returncode == 0
    )
