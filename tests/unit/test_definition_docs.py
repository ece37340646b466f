"""docs/definitions.md says what the code does: its example is sound, its lists and its table are complete."""

import re
from pathlib import Path

import pytest

from workflow.calendar import CALENDARS
from workflow.definition import parse
from workflow.definition_model import CHECKS, ENDS, FACTS, MILESTONES, REMINDERS, RESERVED_VERBS, STATUSES
from workflow.machine import GUARDS, STEPS
from workflow.names import known_names
from workflow.refusal import Rule

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "definitions.md").read_text(encoding="utf-8")


def test_the_example_is_sound() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    assert parse(example, "docs", known_names()).label == "travel-permission seal v1"


def test_the_table_lists_every_refusal_once() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| \S.* \| \S.* \|$", DOCS, re.MULTILINE)
    assert listed == [rule.value for rule in Rule]


@pytest.mark.parametrize(
    "words", [GUARDS, STEPS, FACTS, MILESTONES, REMINDERS, RESERVED_VERBS, ENDS, CHECKS, STATUSES]
)
def test_every_word_of_a_closed_list_is_in_the_docs(words: tuple[str, ...]) -> None:
    assert not [word for word in words if f"`{word}`" not in DOCS]


def test_every_outcome_of_a_step_is_in_the_docs() -> None:
    assert not [word for outcomes in STEPS.values() for word in outcomes if f"`{word}`" not in DOCS]


def test_every_calendar_is_in_the_docs() -> None:
    assert not [name for name in CALENDARS if name not in DOCS]
