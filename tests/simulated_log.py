"""Logs of many requests whose times are known: those of a simulated office, as events in a database.

Everybody claims what they take up, begins it, may suspend it, and lets it go on or back; what is left open is
none, unless the log is cut short. Filled as benchmarks.filling does it, past the engine, and like what the
engine writes.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from benchmarks.filling import SECOND, UNITS, Filling, Process, _Case
from benchmarks.sinks import sink_of
from throughput.scenario import WEEK_MIN, Scenario
from throughput.simulate import Luck, SimulatedOffice, Visit
from workflow import ledger_rows
from workflow.calendar import CALENDARS
from workflow.definition import load_folder
from workflow.definition_model import consent_sha256
from workflow.names import known_names
from workflow.store import Store
from workflow.tables import Person

BEGINS = datetime(2025, 1, 6, tzinfo=UTC)
CLERKS, ASKERS = 6, 40
PROVIDER_S = 1.5


class OfficeTime:
    """The moments at which an office has been open for so many minutes."""

    def __init__(self, calendar: str = "office-nl") -> None:
        openings = list(CALENDARS[calendar].openings(BEGINS, until=datetime(2028, 12, 30, tzinfo=UTC)))
        self._opens = [opens for opens, _ in openings]
        lengths = [(closes - opens) / timedelta(minutes=1) for opens, closes in openings]
        self._before = [0.0, *accumulate(lengths)]

    def __call__(self, minutes: float) -> datetime:
        day = bisect_right(self._before, minutes) - 1
        return self._opens[day] + timedelta(minutes=minutes - self._before[day])


class SimulatedLog(Filling):
    """Writes the requests of a scenario, of one variant of the declaration."""

    def __init__(
        self, store: Store, scenario: Scenario, count: int, seed: int, until: datetime | None = None
    ) -> None:
        super().__init__([sink_of(store)], count, 0, (), BEGINS)
        luck = Luck.of(count, seed)
        self.office = SimulatedOffice(scenario, luck)
        self.arrived = np.cumsum(luck.gaps) * WEEK_MIN / scenario.per_week
        self.office.take(self.arrived, until=np.inf)
        by_number = sorted(self.office.visits, key=attrgetter("number", "ready"))
        self._visits = {number: list(own) for number, own in groupby(by_number, key=attrgetter("number"))}
        self._scenario, self._time, self._beside = scenario, OfficeTime(), {}
        self._ends = until  # nothing is told of what happens later
        definition = load_folder(known_names()).get("employer-declaration", scenario.name)
        self._process = Process.of(definition)

    @property
    def lead_days(self) -> Any:
        """How long each request took, in the office's days."""
        return (self.office.delivered - self.arrived) / (WEEK_MIN / 5)

    def _write(self) -> None:
        self._rows["hands"] = list(dict.fromkeys(self._rows["hands"]))  # who came back laid the same one
        if self._ends is not None:
            self._rows["tasks"] = []  # whose numbers are those of events; times are read from events alone
        super()._write()

    def _request(self, number: int) -> None:
        place = number - 1
        visits = self._visits[place]
        asker = number % ASKERS
        case = _Case(number, self._process, f"E{asker:04}", UNITS[asker % len(UNITS)], BEGINS)
        opened_at = self._go(case, self.arrived[place])
        self._move(case, "request_submitted", "submit", "request", "manager", case.requester)
        for visit in visits:
            self._go(case, visit.ready)
            self._move(case, "request_advanced", "approve", "manager", "review", f"M{asker:04}")
            self._visit(case, visit, f"C{number % CLERKS:03}")
        self._sign(case, float(self.office.signed[place]))
        self._go(case, float(self.office.delivered[place]))
        self._machine("document_delivered", "delivered", "delivering", "delivered", case, {"deliver": 900})
        self._keep(case, opened_at)

    def _visit(self, case: _Case, visit: Visit, clerk: str) -> None:
        self._act(case, "task_claimed", visit.begun, clerk)
        self._act(case, "task_started", max(visit.begun, visit.end - visit.worked), clerk)
        if visit.suspended:
            self._act(case, "request_suspended", visit.end, clerk)
            self._act(case, "request_resumed", visit.end + visit.suspended, clerk)
        self._go(case, visit.end + visit.suspended)
        if visit.returned:
            self._move(case, "request_returned", "return", "review", "manager", clerk, {"remark": "Look."})
            return
        self._move(case, "request_advanced", "approve", "review", "rendering", clerk)
        self._machine("document_rendered", "rendered", "rendering", "sign", case, {"render": 40_000})

    def _sign(self, case: _Case, signed: float) -> None:
        self._go(case, max(0.0, signed - self._scenario.signer_min))
        self._act(case, "task_started", None, "S000", claim=True)
        self._go(case, signed)
        self._move(case, "request_advanced", "sign", "sign", "sealing", "S000", self._consent)
        self._beside = {"provider_us": {"sign": int(PROVIDER_S * 1e6)}, "field": "employer"}
        self._machine("document_signed", "signed", "sealing", "delivering", case, {"sign": 50_000})

    @property
    def _consent(self) -> Mapping[str, str]:
        language, text = self._process.definition.consent_in("click", "nl")
        digest = consent_sha256(text)
        return {"consent": "click", "consent_language": language, "consent_sha256": digest}

    def _act(self, case: _Case, kind: str, minutes: float | None, who: str, *, claim: bool = False) -> None:
        facts = {"state": case.state, "task": case.task["id"]}
        if claim:
            self._event(case, "task_claimed", facts, {"actor": who})
        if minutes is not None:
            self._go(case, minutes)
        self._event(case, kind, facts, {"actor": who})

    def _machine(
        self, kind: str, trigger: str, here: str, there: str, case: _Case, took: Mapping[str, int]
    ) -> None:
        self._beside |= {"channel": "system", "durations_us": took}
        self._move(case, kind, trigger, here, there, "machine")
        self._beside = {}

    def _event(self, case: _Case, kind: str, facts: Mapping[str, Any], said: Mapping[str, str]) -> None:
        if self._ends is None or case.at + SECOND < self._ends:
            super()._event(case, kind, {**facts, **self._beside}, said)

    def _go(self, case: _Case, minutes: float) -> datetime:
        """Have the case's next event at this minute; what came before is not overtaken."""
        case.at = max(case.at, self._time(minutes) - SECOND)
        return case.at


def write_log(
    store: Store, scenario: Scenario, count: int, *, seed: int = 1, until: datetime | None = None
) -> SimulatedLog:
    """Fill an empty database with `count` requests that came in by a scenario; the store is closed then.

    `until`: the log ends there, whatever goes on.
    """
    people = [f"E{n:04}" for n in range(ASKERS)] + [f"M{n:04}" for n in range(ASKERS)]
    people += [f"C{n:03}" for n in range(CLERKS)] + ["S000", "machine"]
    with store.write() as session:
        _settle(session, people)
    made = SimulatedLog(store, scenario, count, seed, until)
    made.run()
    store.close()
    return made


def _settle(session: Session, people: Sequence[str]) -> None:
    session.add_all(Person(id=one, name=one, unit="back-office") for one in people)
    ledger_rows.write_definitions(session.connection(), load_folder(known_names()).all)
