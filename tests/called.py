"""Every call in the program, with the name of what is called, for the tests that hold lists against it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("certs", "cli", "documents", "fonts", "signing", "throughput", "watching", "web", "workflow")


@cache
def calls() -> list[tuple[str, ast.Call]]:
    """In the order of the rooms and their files; "" stands for what has no name."""
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(_name(node.func), node) for node in nodes]


def _name(called: ast.expr) -> str:
    if isinstance(called, ast.Attribute):
        return f"{_name(called.value)}.{called.attr}"
    return called.id if isinstance(called, ast.Name) else ""
