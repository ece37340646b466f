"""Processes as drawings: every state and every way is there, and none runs over another."""

from itertools import combinations, pairwise

import pytest

from web.drawing import Drawing, drawn
from workflow.definition import load_folder
from workflow.definition_model import Definition
from workflow.names import known_names
from workflow.words import process_words

DEFINITIONS = load_folder(known_names()).all


def points(line: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in (one.split(",") for one in line.split())]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.label)
def test_every_state_and_way_is_drawn_apart(definition: Definition) -> None:
    for language in ("en", "nl"):
        drawing = drawn(definition, process_words(language))
        assert len(drawing.boxes) == len(definition.states)
        assert len(drawing.ways) == len(ends(definition))
        assert [one.whole for one in drawing.ways if not one.whole] == []
        corners = [corner for way in drawing.ways for corner in points(way.points)]
        assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in corners)
        assert not list(overlaps(drawing))


def ends(definition: Definition) -> set[tuple[str, str]]:
    """From where to where ways lead."""
    return {
        (name, branch.to)
        for name, state in definition.states.items()
        for trigger in state.triggers.values()
        for branch in trigger.branches
    }


def overlaps(drawing: Drawing) -> list[tuple[str, str]]:
    """Ways of which some length lies on another's."""
    stretches = [
        (way.whole, min(a, b), max(a, b)) for way in drawing.ways for a, b in pairwise(points(way.points))
    ]
    return [
        (one, other)
        for (one, a, b), (other, c, d) in combinations(stretches, 2)
        if (a[0] == b[0] == c[0] == d[0] and max(a[1], c[1]) < min(b[1], d[1]))
        or (a[1] == b[1] == c[1] == d[1] and max(a[0], c[0]) < min(b[0], d[0]))
    ]
