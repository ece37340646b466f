"""docs/fields.md is what the models say, and its skeletons are taken as they stand."""

import re
from typing import Any

import pytest

from documents.intake import read_bytes
from documents.kinds import KINDS, Kind
from documents.kinds.paths import is_field
from tests import fields_page

PAGE = fields_page.PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_its_tool_writes() -> None:
    assert fields_page.page() == PAGE


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_field_and_every_dutch_name_is_told(kind: Kind[Any]) -> None:
    paths = [leaf.path for leaf in fields_page.leaves(kind.model)]
    assert all(is_field(kind.model, fields_page.at(path, "1")) for path in paths)
    assert {path.split(".")[0] for path in paths} == set(kind.model.model_fields)
    section = PAGE.partition(f"## {kind.title}\n")[2].partition("\n## ")[0]
    for alias, path in kind.aliases.items():
        assert re.search(rf"^\| `{path}` \|.*\b{alias}\b.* \|", section, re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_skeletons_are_taken(kind: Kind[Any], form: str) -> None:
    section = PAGE.partition(f"## {kind.title}\n")[2].partition("\n## ")[0]
    [skeleton] = re.findall(rf"```{form}\n(.*?)```", section, re.DOTALL)
    intake = read_bytes(skeleton.encode(), kind.name, on=fields_page.ON)
    assert [str(problem) for problem in intake.problems] == []
    assert len(intake.rows) == 1


def test_stages_are_those_of_the_rules() -> None:
    assert (
        "| `signing.name` |  | a line of text, at most 120 characters | final, `signing-incomplete` |" in PAGE
    )
    assert "| review, `fixed-not-unconditional` |" in PAGE
    assert re.search(
        r"^\| `employment.ends_on` \| einddatum \| .* \| request, `end-missing` \|", PAGE, re.MULTILINE
    )
    assert re.search(r"^\| `continuation.prospect` \|.*\| with `continuation` \|", PAGE, re.MULTILINE)
    assert re.search(r"^\| `employee.name` \| naam \|.*\| request \|", PAGE, re.MULTILINE)
