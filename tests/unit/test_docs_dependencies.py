"""docs/dependencies.md names every library that pyproject.toml asks for, and constraints.txt pins each."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCS = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PINS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9-]", requirement)[0].lower() for requirement in requirements}


def listed(title: str) -> set[str]:
    section = DOCS.split(f"## {title}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| ([a-z0-9][^|]*) \|", section, re.MULTILINE)
    return {name.strip() for cell in cells for name in cell.split(",")} - {"library"}


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Product", PROJECT["dependencies"]),
        ("Optional", PROJECT["optional-dependencies"]["otel"]),
        ("Tests only", PROJECT["optional-dependencies"]["test"]),
    ],
)
def test_the_table_is_what_the_project_asks_for(title: str, asked: list[str]) -> None:
    assert listed(title) == names(asked)


def test_every_library_is_pinned() -> None:
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in PINS.splitlines()}
    asked = names(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"])
    assert asked <= pinned
