"""OCEL 2.0, the exchange form of object-centric event logs, as JSON and as SQLite.

Objects are requests, tasks (and steps), documents and people; an event is a change of an activity's state and
names all of them that had a part in it. A log as a whole has no attributes: each event says whether it was
measured, or simulated by a past that was invented.
Source: A. Berti and others, OCEL (Object-Centric Event Log) 2.0 Specification (2023).
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from throughput.mining import Moment, Trace

Traces = Callable[[], Iterable[Trace]]
"""Gives all traces each time it is called: the log is read twice, so that it need not be in memory."""
OBJECTS = {
    "request": ("key", "variant", "definition", "unit", "outcome"),
    "task": ("activity", "channel"),
    "document": ("name",),
    "person": (),
}
EVENTS = ("channel", "trigger", "mark", "origin")


@dataclass(frozen=True)
class Thing:
    """An object: what it is, since when, and to which others it belongs."""

    id: str
    type: str
    since: datetime
    values: tuple[str, ...]
    belongs_to: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Told:
    """An event and the objects that had a part in it."""

    id: str
    type: str
    at: datetime
    values: tuple[str, ...]
    with_: tuple[tuple[str, str], ...]


@dataclass
class _Reading:
    """The people that were met so far, each an object once."""

    people: set[str] = field(default_factory=set)

    def things(self, trace: Trace) -> Iterator[Thing]:
        case = trace.case
        own = f"request {case.request}"
        outcome = case.outcome or "open"
        values = (case.key, case.variant, case.definition, case.unit or "", outcome)
        yield Thing(own, "request", case.opened_at, values)
        met: set[str] = set()
        for moment in trace.moments:
            if (task := _task(trace, moment)) not in met:
                met.add(task)
                yield Thing(task, "task", moment.at, (moment.activity, moment.channel), ((own, "of"),))
            if (document := _document(trace, moment)) is not None and document not in met:
                met.add(document)
                yield Thing(document, "document", moment.at, (moment.document or "",), ((own, "of"),))
            if moment.resource is not None and moment.resource not in self.people:
                self.people.add(moment.resource)
                yield Thing(moment.resource, "person", moment.at, ())


def events(trace: Trace) -> Iterator[Told]:
    """The events of one request, in their order."""
    for place, moment in enumerate(sorted(trace.moments, key=lambda one: one.at)):
        objects = [
            (f"request {trace.case.request}", "of"),
            (_task(trace, moment), "at"),
            (_document(trace, moment), "about"),
            (moment.resource, "by"),
        ]
        yield Told(
            f"event {trace.case.request}.{place}",
            _type(moment),
            moment.at,
            (moment.channel, moment.trigger or "", moment.mark or "", moment.origin),
            tuple((name, qualifier) for name, qualifier in objects if name is not None),
        )


def as_json(found: Traces) -> Iterator[bytes]:
    """The log as one JSON document, in pieces."""
    yield b'{"objectTypes":' + _bytes(
        [{"name": name, "attributes": _typed(OBJECTS[name])} for name in OBJECTS]
    )
    types: set[str] = set()
    yield b',\n"events":['
    between = b"\n"
    for trace in found():
        for told in events(trace):
            types.add(told.type)
            yield between + _bytes(
                {
                    "id": told.id,
                    "type": told.type,
                    "time": _time(told.at),
                    "attributes": [
                        {"name": n, "value": v} for n, v in zip(EVENTS, told.values, strict=True) if v
                    ],
                    "relationships": [{"objectId": name, "qualifier": how} for name, how in told.with_],
                }
            )
            between = b",\n"
    yield b'],\n"eventTypes":' + _bytes(
        [{"name": name, "attributes": _typed(EVENTS)} for name in sorted(types)]
    )
    yield b',\n"objects":['
    between, reading = b"\n", _Reading()
    for trace in found():
        for thing in reading.things(trace):
            yield between + _bytes(
                {
                    "id": thing.id,
                    "type": thing.type,
                    "attributes": [
                        {"name": name, "time": _time(thing.since), "value": value}
                        for name, value in zip(OBJECTS[thing.type], thing.values, strict=True)
                    ],
                    "relationships": [{"objectId": name, "qualifier": how} for name, how in thing.belongs_to],
                }
            )
            between = b",\n"
    yield b"]}\n"


def as_sqlite(found: Traces, file: Path) -> None:
    """Write the log into a new SQLite file. Raises OSError, sqlite3.Error."""
    with closing(sqlite3.connect(file)) as connection:
        _tables(connection)
        reading, types = _Reading(), set[str]()
        for trace in found():
            for thing in reading.things(trace):
                _put_object(connection, thing)
            for told in events(trace):
                if told.type not in types:
                    types.add(told.type)
                    _event_table(connection, told.type)
                _put_event(connection, told)
        connection.commit()


def _tables(connection: sqlite3.Connection) -> None:
    connection.executescript(
        """
        CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
        CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
        CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT REFERENCES event_map_type (ocel_type));
        CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT REFERENCES object_map_type (ocel_type));
        CREATE TABLE event_object (
            ocel_event_id TEXT REFERENCES event (ocel_id), ocel_object_id TEXT REFERENCES object (ocel_id),
            ocel_qualifier TEXT, PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier));
        CREATE TABLE object_object (
            ocel_source_id TEXT REFERENCES object (ocel_id), ocel_target_id TEXT REFERENCES object (ocel_id),
            ocel_qualifier TEXT, PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier));
        """
    )
    for name, attributes in OBJECTS.items():
        columns = "".join(f", {attribute} TEXT" for attribute in attributes)
        connection.execute(
            f"CREATE TABLE object_{name} (ocel_id TEXT REFERENCES object (ocel_id), ocel_time TIMESTAMP,"
            f" ocel_changed_field TEXT{columns})"
        )
        connection.execute("INSERT INTO object_map_type VALUES (?, ?)", (name, name))


def _event_table(connection: sqlite3.Connection, name: str) -> None:
    columns = "".join(f', "{attribute}" TEXT' for attribute in EVENTS)
    connection.execute(
        f'CREATE TABLE "event_{_mapped(name)}"'
        f" (ocel_id TEXT PRIMARY KEY REFERENCES event (ocel_id), ocel_time TIMESTAMP{columns})"
    )
    connection.execute("INSERT INTO event_map_type VALUES (?, ?)", (name, _mapped(name)))


def _put_object(connection: sqlite3.Connection, thing: Thing) -> None:
    connection.execute("INSERT INTO object VALUES (?, ?)", (thing.id, thing.type))
    marks = ", ?" * len(thing.values)
    connection.execute(
        f"INSERT INTO object_{thing.type} VALUES (?, ?, NULL{marks})",  # noqa: S608  one of OBJECTS
        (thing.id, _time(thing.since), *thing.values),
    )
    connection.executemany(
        "INSERT INTO object_object VALUES (?, ?, ?)",
        [(thing.id, name, how) for name, how in thing.belongs_to],
    )


def _put_event(connection: sqlite3.Connection, told: Told) -> None:
    connection.execute("INSERT INTO event VALUES (?, ?)", (told.id, told.type))
    marks = ", ?" * len(told.values)
    connection.execute(
        f'INSERT INTO "event_{_mapped(told.type)}" VALUES (?, ?{marks})',  # noqa: S608  letters, digits and _
        (told.id, _time(told.at), *told.values),
    )
    connection.executemany(
        "INSERT INTO event_object VALUES (?, ?, ?)", [(told.id, name, how) for name, how in told.with_]
    )


def _type(moment: Moment) -> str:
    return f"{moment.activity} {moment.transition}"


def _mapped(name: str) -> str:
    """A table's part of a type's name: `sign_off complete` and `signoff complete` stay two."""
    return name.replace(" ", "_")


def _task(trace: Trace, moment: Moment) -> str:
    return f"task {trace.case.request}.{moment.instance}.{moment.activity}"


def _document(trace: Trace, moment: Moment) -> str | None:
    return None if moment.document is None else f"document {trace.case.request}.{moment.document}"


def _typed(names: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"name": name, "type": "string"} for name in names]


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
