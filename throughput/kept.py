"""What was read of the log so far, so that a report need not read it all again.

The tables `timing_…` say what `cases_of` would say of the whole log. They are brought up to its end in steps,
and made anew when the rules by which they were read have changed. Nothing is said in them alone: they may be
emptied at any time.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.orm import Session

from throughput import kept_days
from throughput.errors import TimingsOfNewer
from throughput.lengths import bucket
from throughput.spans import Case, ClockOf, TaskTime, Wait, begun, read
from throughput.working import WorkClock, work_clock
from workflow.chores import Chore
from workflow.jobs import EVERY_MINUTE
from workflow.store import Store
from workflow.tables import (
    DefinitionSource,
    Event,
    LogHead,
    TimingCase,
    TimingGroup,
    TimingState,
    TimingStep,
    TimingSum,
    TimingTask,
)

RULES = 5
"""Raised when events are read otherwise than before: what was kept by other rules is made anew."""
AT_ONCE = 2000
"""Events in one transaction: some tens of milliseconds, for which nobody else writes on SQLite."""
ROWS_PER_EVENT = 5
"""So many times as many rows are forgotten in one."""
MILESTONES = ("requested", "approved", "signed", "delivered")
_SUMS = [f"{kind}{unit}" for kind in Wait for unit in ("_us", "_working_us")]


class Clocks:
    """The working clocks of definitions, by their digest: read once each."""

    def __init__(self) -> None:
        self._known: dict[str, WorkClock | None] = {}

    def of(self, session: Session, sha256: str) -> WorkClock | None:
        """The clock of the calendar that a definition names; None where there is none."""
        if sha256 not in self._known:
            source = session.scalar(
                select(DefinitionSource.source).where(DefinitionSource.sha256_hex == sha256)
            )
            name = None if source is None else tomllib.loads(source).get("process", {}).get("calendar")
            self._known[sha256] = None if name is None else work_clock(name)
        return self._known[sha256]


def chore(store: Store) -> Chore:
    """What a worker does so that no report has much to read."""
    return Chore("timings", EVERY_MINUTE, Keeper(store).catch_up)


@dataclass
class Keeper:
    """Keeps the timings of an office up with its log."""

    store: Store
    at_once: int = AT_ONCE
    clocks: Clocks = field(default_factory=Clocks)

    def catch_up(self, told: Callable[[int], None] = lambda _: None) -> int:
        """Read what has come since; gives how many events that were, and tells it on the way.

        Several may do it at once. Raises TimingsOfNewer, and leaves what is kept as it is.
        """
        self.store.have_row(TimingState.table(), {"id": 1, "after_seq": 0, "rules": RULES})
        read_in_all = 0
        while True:
            with self.store.write() as session:
                count, more = self._step(session)
            read_in_all += count
            if not more:
                return read_in_all
            told(read_in_all)

    def backlog(self) -> int:
        """How many events there are yet to read."""
        with self.store.read() as session:
            return behind(session)

    def _step(self, session: Session) -> tuple[int, bool]:
        """Read on, or make way for other rules: how many events were read, and if there is more to do."""
        state = session.get_one(TimingState, 1, with_for_update=True)
        if state.rules > RULES:
            raise TimingsOfNewer(
                f"The timings are kept by rules {state.rules}, and this release knows those up to {RULES}.",
                hint="Use the newer release.",
            )
        if state.rules < RULES:
            if _empty_some(session, ROWS_PER_EVENT * self.at_once):
                state.after_seq, state.rules = 0, RULES
            return 0, True
        rows = session.execute(
            select(Event.seq, Event.record)
            .where(Event.seq > state.after_seq)
            .order_by(Event.seq)
            .limit(self.at_once)
        ).all()
        if not rows:
            return 0, False
        records = [record for row in rows if (record := json.loads(row.record)).get("request") is not None]
        take_in(session, records, lambda sha256: self.clocks.of(session, sha256))
        state.after_seq = rows[-1].seq
        return len(rows), len(rows) == self.at_once


def behind(session: Session) -> int:
    """How many events are not in what is kept: all of them, while it is by other rules than ours."""
    last = session.scalar(select(LogHead.seq)) or 0
    state = session.get(TimingState, 1)
    return last - (state.after_seq if state is not None and state.rules == RULES else 0)


def take_in(session: Session, records: Sequence[Mapping[str, Any]], clock_of: ClockOf) -> None:
    """Bring the tables up with the next records of the log, each of a request."""
    pages = _Pages.of(session, sorted({record["request"] for record in records}))
    for record in records:
        case = pages.case(record)
        read(case, record, clock_of)
        pages.note(case, record)
    pages.write(session)


@dataclass
class _Pages:
    """The rows of the requests that a step reads of, as cases, until they are written back."""

    rows: dict[int, dict[str, Any]]
    known_cases: set[int]
    known_tasks: set[int]
    cases: dict[int, Case]
    steps: Counter[tuple[date, str, str, str, str, int]] = field(default_factory=Counter)
    sums: Counter[tuple[date, str, str, str, str, int]] = field(default_factory=Counter)
    days: kept_days.Sums = field(default_factory=kept_days.Sums)

    @classmethod
    def of(cls, session: Session, requests: Sequence[int]) -> "_Pages":
        """Read what is kept of these requests; of tasks only the open ones, for the others are done."""
        table, tasks = TimingCase.table(), TimingTask.table()
        rows = {
            row["request_id"]: dict(row)
            for row in session.execute(select(table).where(table.c.request_id.in_(requests))).mappings()
        }
        held = session.execute(
            select(tasks).where(tasks.c.request_id.in_(requests), tasks.c.ended_at.is_(None))
        ).mappings()
        open_tasks = {row["request_id"]: _task(dict(row)) for row in held}
        cases = {number: _case(row, open_tasks.get(number)) for number, row in rows.items()}
        return cls(rows, set(rows), {task.number for task in open_tasks.values()}, cases)

    def case(self, record: Mapping[str, Any]) -> Case:
        """The case that an event is about; its first event begins it."""
        if record["request"] not in self.cases:
            self.cases[record["request"]] = begun(record)
        return self.cases[record["request"]]

    def note(self, case: Case, record: Mapping[str, Any]) -> None:
        """Keep what an event says beside the case: its state, and each length of a machine's work."""
        row = self.rows.setdefault(case.request, _new_row(case))
        self.days.moved(row, record)
        self.days.leaves(row, case)
        row["state"] = record.get("to") or row["state"]
        day = datetime.fromisoformat(record["at"]).date()
        for part in ("system", "provider"):
            said = record.get("durations_us" if part == "system" else "provider_us") or {}
            for step, microseconds in said.items():
                row[f"{part}_us"] += microseconds
                place = (day, case.key, case.variant, part, step, bucket(microseconds))
                self.steps[place] += 1
                self.sums[place] += microseconds

    def write(self, session: Session) -> None:
        """Put it all into the tables."""
        for number, case in self.cases.items():
            _bring_up(self.rows[number], case)
            self.days.read(self.rows[number], (task for task in case.tasks if task.ended_at is not None))
        self.days.write(session)
        tasks = [_task_row(case.request, task) for case in self.cases.values() for task in case.tasks]
        _put(session, TimingTask.table(), "number", tasks, self.known_tasks)
        _put(session, TimingCase.table(), "request_id", list(self.rows.values()), self.known_cases)
        self._write_steps(session)

    def _write_steps(self, session: Session) -> None:
        names = ("day", "key", "variant", "part", "step", "bucket")
        rows = [
            {**dict(zip(names, place, strict=True)), "n": n, "sum_us": self.sums[place]}
            for place, n in self.steps.items()
        ]
        kept_days.add_up(session, TimingStep.table(), rows, ("n", "sum_us"))


def _case(row: Mapping[str, Any], task: TaskTime | None) -> Case:
    """What is kept, as a case; its lists hold what is read from now on, and the open task."""
    case = Case(
        row["request_id"], row["key"], row["variant"], row["opened_at"], row["definition_sha256"], row["unit"]
    )
    case.milestones = {name: at for name in MILESTONES if (at := row[f"{name}_at"]) is not None}
    case.returns, case.documents_signed = row["returns"], row["signatures"]
    case.providers = set(row["providers"].split("\n")) - {""}
    case.channels = {"program"} if row["by_program"] else set()
    case.outcome, case.ended_at = row["outcome"], row["ended_at"]
    case.tasks = [] if task is None else [task]
    return case


def _new_row(case: Case) -> dict[str, Any]:
    sums = dict.fromkeys([*_SUMS, "system_us", "provider_us"], 0)
    return {
        "request_id": case.request,
        "key": case.key,
        "variant": case.variant,
        "definition_sha256": case.definition,
        "unit": case.unit,
        "opened_at": case.opened_at,
        "state": "",
        "contacts": 0,
        **sums,
    }


def _bring_up(row: dict[str, Any], case: Case) -> None:
    row |= {f"{name}_at": case.milestones.get(name) for name in MILESTONES}
    row |= {
        "ended_at": case.ended_at,
        "outcome": case.outcome,
        "returns": case.returns,
        "signatures": case.documents_signed,
        "by_program": "program" in case.channels,
        "providers": "\n".join(sorted(case.providers)),
    }
    for task in case.tasks:
        if task.ended_at is not None:
            row["contacts"] += 1
            for kind in Wait:
                row[f"{kind}_us"] += task.spent_us.get(kind, 0)
                worked, before = task.working_us.get(kind, 0), row[f"{kind}_working_us"]
                row[f"{kind}_working_us"] = None if worked is None or before is None else before + worked


def _task(row: Mapping[str, Any]) -> TaskTime:
    task = TaskTime(
        row["number"], row["state"], row["offered_at"], row["since"], Wait(row["kind"]), row["suspended"]
    )
    # A kind that it was never in has nothing; one that it was in for no time at all is as good as that.
    task.spent_us = {kind: row[f"{kind}_us"] for kind in Wait if row[f"{kind}_us"]}
    task.working_us = {kind: row[f"{kind}_working_us"] for kind in Wait if kind in task.spent_us}
    return task


def _task_row(request: int, task: TaskTime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": task.number,
        "request_id": request,
        "state": task.state,
        "offered_at": task.offered_at,
        "since": task.since,
        "kind": task.kind.value,
        "suspended": task.suspended,
        "ended_at": task.ended_at,
        "channel": task.channel,
        "trigger": task.trigger,
        "returned": task.returned,
    }
    for kind in Wait:
        row[f"{kind}_us"] = task.spent_us.get(kind, 0)
        row[f"{kind}_working_us"] = task.working_us.get(kind, 0)
    return row


def _put(session: Session, table: Table, name: str, rows: list[dict[str, Any]], known: set[int]) -> None:
    """Write rows by their number: new ones at once, known ones over what is there."""
    if new := [row for row in rows if row[name] not in known]:
        session.execute(insert(table), new)
    if old := [{**row, "b_number": row.pop(name)} for row in rows if row[name] in known]:
        columns: dict[str, Any] = {key: bindparam(key) for key in old[0] if key != "b_number"}
        session.execute(update(table).where(table.c[name] == bindparam("b_number")).values(columns), old)


def _empty_some(session: Session, most: int) -> bool:
    """Forget so many rows of a table; whether nothing is left. All at once would keep others from writing."""
    for row in (TimingSum, TimingGroup, TimingStep, TimingTask, TimingCase):
        table = row.table()
        keys = tuple(table.primary_key.columns)
        some = select(*keys).limit(most)
        found: Any = session.execute(delete(table).where(tuple_(*keys).in_(some)))
        if found.rowcount:
            return False
    return True
