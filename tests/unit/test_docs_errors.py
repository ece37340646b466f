"""docs/errors.md lists every error, reason for a refusal and code of an incident, and no other."""

import ast
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from problem import Problem
from tests.called import ROOMS, calls

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
STYLE = re.compile(r"[a-z]+(-[a-z]+)*")


def rows(title: str) -> list[list[str]]:
    section = DOCS.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def modules_of(room: str) -> Iterator[str]:
    package = importlib.import_module(room)
    yield room
    for module in pkgutil.walk_packages(package.__path__, f"{room}."):
        # A migration is run by Alembic, and imports nothing that could raise an error of ours.
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            yield module.name


def below(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def kinds() -> list[type[Problem]]:
    modules = {module for room in ROOMS for module in modules_of(room)}
    for module in modules:
        importlib.import_module(module)
    return [kind for kind in dict.fromkeys(below(Problem)) if kind.__module__ in modules]


def sentence(kind: type[Problem]) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


def literals(function: str, *, at: int = 0) -> set[str]:
    """The words given as one argument of every call of a function in the program."""
    given = [call.args[at] for name, call in calls() if name == function and len(call.args) > at]
    return {argument.value for argument in given if isinstance(argument, ast.Constant)}


def test_the_table_is_what_the_code_says() -> None:
    listed = sorted((row[0], row[1], row[2]) for row in rows("Codes"))
    assert listed == sorted((f"`{kind.code}`", f"`{kind.__name__}`", sentence(kind)) for kind in kinds())


def test_every_error_has_its_own_code() -> None:
    assert not [code for code, count in Counter(kind.code for kind in kinds()).items() if count > 1]


def test_codes_are_written_alike() -> None:
    assert not [kind.code for kind in kinds() if not STYLE.fullmatch(kind.code)]


@pytest.mark.parametrize("room", ROOMS)
def test_codes_begin_with_the_word_of_their_room(room: str) -> None:
    own = [kind for kind in kinds() if kind.__module__.partition(".")[0] == room]
    [base] = [kind for kind in own if Problem in kind.__bases__]
    assert not [kind.code for kind in own if kind is not base and not kind.code.startswith(f"{base.code}-")]


@pytest.mark.parametrize("title", ["Codes", "Incidents without an error of ours"])
def test_every_row_says_what_to_do(title: str) -> None:
    assert not [row for row in rows(title) if not row[-1]]


def test_reasons_are_those_of_the_code() -> None:
    assert sorted(row[0] for row in rows("Reasons for a refusal")) == sorted(
        f"`{code}`" for code in literals("Reason")
    )


def test_incidents_without_an_error_are_those_of_the_code() -> None:
    written = {
        *literals("StepOutcome.retry", at=1),
        *literals("StepOutcome.gave_up", at=1),
        *literals("StepTrouble", at=1),
    }
    listed = [row[0] for row in rows("Incidents without an error of ours")]
    assert listed == sorted(f"`{code}`" for code in written)
