"""Every request of a log held against its definition: of the office's log, or of an export of it."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.conformance import Deviation, Logged, deviations
from workflow.definition_model import Definition
from workflow.rowcheck import read_definitions
from workflow.tables import Body, Event

FINDINGS_MAX = 100
UNNUMBERED = 0
"""Stands for the request of an export's event that names one by something else than a number."""
_CHUNK = 2000
_KEEP = "INSERT INTO logged VALUES (?, ?, ?, ?)"


@dataclass
class Conformance:
    """What was held against definitions: requests and events; how many requests deviated, and where."""

    requests: int = 0
    events: int = 0
    deviating: int = 0
    deviations: list[Deviation] = field(default_factory=list)
    more: int = 0
    """Deviations beyond the first hundred."""

    @property
    def ok(self) -> bool:
        """Whether none deviated."""
        return not self.deviating

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for JSON."""
        return {"ok": self.ok, **asdict(self)}

    def take(self, events: Sequence[Logged], definitions: Mapping[str, Definition]) -> None:
        """Hold one request's events against its definition."""
        self.requests += 1
        found = False
        self.events += len(events)
        for one in deviations(events, definitions):
            found = True
            if len(self.deviations) < FINDINGS_MAX:
                self.deviations.append(one)
            else:
                self.more += 1
        self.deviating += found


@dataclass(frozen=True)
class Asked:
    """Which requests: of this process, opened from `since` until `before`."""

    key: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def about(self, first: Logged) -> bool:
        """Whether a request that begins with this event is one of them; one that can't be told is."""
        try:
            at = datetime.fromisoformat(first.said["at"])
            return (
                (self.key is None or first.said.get("key") == self.key)
                and (self.since is None or at >= self.since)
                and (self.before is None or at < self.before)
            )
        except (KeyError, TypeError, ValueError):
            return True


def of_office(session: Session, asked: Asked) -> Conformance:
    """Read the office's log, one request at a time in memory, and the definitions that are kept with it."""
    definitions: dict[str, Definition] = {}
    for _ in read_definitions(session, definitions):
        pass  # what can't be read is not among them, and is told of each request that began with it
    events, bodies = Event.table(), Body.table()
    rows = session.connection().execute(
        select(events.c.request_id, events.c.seq, events.c.record, bodies.c.body)
        .outerjoin_from(events, bodies, events.c.seq == bodies.c.seq)
        .where(events.c.request_id.is_not(None))
        .order_by(events.c.request_id, events.c.seq),  # as its index has them, on both databases
        execution_options={"stream_results": True, "yield_per": _CHUNK},
    )
    return _held((tuple(row) for row in rows), definitions, asked)


def of_export(file: Path, definitions: Mapping[str, Definition], asked: Asked) -> Conformance:
    """Read a file of `paraaf export events` that was verified before. Raises OSError, sqlite3.Error.

    Its events are sorted by request on the disk, not in memory.
    """
    with (
        TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "logged.sqlite")) as kept,
        file.open(encoding="utf-8") as lines,
    ):
        kept.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        kept.execute("CREATE TABLE logged (request INTEGER, seq INTEGER, record TEXT, body TEXT)")
        kept.executemany(_KEEP, _exported(lines))
        rows = kept.execute("SELECT request, seq, record, body FROM logged ORDER BY request, seq")
        return _held(rows, definitions, asked)


def _exported(lines: Iterable[str]) -> Iterator[tuple[int, int, str, str | None]]:
    """The rows of an export's lines: an event, and the body after it where there is one."""
    last: tuple[int, int, str] | None = None
    body = None
    for line in chain(lines, [""]):
        if line.startswith('{"body":'):
            body = json.loads(line)["body"].get("text")
        else:
            if last is not None:
                yield *last, body
            last = body = None
        if line.startswith('{"event":'):
            record = line.rstrip("\n")[len('{"event":') : -1]
            said = json.loads(record)
            if (named := said.get("request")) is not None:
                last = (named if type(named) is int else UNNUMBERED, said["seq"], record)


def _held(
    rows: Iterable[tuple[Any, ...]], definitions: Mapping[str, Definition], asked: Asked
) -> Conformance:
    found = Conformance()
    requests: Callable[[Logged], int] = attrgetter("request")
    for _, events in groupby((_logged(*row) for row in rows), key=requests):
        own = list(events)
        if asked.about(own[0]):
            found.take(own, definitions)
    return found


def _logged(request: int, seq: int, record: str, body: str | None) -> Logged:
    try:
        said = json.loads(record)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        said = {}  # no event: held against its definition, it can't be
    return Logged(seq, request, str(said.get("type")), said, body)
