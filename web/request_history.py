"""What happened to a request, event by event, as its page tells it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from workflow.changes import RETURNED
from workflow.definition_model import FACTS
from workflow.reading import HistoryEntry


@dataclass(frozen=True)
class Happened:
    """One event: `who` and `principal` are numbers of people, `changed` counts fields of the data.

    `after` is the state that it led to, `before` the one from which; both None where it moved nothing.
    """

    at: datetime
    kind: str
    before: str | None
    after: str | None
    who: str | None
    principal: str | None
    remark: str
    message: str
    consent: str
    shown_anew: bool
    facts: tuple[tuple[str, str | date], ...]
    changed: int


def told(history: Sequence[HistoryEntry]) -> list[Happened]:
    """The events in their order; of one whose personal part was erased, what is left."""
    return [_happened(entry) for entry in history]


def answered(happened: Sequence[Happened]) -> list[Happened]:
    """The last return, and what was said since by who sent it on; nothing where nobody said a word."""
    place = next((at for at in reversed(range(len(happened))) if happened[at].kind == RETURNED), None)
    if place is None:
        return []
    said = [one for one in happened[place + 1 :] if one.remark and one.after is not None]
    return [happened[place], *said] if said else []


def last_return(happened: Sequence[Happened]) -> Happened | None:
    """The return by which the request is where it is; None where it came here otherwise."""
    last = next((one for one in reversed(happened) if one.after is not None), None)
    return last if last is not None and last.kind == RETURNED else None


def _happened(entry: HistoryEntry) -> Happened:
    record, body = entry.record, entry.body or {}
    moved = record.get("from") != record.get("to")
    return Happened(
        at=datetime.fromisoformat(entry.at),
        kind=entry.type,
        before=record.get("from") if moved else None,
        after=record.get("to") if moved else None,
        who=body.get("actor"),
        principal=body.get("on_behalf_of"),
        remark=str(body.get("remark", "")),
        message=str(body.get("message", "")),
        consent=str(body.get("consent", "")),
        shown_anew="reauthenticated" in body,
        facts=tuple(_facts(entry)),
        changed=len(body.get("before", ())),
    )


def _facts(entry: HistoryEntry) -> Iterator[tuple[str, str | date]]:
    """What people reported: days stand in the record, words in the body."""
    said = {**entry.record, **(entry.body or {}).get("facts", {})}
    for name, kind in FACTS.items():
        if name in said:
            yield name, date.fromisoformat(said[name]) if kind == "day" else str(said[name])
