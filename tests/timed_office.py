"""An office with months of requests behind it, for what tells of times: written past the engine, in one go.

The log says what an engine would have said of the moves. Its records name none before them, and nothing else
is there of the requests: no tasks, no documents.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from sqlalchemy import func, insert, select, update

from tests.steps_office import DECLARATION
from workflow import ledger_rows
from workflow.definition_model import Definition
from workflow.judge import data_digest
from workflow.office import Office
from workflow.tables import Event, LogHead, Request

SLOW, FAST = "A1", "A3"
UNITS = ("Policy", "Front office", "Advice")
WORKED_MINUTES = {"manager": 4.0, "review": 9.0, "sign": 2.0}


@dataclass
class Past:
    """Writes requests with what happened to them; the same ones for the same seed."""

    office: Office
    requester: str
    seed: int = 7
    events: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 (the same each time)
        assert self.office.register is not None
        self._data = self.office.register.prefill(self.requester, on=self.office.clock().date())
        with self.office.store.read() as session:
            self._request = session.scalar(select(func.max(Request.id))) or 0

    def happen(
        self,
        count: int,
        *,
        days: int = 150,
        units: Sequence[str] = UNITS,
        variants: Sequence[str] = (SLOW, FAST),
        still_open: float = 0.06,
    ) -> None:
        """So many requests over so many days until now; the log is in the order of time."""
        now = self.office.clock()
        for number in range(count):
            opened = now - timedelta(days=days) * (1 - number / count)
            opened = opened.replace(hour=8 + int(self._random.triangular(0, 9, 2)) % 9)
            variant = self._random.choice(variants)
            recent = (now - opened) < timedelta(days=8)
            stops = self._random.random() < (0.7 if recent else still_open / 3)
            self._one(variant, self._random.choice(units), min(opened, now), now, stops=stops)

    def write(self) -> None:
        """Put it all into the database."""
        self.events.sort(key=lambda one: one["at"])
        with self.office.store.write() as session:
            catalogue = list(self.office.engine.catalogue)
            ledger_rows.write_definitions(session.connection(), catalogue)
            session.execute(insert(Request.table()), self.rows)
            head = session.get_one(LogHead, 1)
            rows, before = [], head.hash
            for seq, record in enumerate(self.events, head.seq + 1):
                rows.append(self._event(seq, record, before))
                before = rows[-1]["hash"]
            session.execute(insert(Event.table()), rows)
            session.execute(update(LogHead).values(seq=rows[-1]["seq"], hash=rows[-1]["hash"]))
        self.events, self.rows = [], []

    def _one(self, variant: str, unit: str, opened: datetime, now: datetime, *, stops: bool) -> None:
        self._request += 1
        definition = self.office.engine.catalogue.get(DECLARATION, variant)
        moves = list(self._moves(definition, opened, slow=variant == SLOW))
        last = self._random.randrange(2, len(moves)) if stops else len(moves)
        happened = [one for one in moves[:last] if one[0] <= now]
        for at, facts in happened:
            self.events.append(self._record(definition, at, facts))
        if happened[0][1].get("type") == "request_submitted":
            happened[0][1]["unit"] = unit
            self.events[-len(happened)]["unit"] = unit
        ended = happened[-1] if happened[-1][1].get("outcome") else None
        state = [facts["to"] for _, facts in happened if "to" in facts][-1]
        self.rows.append(self._row(definition, unit, opened, state, ended))

    def _moves(
        self, definition: Definition, at: datetime, *, slow: bool
    ) -> Iterator[tuple[datetime, dict[str, Any]]]:
        yield at, _moved("request_submitted", "submit", "request", "manager", mark="requested")
        states = [("manager", "review", None), ("review", "rendering", "approved")]
        if self._random.random() < 0.1:
            at += self._hours(3)
            yield at, _moved("request_returned", "return", "manager", "request")
            at += self._hours(8)
            yield at, _moved("request_submitted", "submit", "request", "manager")
        for state, to, mark in states:
            done = list(self._done(at, state, 14 if slow else 6))
            yield from done
            at = done[-1][0]
            yield at, _moved("request_advanced", "approve", state, to, mark=mark)
        if self._random.random() < 0.04:
            yield at, _moved("request_withdrawn", "withdraw", "review", "withdrawn", outcome="withdrawn")
            return
        at += timedelta(seconds=2)
        spent = {"render": self._ms(60), "store": self._ms(20)}
        yield at, _moved("document_rendered", "rendered", "rendering", "sign", spent=spent)
        done = list(self._done(at, "sign", 40 if slow else 5))
        yield from done
        at = done[-1][0]
        yield at, _moved("request_advanced", "sign", "sign", "sealing")
        at += timedelta(seconds=2)
        spent = {"prepare": self._ms(70), "sign": self._ms(1), "timestamp": self._ms(5)}
        yield at, _moved("document_signed", "signed", "sealing", "delivering", mark="signed", spent=spent)
        at += timedelta(seconds=2)
        spent = {"deliver": self._ms(1)}
        end = _moved(
            "document_delivered", "delivered", "delivering", "delivered", mark="delivered", spent=spent
        )
        yield at, end | {"outcome": "done"}

    def _done(self, at: datetime, state: str, hours: float) -> Iterator[tuple[datetime, dict[str, Any]]]:
        at += self._hours(hours)
        yield at, {"type": "task_claimed", "state": state}
        at += self._hours(hours / 8)
        yield at, {"type": "task_started", "state": state}
        at += timedelta(minutes=WORKED_MINUTES[state] * self._random.lognormvariate(0, 0.4))
        yield at, {"type": "document_opened", "state": state}

    def _hours(self, mean: float) -> timedelta:
        return timedelta(hours=mean * self._random.lognormvariate(-0.3, 0.8))

    def _ms(self, mean: float) -> int:
        return int(1000 * mean * self._random.lognormvariate(0, 0.3))

    def _record(self, definition: Definition, at: datetime, facts: dict[str, Any]) -> dict[str, Any]:
        return {
            "channel": "system" if facts.get("durations_us") else "person",
            **{name: value for name, value in facts.items() if value is not None},
            "key": definition.key,
            "variant": definition.variant,
            "definition": definition.sha256_hex,
            "request": self._request,
            "at": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }

    @staticmethod
    def _event(seq: int, record: dict[str, Any], before: str) -> dict[str, Any]:
        waits = record.get("to") in {*WORKED_MINUTES, "request"}
        record = {**record, "seq": seq, **({"task": seq} if waits else {})}
        text = json.dumps(record, sort_keys=True)
        digest = sha256(text.encode()).hexdigest()
        return {
            "seq": seq,
            "request_id": record["request"],
            "type": record["type"],
            "recorded_at": record["at"],
            "record": text,
            "prev_hash": before,
            "hash": digest,
        }

    def _row(
        self,
        definition: Definition,
        unit: str,
        opened: datetime,
        state: str,
        ended: tuple[datetime, dict[str, Any]] | None,
    ) -> dict[str, Any]:
        return {
            "id": self._request,
            "key": definition.key,
            "variant": definition.variant,
            "definition_sha256": definition.sha256_hex,
            "state": state,
            "version": 1,
            "step_seq": 1,
            "requester_id": self.requester,
            "unit": unit,
            "language": "en",
            "data": self._data,
            "data_sha256": data_digest(self._data),
            "opened_at": opened,
            "closed_at": ended[0] if ended else None,
            "outcome": ended[1]["outcome"] if ended else None,
        }


def _moved(
    kind: str,
    trigger: str,
    before: str,
    to: str,
    *,
    mark: str | None = None,
    outcome: str | None = None,
    spent: dict[str, int] | None = None,
) -> dict[str, Any]:
    return {
        "type": kind,
        "trigger": trigger,
        "from": before,
        "to": to,
        "mark": mark,
        "outcome": outcome,
        "durations_us": spent,
    }
