"""What the rules accept can be drawn: the longest documents fit in the pages that a document may have."""

from datetime import date
from typing import Any

import pytest

from documents.kinds import KINDS, KindProblems
from documents.kinds.action_plan import ACTIONS_MAX, DEADLINES_MAX
from documents.kinds.action_plan import example as plan_example
from documents.kinds.fields import LINE_MAX, NOTE_MAX
from documents.render import SignatureSlot, render
from documents.words import LANGUAGES

# The widest letters; words that leave half of each line empty; one letter a line.
WIDE, HALF_EMPTY, SHORT_LINES = "W" * NOTE_MAX, ("W" * 21 + " ") * NOTE_MAX, "a\n" * NOTE_MAX


NOTES = ("description", "follow_up", "goal_reached_when", "continuation")


def plan(rows: int, texts: str, length: int) -> dict[str, Any]:
    data = plan_example(safety=True)
    data["header"] |= dict.fromkeys(("title", "team", "workplace"), "W" * LINE_MAX)
    note, line = texts[:length].strip(), "W" * LINE_MAX
    row: dict[str, Any] = dict.fromkeys(NOTES, note)
    row |= {"focus_area": line, "responsible": line}
    row |= {"deadlines": [f"2025-{month:02}-01" for month in range(1, DEADLINES_MAX + 1)]}
    data["actions"] = [row] * rows
    for name in ("nature", "severity", "extent", "cause", "sickness_absence"):
        data["safety"][name] = texts[:NOTE_MAX].strip()
    return data


def refused(data: dict[str, Any]) -> set[str]:
    """The rules that a plan breaks when it is handed in."""
    try:
        KINDS["action_plan"].parse(data, "request")
    except KindProblems as problems:
        return {problem.rule for problem in problems.problems}
    return set()


def longest(rows: int, texts: str) -> dict[str, Any]:
    """The plan of so many actions with the longest notes that the rules accept."""
    shortest, too_long = 1, NOTE_MAX + 1
    while too_long - shortest > 1:
        middle = (shortest + too_long) // 2
        if not refused(plan(rows, texts, middle)):
            shortest = middle
        else:
            too_long = middle
    return plan(rows, texts, shortest)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 6, 20, ACTIONS_MAX])
@pytest.mark.parametrize("texts", [WIDE, HALF_EMPTY, SHORT_LINES])
def test_the_longest_plan_is_refused_or_can_be_drawn(rows: int, texts: str) -> None:
    if broken := refused(plan(rows, texts, 1)):
        assert broken == {"plan-too-long"}
        return
    pdf = render(
        "action_plan",
        longest(rows, texts),
        number="2026-000001",
        verification_code="AAAA-BBBB",
        issued_on=date(2026, 11, 20),
        valid_until=None,
        slots=[SignatureSlot("approver")],
        archive_timestamp=True,
        verify_url=None,
        note="A note on every page.",
        language=LANGUAGES[-1],
    )
    assert pdf.startswith(b"%PDF")


def test_a_plan_that_might_not_fit_is_refused_when_it_is_handed_in() -> None:
    assert refused(plan(ACTIONS_MAX, WIDE, NOTE_MAX)) == {"plan-too-long"}
    assert refused(plan(3, SHORT_LINES, NOTE_MAX)) == {"plan-too-long"}


def test_a_plan_of_many_actions_is_taken() -> None:
    data = plan(ACTIONS_MAX, "Ordinary words of a plan. " * 80, 180)
    for name in ("nature", "severity", "extent", "cause", "sickness_absence"):
        data["safety"][name] = "A few words, as they are."
    assert refused(data) == set()
