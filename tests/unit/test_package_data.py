"""What an installed copy has: every file that is no module is named in pyproject.toml."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
PACKAGES = [pattern.rstrip("*") for pattern in TOOL["packages"]["find"]["include"]]
# Sources that the files beside them are made from, and what nothing reads when it runs.
LEFT_OUT = {".po", ".py", ".pyc", ".mako"}


def test_every_file_of_a_package_is_installed() -> None:
    for package in PACKAGES:
        folder = ROOT / package
        named = {path for glob in TOOL["package-data"].get(package, ()) for path in folder.glob(glob)}
        there = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in LEFT_OUT}
        assert there <= named, there - named
