"""Fills databases with requests by the million, as they would be after years of work.

Every request has its events in a log whose chain verifies, its tasks, hands and data; rows and log agree, as
`paraaf log verify` says. Left out are documents, signatures, deliveries and their files, because those that
have ended were withdrawn before anything was rendered; idempotency keys; drafts; jobs; reminders. Nothing is
destroyed, so that all can be searched.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.sinks import Row, Sink, sink_of
from documents.kinds import KINDS
from workflow import ledger_rows
from workflow.canonical import encode
from workflow.definition import load_folder
from workflow.definition_model import Definition
from workflow.due import due_times
from workflow.eventlog import GENESIS, SALT_BYTES, body_digest, utc_text
from workflow.judge import data_digest, rules_of
from workflow.named import named
from workflow.names import known_names
from workflow.store import Store
from workflow.tables import Grant, Person

UNITS = tuple(f"unit-{number:02}" for number in range(1, 21))
CLERKS, EMPLOYEES, MANAGERS = 250, 5_000, 2
"""Clerks of all units; those who ask; managers of each unit."""
FIRST = ("Anna", "Bas", "Carla", "Dirk", "Eva", "Frits", "Greet", "Hans", "Iris", "Jan")
MIDDLE = ("", "de ", "van ", "van der ", "ten ")
LAST = tuple(
    begin + end
    for begin, end in product(
        ("Berg", "Dijk", "Groen", "Hoek", "Klaas", "Meer", "Noord", "Oost", "Veld", "Water"),
        ("sma", "stra", "huis", "man", "veen", "hof", "dam", "burg", "ker", "zoon"),
    )
)
PROCESSES = (
    ("employer-declaration", "A0", 20),
    ("employer-declaration", "A1", 30),
    ("employer-declaration", "A3", 30),
    ("employer-declaration", "A4", 10),
    ("team-action-plan", "N", 10),
)
"""Which processes, and how many of a hundred requests are of each."""
AT_ONCE = 10_000  # requests whose rows are in memory
SPAN, LATE = timedelta(days=700), timedelta(days=14)
"""Since when requests came in; of what is open, nine tenths came in within the last two weeks."""
SECOND = timedelta(seconds=1)
COLUMNS: Mapping[str, Sequence[str]] = {
    "requests": (
        *("id", "key", "variant", "definition_sha256", "state", "version", "step_seq", "requester_id"),
        *("unit", "language", "reference", "data", "data_sha256", "suspended_at", "opened_at", "closed_at"),
        *("outcome", "destroyed_at"),
    ),
    "events": ("seq", "request_id", "type", "recorded_at", "record", "prev_hash", "hash"),
    "bodies": ("seq", "salt", "body", "erased_at"),
    "tasks": (
        *("id", "request_id", "state", "role", "offered_at", "claimed_by", "claimed_for", "claimed_at"),
        *("started_at", "suspended_us", "closed_at", "done_by", "done_for", "unit", "definition_sha256"),
        *("named", "suspended_at", "due_at", "near_at"),
    ),
    "hands": ("request_id", "rule", "person_id", "state"),
}


@dataclass(frozen=True)
class Process:
    """A process, the states that a request goes through, and what it holds."""

    definition: Definition
    states: tuple[str, ...]
    data: str
    data_sha256: str
    named: Mapping[str, str | None]

    @classmethod
    def of(cls, definition: Definition) -> "Process":
        """With the example of its kind of document."""
        [document] = definition.documents.values()
        data = KINDS[document.kind].example()
        states = ("request", "manager", "review") if "manager" in definition.states else ("draft", "approve")
        whom = {name: named(definition.states[name], data) for name in states}
        return cls(definition, states, encode(data), data_digest(data), whom)


@dataclass
class _Case:
    """A request on its way."""

    number: int
    process: Process
    requester: str
    unit: str
    at: datetime
    state: str = ""
    version: int = 0
    step_seq: int = 0
    task: dict[str, Any] = field(default_factory=dict)
    suspended_at: datetime | None = None


class Filling:
    """Makes the rows of `count` requests of these people, of which about `open_count` have not ended."""

    def __init__(
        self, sinks: Sequence[Sink], count: int, open_count: int, askers: Sequence[int], now: datetime
    ) -> None:
        self._sinks, self._askers = sinks, askers
        self._count, self._now = count, now
        self._late = max(count // 10, open_count)
        self._share_late = min(1.0, 0.9 * open_count / self._late)
        left = open_count - self._share_late * self._late
        self._share = left / (count - self._late) if count > self._late else 0.0
        self._random = Random(count)  # noqa: S311 (the same rows each time)
        self._processes = [Process.of(one) for one in _definitions()]
        self._weights = [share for *_, share in PROCESSES]
        self._rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
        self._seq, self._hash = 0, GENESIS

    def run(self) -> int:
        """Fill; how many events there are."""
        for number in range(1, self._count + 1):
            self._request(number)
            if number % AT_ONCE == 0:
                self._write()
        self._write()
        for sink in self._sinks:
            sink.finish(self._seq, self._hash)
        return self._seq

    def _write(self) -> None:
        for table, rows in self._rows.items():
            for sink in self._sinks:
                sink.add(table, COLUMNS[table], rows)
            rows.clear()

    def _request(self, number: int) -> None:
        [process] = self._random.choices(self._processes, self._weights)
        who = self._random.choice(self._askers)
        late = number > self._count - self._late
        case = _Case(number, process, f"E{who:04}", UNITS[who % len(UNITS)], self._came_in(number))
        opened_at = case.at
        is_open = self._random.random() < (self._share_late if late else self._share)
        self._move(case, "request_submitted", "submit", process.states[0], process.states[1], case.requester)
        last = self._random.random() if is_open else 1.0
        if last < 0.15:
            back = {"remark": "Please look again."}
            boss = self._manager(case)
            self._move(case, "request_returned", "return", case.state, process.states[0], boss, back)
        elif last > 0.55 and len(process.states) > 2:
            self._move(
                case, "request_advanced", "approve", case.state, process.states[2], self._manager(case)
            )
        if is_open:
            self._hold(case)
        else:
            self._move(case, "request_withdrawn", "withdraw", case.state, "withdrawn", case.requester)
        self._keep(case, opened_at)

    def _came_in(self, number: int) -> datetime:
        early = self._count - self._late
        if number <= early:
            return self._now - SPAN + (SPAN - LATE) * number / early
        return self._now - LATE + (LATE - timedelta(minutes=5)) * (number - early) / self._late

    def _manager(self, case: _Case) -> str:
        return f"M-{case.unit}-{self._random.randrange(MANAGERS)}"

    def _hold(self, case: _Case) -> None:
        """Of what is open, some is held and some waits for an outsider."""
        role = case.task["role"]
        if self._random.random() < 0.15:
            clerk = f"C{self._random.randrange(CLERKS):03}"
            by = {"clerk": clerk, "manager": self._manager(case), "leader": self._manager(case)}
            who = by.get(role, case.requester)
            self._event(case, "task_claimed", {"state": case.state, "task": case.task["id"]}, {"actor": who})
            case.task |= {"claimed_by": who, "claimed_at": case.at}
        if self._random.random() < 0.05:
            who = case.task.get("claimed_by") or self._manager(case)
            body = {"actor": who, "remark": "Waits for the pension fund."}
            self._event(case, "request_suspended", {"state": case.state, "task": case.task["id"]}, body)
            case.suspended_at = case.at

    def _move(
        self,
        case: _Case,
        kind: str,
        trigger: str,
        here: str,
        there: str,
        who: str,
        said: Mapping[str, str] | None = None,
    ) -> None:
        definition, seq = case.process.definition, self._seq + 1
        states = definition.states
        facts: dict[str, Any] = {"trigger": trigger, "from": here, "to": there}
        mark = next((one.mark for one in states[here].triggers[trigger].branches if one.to == there), None)
        if mark is not None:
            facts["mark"] = mark
        if states[there].role is not None:
            facts["task"] = seq
        else:
            facts["outcome"] = states[there].end
        self._event(
            case, kind, facts, {"actor": who, "data_sha256": case.process.data_sha256, **(said or {})}
        )
        if trigger != "withdraw":
            rules = rules_of(definition, here)
            self._rows["hands"].extend((case.number, rule, who, here) for rule, _ in rules)
        if case.task:
            self._task(case, case.task | {"closed_at": case.at, "done_by": who})
        role = states[there].role
        case.task = {"id": seq, "state": there, "role": role, "offered_at": case.at} if role else {}
        case.state, case.step_seq = there, seq

    def _event(self, case: _Case, kind: str, facts: Mapping[str, Any], said: Mapping[str, str]) -> None:
        self._seq += 1
        case.version += 1
        case.at += SECOND
        definition = case.process.definition
        salt, body, at = self._random.randbytes(SALT_BYTES), encode(said), utc_text(case.at)
        record: dict[str, Any] = {
            "channel": "person",
            **facts,
            "key": definition.key,
            "variant": definition.variant,
            "definition": definition.sha256_hex,
            "request": case.number,
            "body": body_digest(salt, body),
            "seq": self._seq,
            "at": at,
            "type": kind,
            "prev": self._hash,
        }
        if case.version == 1:
            record["unit"] = case.unit
        text = encode(record)
        digest = sha256(text.encode()).hexdigest()
        self._rows["events"].append((self._seq, case.number, kind, at, text, self._hash, digest))
        self._rows["bodies"].append((self._seq, salt, body, None))
        self._hash = digest

    def _task(self, case: _Case, task: Mapping[str, Any]) -> None:
        values = {**task, "request_id": case.number, "suspended_us": 0}
        self._rows["tasks"].append(tuple(values.get(name) for name in COLUMNS["tasks"]))

    def _keep(self, case: _Case, opened_at: datetime) -> None:
        process, definition, ended = case.process, case.process.definition, not case.task
        if case.task:
            times = due_times(definition, case.state, case.task["offered_at"])
            beside: dict[str, Any] = {"unit": case.unit, "definition_sha256": definition.sha256_hex}
            beside |= {"named": process.named[case.state], "suspended_at": case.suspended_at}
            self._task(case, case.task | beside | {"due_at": times.due_at, "near_at": times.near_at})
        reference = f"R{opened_at.year}-{case.number:07}" if case.number % 5 else None
        what = (definition.key, definition.variant, definition.sha256_hex, case.state, case.version)
        whose = (case.step_seq, case.requester, case.unit, "nl", reference, process.data, process.data_sha256)
        when = (case.suspended_at, opened_at + SECOND, case.at if ended else None)
        ending = (definition.states[case.state].end, None)
        self._rows["requests"].append((case.number, *what, *whose, *when, *ending))


def _definitions() -> list[Definition]:
    catalogue = load_folder(known_names())
    return [catalogue.get(key, variant) for key, variant, _ in PROCESSES]


def _people() -> Iterator[tuple[Person, list[tuple[str, str | None]]]]:
    """Everybody, with their roles and for which unit."""
    names = product(LAST, MIDDLE, FIRST)
    for number, (last, middle, first) in zip(range(EMPLOYEES), names, strict=False):
        unit = UNITS[number % len(UNITS)]
        person = Person(id=f"E{number:04}", name=f"{first} {middle}{last}", unit=unit)
        yield person, [("employee", unit), ("author", unit)]
    for unit, number in product(UNITS, range(MANAGERS)):
        person = Person(id=f"M-{unit}-{number}", name=f"Manager {number} of {unit}", unit=unit)
        yield person, [("manager", unit), ("leader", unit)]
    for number in range(CLERKS):
        yield Person(id=f"C{number:03}", name=f"Clerk {number}", unit="back-office"), [("clerk", None)]
    yield Person(id="auditor", name="Auditor", unit="audit"), [("auditor", None)]


def fill(
    stores: Sequence[Store],
    count: int,
    open_count: int,
    *,
    now: datetime,
    askers: Sequence[int] = range(EMPLOYEES),
) -> int:
    """Fill empty databases, all alike, with requests of these employees; how many events each has."""
    for store in stores:
        with store.write() as session:
            people = list(_people())
            session.add_all(person for person, _ in people)
            session.flush()
            session.add_all(
                Grant(person_id=person.id, role=role, unit=unit)
                for person, roles in people
                for role, unit in roles
            )
            ledger_rows.write_definitions(session.connection(), _definitions())
    return Filling([sink_of(store) for store in stores], count, open_count, askers, now).run()


if __name__ == "__main__":
    made = Store.open(Path(sys.argv[1]))
    print(fill([made], int(sys.argv[2]), int(sys.argv[3]), now=datetime.now(UTC)), "events")
