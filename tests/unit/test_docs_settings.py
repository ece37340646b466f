"""docs/settings.md names every variable that the code or the Makefile reads, and no other."""

import re
from pathlib import Path

import pytest

from workflow.errors import SettingRefused
from workflow.variables import KNOWN, MOVED, require_none_moved, unknown

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
OURS = re.compile(r"\bPARAAF_[A-Z][A-Z0-9_]*[A-Z]\b")
LISTS = {"variables.py", Path(__file__).name}  # they name variables, and read none


def listed(title: str) -> list[str]:
    section = DOCS.split(f"## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([A-Z0-9_]+)` \| \S.* \| \S.* \|$", section, re.MULTILINE)


def named_in(*rooms: str) -> set[str]:
    files = [file for room in rooms for file in sorted((ROOT / room).rglob("*.py"))]
    texts = [file.read_text(encoding="utf-8") for file in files if file.name not in LISTS]
    return {name for text in texts for name in OURS.findall(text)}


def test_every_variable_of_the_code_is_listed_once() -> None:
    assert sorted(listed("In production") + listed("For tests only")) == sorted(named_in(*ROOMS))


def test_what_only_the_tests_read_is_listed_as_such() -> None:
    program = [room for room in ROOMS if room != "tests"]
    assert set(listed("In production")) <= named_in(*program)
    assert set(listed("For tests only")) >= named_in("tests") - named_in(*program)


def test_every_variable_of_the_makefile_is_listed_once() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert listed("For `make`") == re.findall(r"^([A-Z]+) \?=", makefile, re.MULTILINE)


def test_the_variables_that_are_known_are_those_of_the_docs() -> None:
    assert sorted(KNOWN) == sorted(listed("In production") + listed("For tests only"))
    assert sorted(MOVED) == listed("No longer read")
    assert not set(MOVED) & set(KNOWN)


@pytest.mark.parametrize("name", MOVED)
def test_a_variable_that_is_no_longer_read_is_refused(name: str) -> None:
    with pytest.raises(SettingRefused, match=name) as refused:
        require_none_moved({name: "tsa-one=20/PT20M"})
    assert refused.value.hint
    require_none_moved({name: ""})


def test_a_mistyped_variable_is_told_with_what_may_be_meant_and_without_its_value() -> None:
    environ = {"PARAAF_BLOB_SECRET": "geheim", "PARAAF_XYZZY": "geheim", "PATH": "/bin", "PARAAF_DATA": "d"}
    mistyped, strange = unknown(environ)
    assert (mistyped.message, mistyped.hint) == (
        "Nobody reads the variable PARAAF_BLOB_SECRET.",
        "Is PARAAF_BLOBS_SECRET meant?",
    )
    assert "PARAAF_XYZZY" in strange.message
    assert "docs/settings.md" in strange.hint
    assert "geheim" not in f"{mistyped}{strange}"
