"""Where a number comes from: claimed, measured or simulated. A past that was invented is no measurement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

from workflow.invented import Invented

Origin = Literal["claimed", "measured", "simulated", "given"]
"""`given`: reckoned from a number that somebody gave, and nobody counted."""
Kept = TypeVar("Kept")
MEASURED: Final = "measured"
SIMULATED: Final = "simulated"
COLUMN: Final = "origin"
_LABELS = frozenset((COLUMN, "handling_origin", "minutes_from", "per_week_origin", "source"))


def happened(at: datetime, past: Invented | None) -> Origin:
    """What something that is recorded at this time is."""
    return MEASURED if past is None or at >= past.until else SIMULATED


def figures(past: Invented | None) -> Origin:
    """What is reckoned from an office's log: where its past is invented, nothing of it is a measurement."""
    return MEASURED if past is None else SIMULATED


def labelled(told: Kept, past: Invented | None) -> Kept:
    """The same figures with each of their labels as it has to be."""
    return told if past is None else _relabelled(told)


def _relabelled(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {
            name: SIMULATED if name in _LABELS and value == MEASURED else _relabelled(value)
            for name, value in told.items()
        }
    if isinstance(told, list | tuple):
        return type(told)(map(_relabelled, told))
    if not is_dataclass(told) or isinstance(told, type):
        return told
    return replace(
        told, **_relabelled({one.name: getattr(told, one.name) for one in fields(told) if one.init})
    )


def document(told: Mapping[str, Any], past: Invented | None) -> dict[str, Any]:
    """For other programs: each of its labels as it has to be, and until when the past is invented."""
    return {**labelled(told, past), "invented_until": None if past is None else past.told}


def with_column(
    rows: Iterable[Sequence[str | int | None]], past: Invented | None
) -> Iterator[list[str | int | None]]:
    """The rows of a table, the heads first: each says where its figures come from."""
    head, *lines = rows
    yield [*head, COLUMN]
    yield from ([*line, figures(past)] for line in lines)
