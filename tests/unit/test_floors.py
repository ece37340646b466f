"""Imports point down: a room may use the rooms below it, never one above, and never its neighbour."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BOTTOM = {"disk", "languages", "problem", "wording"}  # single files, on which every room may stand
MAY_USE = {
    "cli": {
        "web",
        "audit",
        "throughput",
        "workflow",
        "signing",
        "documents",
        "certs",
        "fonts",
        "watching",
        *BOTTOM,
    },
    "web": {"throughput", "workflow", "signing", "documents", "certs", "fonts", "watching", *BOTTOM},
    "throughput": {"workflow", "signing", "documents", "certs", "fonts", "watching", *BOTTOM},
    "workflow": {"audit", "signing", "documents", "certs", "fonts", "watching", *BOTTOM},
    "signing": {"certs", "fonts", "watching", *BOTTOM},
    "documents": {"certs", "fonts", "watching", *BOTTOM},
    "certs": {"watching", *BOTTOM},
    "fonts": BOTTOM,
    "watching": BOTTOM,
    "disk": set(),
    "languages": set(),
    "problem": {"wording"},
    "wording": {"languages"},
    "audit": set(),  # what judges the log shares no code with what writes it
}


def imports_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def files_of(room: str) -> list[Path]:
    single = ROOT / f"{room}.py"
    return [single] if single.exists() else sorted((ROOT / room).rglob("*.py"))


def breaches(room: str, source: str) -> set[str]:
    used = {name.split(".")[0] for name in imports_of(source)}
    return (used & MAY_USE.keys()) - MAY_USE[room] - {room}


@pytest.mark.parametrize("room", MAY_USE)
def test_imports_point_down(room: str) -> None:
    found = {str(path.relative_to(ROOT)): breaches(room, path.read_text()) for path in files_of(room)}
    assert not {path: names for path, names in found.items() if names}


def test_every_room_has_a_floor() -> None:
    rooms = {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert rooms | BOTTOM == set(MAY_USE)


def test_a_neighbour_is_a_breach() -> None:
    assert breaches("signing", "from documents.render import render") == {"documents"}
    assert breaches("certs", "import workflow.engine") == {"workflow"}
