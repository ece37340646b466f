"""docs/settings.md names every variable that the code or the Makefile reads, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
ROOMS = (
    "audit",
    "benchmarks",
    "certs",
    "cli",
    "documents",
    "fonts",
    "signing",
    "tests",
    "throughput",
    "watching",
    "web",
    "workflow",
)
OURS = re.compile(r"\bPARAAF_[A-Z][A-Z_]*[A-Z]\b")


def listed(title: str) -> list[str]:
    section = DOCS.split(f"## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([A-Z_]+)` \| \S.* \| \S.* \|$", section, re.MULTILINE)


def named_in(*rooms: str) -> set[str]:
    files = [file for room in rooms for file in sorted((ROOT / room).rglob("*.py"))]
    return {name for file in files for name in OURS.findall(file.read_text(encoding="utf-8"))}


def test_every_variable_of_the_code_is_listed_once() -> None:
    assert sorted(listed("In production") + listed("For tests only")) == sorted(named_in(*ROOMS))


def test_what_only_the_tests_read_is_listed_as_such() -> None:
    program = [room for room in ROOMS if room != "tests"]
    assert set(listed("In production")) <= named_in(*program)
    assert set(listed("For tests only")) >= named_in("tests") - named_in(*program)


def test_every_variable_of_the_makefile_is_listed_once() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert listed("For `make`") == re.findall(r"^([A-Z]+) \?=", makefile, re.MULTILINE)
