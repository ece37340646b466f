"""Run `paraaf` in this process, and read what it says."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import main

DOCS = (Path(__file__).resolve().parents[1] / "docs" / "command-line.md").read_text(encoding="utf-8")
# Their keys are data, states and steps, or documented elsewhere.
NOT_LISTED = {"data", "record", "body", "touch_s", "system_ms", "plausibility", "comparison"}


def section_of(command: str) -> str:
    """What docs/command-line.md says of a command."""
    [section] = re.findall(rf"^## paraaf {command}\n(.*?)(?=^## |\Z)", DOCS, re.DOTALL | re.MULTILINE)
    return str(section)


def keys_of(document: Any) -> Iterator[str]:
    """Every key of a JSON document that the docs have to list."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key
            if key not in NOT_LISTED:
                yield from keys_of(value)
    elif isinstance(document, list):
        for item in document:
            yield from keys_of(item)


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Types commands about one data folder."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data = data
        self._capsys = capsys

    def __call__(self, *words: str | Path | int) -> Said:
        """A command as it is typed; 2 is a wrong call."""
        self._capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as left:
            status = int(str(left.code))
        captured = self._capsys.readouterr()
        return Said(status, captured.out, captured.err)

    def office(self, command: str, *words: str | Path | int) -> Said:
        """A command about this folder."""
        return self(command, *words, "--data", self.data)

    def json(self, command: str, *words: str | Path | int) -> Any:
        """A command about this folder that must succeed, as JSON: with no key that the docs don't list."""
        said = self.office(command, *words, "--json")
        assert said.status == 0, said
        section = section_of(command)
        assert not [key for key in keys_of(said.json) if f"`{key}`" not in section]
        return said.json

    def copy_of(self, folder: Path) -> None:
        """Have the data of another folder."""
        shutil.copytree(folder, self.data)
