"""Fills databases with the log of requests that went the whole way, as they would be after two years of work.

Requests overlap as they do in an office. Rows and log are what reading times and exporting ask for: the log's
chain does not verify, and there are no bodies, tasks and documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any

from benchmarks.filling import UNITS, Process
from benchmarks.sinks import Row, Sink, sink_of
from workflow import ledger_rows
from workflow.canonical import encode
from workflow.definition import load_folder
from workflow.eventlog import utc_text
from workflow.names import known_names
from workflow.store import Store
from workflow.tables import Person

SPAN = timedelta(days=700)
KEY, WEIGHTS = "employer-declaration", {"A0": 20, "A1": 30, "A3": 30, "A4": 20}
OPEN, WITHDRAWN, RETURNED, SUSPENDED = 0.02, 0.03, 0.1, 0.05
AT_ONCE = 50_000  # events whose rows are in memory
EVENTS = ("seq", "request_id", "type", "recorded_at", "record", "prev_hash", "hash")
REQUESTS = (
    *("id", "key", "variant", "definition_sha256", "state", "version", "step_seq", "requester_id"),
    *("unit", "language", "data", "data_sha256", "opened_at", "closed_at", "outcome"),
)
Moment = tuple[float, str, dict[str, Any]]
"""Minutes after the opening, the type, and what the event says."""


@dataclass
class _Way:
    """How one request goes: its events, one after the other."""

    random: Random
    minute: float = 0.0
    said: list[Moment] = field(default_factory=list)

    def add(self, after: float, type_: str, **facts: Any) -> None:
        self.minute += self.random.lognormvariate(0, 0.7) * after
        self.said.append((self.minute, type_, facts))

    def move(self, after: float, type_: str, here: str, there: str, **facts: Any) -> None:
        self.add(after, type_, **{"from": here, "to": there, "trigger": "go", **facts})

    def machine(self, type_: str, here: str, there: str, mark: str | None, *steps: str) -> None:
        taken = {step: int(self.random.lognormvariate(8, 0.4)) for step in steps}
        facts: dict[str, Any] = {"durations_us": taken, "channel": "system"}
        if there == "delivered":
            facts["outcome"] = "done"
        self.move(0.05, type_, here, there, **facts, **({"mark": mark} if mark else {}))

    def work(self, state: str) -> None:
        self.add(600, "task_claimed", state=state)
        self.add(30, "task_started", state=state)
        if self.random.random() < SUSPENDED:
            self.add(3, "request_suspended", state=state)
            self.add(2000, "request_resumed", state=state)

    def go(self) -> list[Moment]:
        """To its end, or as far as it comes."""
        self.move(0, "request_submitted", "request", "manager", mark="requested", task=True)
        self.work("manager")
        if self.random.random() < RETURNED:
            self.move(8, "request_returned", "manager", "request", task=True)
            self.move(400, "request_advanced", "request", "manager", task=True)
            self.work("manager")
        if self.random.random() < WITHDRAWN:
            self.move(200, "request_withdrawn", "manager", "withdrawn", outcome="withdrawn")
            return self.said
        self.move(8, "request_advanced", "manager", "review", mark="approved", task=True)
        self.work("review")
        self.move(6, "request_advanced", "review", "rendering")
        self.machine("document_rendered", "rendering", "sealing", None, "render")
        self.machine(
            "document_signed", "sealing", "signed", "signed", "prepare", "sign", "timestamp", "embed"
        )
        self.machine("document_delivered", "signed", "delivered", "delivered", "deliver")
        return self.said


class _Filling:
    def __init__(self, sinks: Sequence[Sink], count: int, now: datetime) -> None:
        self._sinks, self._count, self._now = sinks, count, now
        self._random = Random(count)  # noqa: S311 (the same rows each time)
        catalogue = load_folder(known_names())
        self._processes = [Process.of(catalogue.get(KEY, variant)) for variant in WEIGHTS]
        self._coming: list[tuple[float, int, int]] = []
        self._ways: dict[int, tuple[Process, float, list[Moment]]] = {}
        self._events: list[Row] = []
        self._requests: list[Row] = []
        self._seq = 0

    def run(self) -> int:
        gap = SPAN / timedelta(minutes=1) / self._count
        for number in range(1, self._count + 1):
            opened = number * gap
            self._write_until(opened)
            self._open(number, opened)
        self._write_until(float("inf"))
        self._flush()
        for sink in self._sinks:
            sink.finish(self._seq, f"{self._seq:064x}")
        return self._seq

    def _open(self, number: int, opened: float) -> None:
        [process] = self._random.choices(self._processes, list(WEIGHTS.values()))
        way = _Way(self._random).go()
        if self._random.random() < OPEN:
            way = way[: self._random.randrange(1, len(way))]
        self._ways[number] = (process, opened, way)
        heappush(self._coming, (opened, number, 0))
        self._request(number, process, opened, way)

    def _write_until(self, minute: float) -> None:
        while self._coming and self._coming[0][0] <= minute:
            _, number, place = heappop(self._coming)
            process, opened, way = self._ways[number]
            self._event(number, process, opened, way[place], first=place == 0)
            if place + 1 < len(way):
                heappush(self._coming, (opened + way[place + 1][0], number, place + 1))
            else:
                del self._ways[number]
        if len(self._events) >= AT_ONCE:
            self._flush()

    def _at(self, minute: float) -> datetime:
        return self._now - SPAN - timedelta(days=14) + timedelta(minutes=minute)

    def _event(self, number: int, process: Process, opened: float, one: Moment, *, first: bool) -> None:
        self._seq += 1
        minute, type_, facts = one
        at = utc_text(self._at(opened + minute))
        definition = process.definition
        record = {"channel": "person", **facts, "key": KEY, "variant": definition.variant, "request": number}
        record |= {"definition": definition.sha256_hex, "seq": self._seq, "at": at, "type": type_}
        if facts.get("task"):
            record["task"] = self._seq
        if first:
            record["unit"] = UNITS[number % len(UNITS)]
        hashes = (f"{self._seq - 1:064x}", f"{self._seq:064x}")
        self._events.append((self._seq, number, type_, at, encode(record), *hashes))

    def _request(self, number: int, process: Process, opened: float, way: list[Moment]) -> None:
        definition, (_, _, last) = process.definition, way[-1]
        state = next(facts["to"] for _, _, facts in reversed(way) if "to" in facts)
        outcome = last.get("outcome")
        ended = self._at(opened + way[-1][0]) if outcome else None
        what = (number, KEY, definition.variant, definition.sha256_hex, state, len(way), 0, "E0000")
        whose = (UNITS[number % len(UNITS)], "nl", process.data, process.data_sha256)
        self._requests.append((*what, *whose, self._at(opened), ended, outcome))

    def _flush(self) -> None:
        for sink in self._sinks:
            sink.add("requests", REQUESTS, self._requests)
            sink.add("events", EVENTS, self._events)
        self._requests.clear()
        self._events.clear()


def fill(stores: Sequence[Store], count: int, *, now: datetime) -> int:
    """Fill empty databases, all alike; how many events each has."""
    catalogue = load_folder(known_names())
    for store in stores:
        with store.write() as session:
            session.add(Person(id="E0000", name="Anna Berg", unit=UNITS[0]))
            session.flush()
            ledger_rows.write_definitions(
                session.connection(), [catalogue.get(KEY, variant) for variant in WEIGHTS]
            )
    return _Filling([sink_of(store) for store in stores], count, now).run()
