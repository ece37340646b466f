"""How long a request has taken so far: waiting, lying on a desk, being worked on, waiting for others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from documents.words import mark
from throughput.spans import Wait, case_so_far
from workflow.reading import HistoryEntry

_NO_BREAK = "\N{NO-BREAK SPACE}"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True)
class Stretch:
    """What one state took, by kind of wait, in seconds by the wall clock."""

    state: str
    seconds: dict[Wait, float]


@dataclass(frozen=True)
class Timing:
    """The stretches of people's tasks, each state once, in the order in which it was first there."""

    stretches: tuple[Stretch, ...]
    begun: datetime
    lead: timedelta
    by_program: bool
    """Whether a program did a person's part in it."""

    @property
    def kinds(self) -> tuple[Wait, ...]:
        """The kinds of wait that there were."""
        return tuple(kind for kind in Wait if any(kind in one.seconds for one in self.stretches))

    def total(self, kind: Wait) -> float:
        """All states together."""
        return sum(one.seconds.get(kind, 0) for one in self.stretches)


def timing(history: Sequence[HistoryEntry], *, now: datetime, closed_at: datetime | None) -> Timing | None:
    """As the report of throughput counts it, with what is open counted up to now; None without events."""
    case = case_so_far((entry.record for entry in history), now=now)
    if case is None:
        return None
    found: dict[str, dict[Wait, float]] = {}
    for span in case.spans:
        seconds = found.setdefault(span.state, {})
        seconds[span.kind] = seconds.get(span.kind, 0) + span.seconds
    return Timing(
        tuple(Stretch(state, seconds) for state, seconds in found.items()),
        case.opened_at,
        (closed_at or now) - case.opened_at,
        "program" in case.channels,
    )


def lasting(seconds: float, say: Callable[[str], str]) -> str:
    """A length of time in the two units that tell most, such as 2 d 3 h."""
    whole = int(abs(seconds))
    if whole < _MINUTE:
        return say(mark("< 1 min")).replace(" ", _NO_BREAK)
    if whole < _HOUR:
        return say(mark("{minutes} min")).format(minutes=whole // _MINUTE)
    if whole < _DAY:
        return say(mark("{hours} h {minutes} min")).format(
            hours=whole // _HOUR, minutes=whole % _HOUR // _MINUTE
        )
    return say(mark("{days} d {hours} h")).format(days=whole // _DAY, hours=whole % _DAY // _HOUR)
