"""What changed in a request's data: kept with each change, and told field by field since the last return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflow.definition_model import RETURN
from workflow.dotted import flat, put_back
from workflow.moves import MOVED_BY
from workflow.reading import HistoryEntry

RETURNED = MOVED_BY[RETURN]


@dataclass(frozen=True)
class Change:
    """A field, by its dotted name, as it was and as it is; None for one that was or is not there."""

    field: str
    was: Any
    now: Any


@dataclass(frozen=True)
class SinceReturn:
    """What changed since the last return, as far as it is known.

    `whole` is False where the data changed in a way that nobody kept: before this release, or erased since.
    """

    returned: HistoryEntry
    changes: tuple[Change, ...]
    whole: bool

    def before(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data as they were at the return, as far as it is known."""
        return put_back(data, {one.field: one.was for one in self.changes})


def since_return(history: Sequence[HistoryEntry], data: Mapping[str, Any]) -> SinceReturn | None:
    """What is otherwise than at the last return; None for a request that was never returned."""
    place = next((at for at in reversed(range(len(history))) if history[at].type == RETURNED), None)
    if place is None:
        return None
    returned, later = history[place], history[place + 1 :]
    was: dict[str, Any] = {}
    for entry in later:
        was = {
            **(entry.body or {}).get("before", {}),
            **was,
        }  # of several changes of a field the first counts
    now = dict(flat(data))
    changes = tuple(Change(name, was[name], now.get(name)) for name in was if was[name] != now.get(name))
    return SinceReturn(returned, changes, _is_whole(returned, later))


def _is_whole(returned: HistoryEntry, later: Sequence[HistoryEntry]) -> bool:
    """Whether each change of the data was kept: its digest changes with no event that does not say how."""
    digest = (returned.body or {}).get("data_sha256")
    for entry in later:
        body = entry.body
        if body is None and "trigger" in entry.record and entry.record.get("channel") != "system":
            return False
        if body is None or "data_sha256" not in body:
            continue
        if body["data_sha256"] != digest and "before" not in body:
            return False
        digest = body["data_sha256"]
    return True
