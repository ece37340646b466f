"""A process as a drawing: its states one below the other, and every way from one to another.

Ways on to the next state go straight down; those that pass states by run at the right, and those that lead
back at the left, each in a lane of its own where others are passed. What is said of a way stands where it
begins.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workflow.definition_model import Definition
from workflow.words import ProcessWords

Side = Literal["down", "right", "left"]

BOX: Final = 370
ROOM: Final = 230  # for what is said of a way, beside the boxes
LANE: Final = 14
SLOT: Final = 24
GAP: Final = 46
LEAST: Final = 58
PAD: Final = 12
SAID_MOST: Final = 34
TITLE_MOST: Final = 38


@dataclass(frozen=True)
class Box:
    """A state; `kind` is "role" where somebody works, "auto" for a step, "end" for an end."""

    title: str
    who: str
    kind: str
    x: int
    y: int
    height: int
    width: int = BOX


@dataclass(frozen=True)
class Way:
    """A line from a state to another, and what is said of it; `whole` is that unshortened."""

    points: str
    side: Side
    said: str
    whole: str
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """Boxes and lines, in units of the screen."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class _Edge:
    source: int
    target: int
    said: str

    @property
    def side(self) -> Side:
        if self.target == self.source + 1:
            return "down"
        return "right" if self.target > self.source else "left"

    @property
    def span(self) -> tuple[int, int]:
        return min(self.source, self.target), max(self.source, self.target)


def drawn(definition: Definition, words: ProcessWords) -> Drawing:
    """The drawing of a definition, in a language's words."""
    edges = _edges(definition, words)
    lanes = {side: _lanes([one for one in edges if one.side == side]) for side in ("left", "right")}
    slots = _slots(edges, len(definition.states))
    left = PAD + ROOM + LANE * max(lanes["left"].values(), default=0)
    places = _places(slots, len(definition.states))
    boxes = tuple(
        Box(
            _short(words.state(definition, name), TITLE_MOST),
            _short(_who(definition, name, words), TITLE_MOST),
            "role" if state.role else "auto" if state.auto else "end",
            left,
            *places[number],
        )
        for number, (name, state) in enumerate(definition.states.items())
    )
    ways = tuple(_way(edge, boxes, slots, lanes, left) for edge in edges)
    right = left + BOX + ROOM + LANE * max(lanes["right"].values(), default=0)
    return Drawing(right + PAD, boxes[-1].y + boxes[-1].height + PAD, boxes, ways)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _who(definition: Definition, name: str, words: ProcessWords) -> str:
    state = definition.states[name]
    if state.role is not None:
        return words.role(definition, state.role)
    return words.step(state.auto) if state.auto else words.outcome(state.end or "")


def _edges(definition: Definition, words: ProcessWords) -> list[_Edge]:
    """Every way, those between the same two states in one; in the order of the states."""
    numbers = {name: number for number, name in enumerate(definition.states)}
    said: dict[tuple[int, int], list[str]] = {}
    for name, state in definition.states.items():
        for trigger in state.triggers.values():
            for branch in trigger.branches:
                told = words.trigger(definition, name, trigger.name)
                if branch.when:
                    told = f"{told} ({', '.join(map(words.condition, branch.when))})"
                said.setdefault((numbers[name], numbers[branch.to]), []).append(told)
    return [_Edge(*ends, " / ".join(dict.fromkeys(told))) for ends, told in said.items()]


def _lanes(edges: Sequence[_Edge]) -> dict[_Edge, int]:
    """A lane for each, from 1 on; the shortest nearest, none in one with another that it passes."""
    taken: list[list[tuple[int, int]]] = []
    found: dict[_Edge, int] = {}
    for edge in sorted(edges, key=lambda one: (one.span[1] - one.span[0], one.source)):
        low, high = edge.span
        free = (
            number
            for number, lane in enumerate(taken)
            if all(high < first or low > last for first, last in lane)
        )
        number = next(free, len(taken))
        if number == len(taken):
            taken.append([])
        taken[number].append(edge.span)
        found[edge] = number + 1
    return found


_Slots = Mapping[tuple[int, Side], list[tuple[_Edge, bool]]]


def _slots(edges: Iterable[_Edge], states: int) -> _Slots:
    """What touches each side of each box, from above: what comes in from above, what goes out, what comes in
    from below."""
    found: dict[tuple[int, Side], list[tuple[_Edge, bool]]] = {
        (number, side): [] for number in range(states) for side in ("left", "right")
    }
    for edge in edges:
        if edge.side != "down":
            found[edge.source, edge.side].append((edge, True))
            found[edge.target, edge.side].append((edge, False))
    for (number, _side), touching in found.items():
        touching.sort(key=lambda one: one[0].span[0] == number)
    return found


def _places(slots: _Slots, states: int) -> list[tuple[int, int]]:
    """Where each box begins, and how high it is."""
    found, y = [], PAD
    for number in range(states):
        most = max(len(slots[number, "left"]), len(slots[number, "right"]))
        height = max(LEAST, SLOT * (most + 1))
        found.append((y, height))
        y += height + GAP
    return found


def _way(
    edge: _Edge, boxes: Sequence[Box], slots: _Slots, lanes: Mapping[str, Mapping[_Edge, int]], left: int
) -> Way:
    source, target = boxes[edge.source], boxes[edge.target]
    said = _short(edge.said, SAID_MOST)
    if edge.side == "down":
        middle, bottom = left + BOX // 2, source.y + source.height
        points = f"{middle},{bottom} {middle},{target.y}"
        return Way(points, "down", said, edge.said, middle + 10, bottom + GAP // 2 + 4)
    begin, end = (_height(edge, out=out, boxes=boxes, slots=slots) for out in (True, False))
    lane = lanes[edge.side][edge]
    if edge.side == "right":
        at, far = left + BOX, left + BOX + ROOM + LANE * (lane - 1)
    else:
        at, far = left, left - ROOM - LANE * (lane - 1)
    points = f"{at},{begin} {far},{begin} {far},{end} {at},{end}"
    return Way(points, edge.side, said, edge.said, at + (10 if edge.side == "right" else -10), begin - 5)


def _height(edge: _Edge, *, out: bool, boxes: Sequence[Box], slots: _Slots) -> int:
    number = edge.source if out else edge.target
    return boxes[number].y + SLOT * (slots[number, edge.side].index((edge, out)) + 1)
