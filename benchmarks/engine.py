"""How fast requests move, and how fast the log verifies: `python -m benchmarks.engine`.

On a real SQLite file with synchronous=FULL: what was answered is on the disk. Steps are recorded, not run.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from documents.kinds import KINDS
from workflow.commands import Answer, Command, StepRef, StepResult, Submission
from workflow.definition import Definition, load_folder
from workflow.engine import Engine
from workflow.eventlog import Appender
from workflow.logcheck import verify
from workflow.names import known_names
from workflow.store import Store
from workflow.tables import Grant, Person, Request

KEY, VARIANT = "employer-declaration", "A3"
ROLES = ("employee", "manager", "clerk", "signer")
BATCH = 100
SINGLES = 60
EVENTS = 50_000
ROUNDS = 3
FACTS = {
    "key": KEY,
    "variant": VARIANT,
    "definition": "0" * 64,
    "from": "review",
    "to": "rendering",
    "trigger": "approve",
    "mark": "approved",
    "channel": "person",
}


@dataclass(frozen=True)
class Measured:
    """One kind of work: processor milliseconds and time on the clock for one, best of the rounds."""

    name: str
    cpu_ms: float
    wall_ms: float


class Bench:
    """An office of four people, and requests that go through it together."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder, environ={})
        self.catalogue = load_folder(known_names())
        self.definition = self.catalogue.get(KEY, VARIANT)
        self.deferred: list[StepRef] = []
        self.sent = 0
        self.engine = Engine(
            store=self.store,
            catalogue=self.catalogue,
            kinds=KINDS,
            defer=self._defer,
            clock=lambda: datetime.now(UTC),
            asks_proof=lambda _definition: False,
        )
        names = {"signer": KINDS["employer_declaration"].example()["signing"]["name"]}
        with self.store.write() as session:
            session.add_all(Person(id=role, name=names.get(role, role), unit="office") for role in ROLES)
            session.flush()
            session.add_all(Grant(person_id=role, role=role, unit=None) for role in ROLES)

    def _defer(self, _session: Session, refs: Sequence[StepRef]) -> None:
        self.deferred.extend(refs)

    def commands(self, trigger: str, state: str, numbers: Sequence[int | None]) -> list[Command]:
        """One command for each request, by the person of the state."""
        here = self.definition.states[state]
        fired = here.triggers.get(trigger)
        data = _sections(self.definition, state) if fired is not None and fired.check else {}
        with self.store.read() as session:
            versions = dict(session.execute(select(Request.id, Request.version)).tuples().all())
        return [
            Command(
                trigger,
                here.role or "",
                self._key(),
                number,
                seen_version=None if number is None else versions[number],
                data=data,
                submission=Submission(KEY, VARIANT) if number is None else None,
            )
            for number in numbers
        ]

    def _key(self) -> str:
        self.sent += 1
        return f"bench-{self.sent}"

    def finish(self) -> int:
        """Record the good end of every deferred step; returns how many."""
        refs, self.deferred = self.deferred, []
        good = {name: next(iter(state.triggers), "") for name, state in self.definition.states.items()}
        record = {"sha256": "0" * 64, "durations_us": {"sign": 300, "store": 40}}
        with self.store.write() as session:
            self.engine.finish_steps(
                session, [StepResult(ref, good[ref.state], record, {"signer": "x"}) for ref in refs]
            )
        return len(refs)


def _sections(definition: Definition, state: str) -> dict[str, Any]:
    example = KINDS["employer_declaration"].example()
    return {name: example[name] for name in definition.states[state].edits if name in example}


class Clock:
    """Adds up processor and wall time by the name of what was done."""

    def __init__(self) -> None:
        self.cpu: dict[str, list[float]] = {}
        self.wall: dict[str, list[float]] = {}

    @contextmanager
    def of(self, name: str, number: int) -> Any:
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu.setdefault(name, []).append((time.process_time() - cpu) / number * 1e3)
        self.wall.setdefault(name, []).append((time.perf_counter() - wall) / number * 1e3)

    def measured(self) -> list[Measured]:
        return [Measured(name, min(times), min(self.wall[name])) for name, times in self.cpu.items()]


def measure_batches(bench: Bench) -> list[Measured]:
    """A hundred requests go all the way together, each kind of command in one transaction."""
    clock = Clock()
    for _ in range(ROUNDS):
        numbers: list[int] = []

        def people(label: str, trigger: str, state: str, targets: Sequence[int | None]) -> list[int]:
            commands = bench.commands(trigger, state, targets)
            with clock.of(label, len(commands)):
                answers = bench.engine.execute_batch(commands)
            return [answer.request_id for answer in answers if isinstance(answer, Answer)]

        def machine(label: str) -> None:
            with clock.of(label, BATCH):
                assert bench.finish() == BATCH

        numbers = people("submit", "submit", "request", [None] * BATCH)
        assert len(people("claim", "claim", "manager", numbers)) == BATCH
        assert len(people("approve (manager)", "approve", "manager", numbers)) == BATCH
        assert len(people("approve (clerk)", "approve", "review", numbers)) == BATCH
        machine("rendered")
        assert len(people("sign", "sign", "sign", numbers)) == BATCH
        machine("signed")
        machine("delivered")
    return clock.measured()


def measure_singles(bench: Bench) -> list[Measured]:
    """One command, one transaction, one answer after another."""
    clock = Clock()
    for _ in range(ROUNDS):
        submitted = bench.commands("submit", "request", [None] * SINGLES)
        with clock.of("submit", SINGLES):
            numbers = [bench.engine.execute(command).request_id for command in submitted]
        claims = bench.commands("claim", "manager", numbers)
        with clock.of("claim", SINGLES):
            _all(bench.engine.execute, claims)
        approvals = bench.commands("approve", "manager", numbers)
        with clock.of("approve (manager)", SINGLES):
            _all(bench.engine.execute, approvals)
    return clock.measured()


def _all(do: Callable[[Command], Answer], commands: Sequence[Command]) -> None:
    for command in commands:
        do(command)


def measure_log(folder: Path) -> tuple[float, float]:
    """Events appended and verified a second of processor time."""
    store = Store.open(folder, environ={})
    now, salt = datetime.now(UTC), bytes
    start = time.process_time()
    for _ in range(EVENTS // 1000):
        with store.write() as session:
            log = Appender.lock(session, salt)
            for _ in range(1000):
                log.append("request_advanced", at=now, request_id=None, facts=FACTS, body={"actor": "clerk"})
            log.write()
    appended = EVENTS / (time.process_time() - start)
    verified = 0.0
    with store.read() as session:
        for _ in range(ROUNDS):
            start = time.process_time()
            report = verify(session)
            assert report.ok
            verified = max(verified, report.checked / (time.process_time() - start))
    return appended, verified


def table() -> str:
    """The figures as a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "batch")
        batches = measure_batches(bench)
        singles = {one.name: one for one in measure_singles(Bench(Path(folder) / "single"))}
        appended, verified = measure_log(Path(folder) / "log")
    lines = [
        f"Per command, durable (SQLite, synchronous=FULL); a batch is {BATCH} commands in one transaction.",
        "",
        "| command or step | batch: CPU ms | batch: a second | single: CPU ms | single: a second |",
        "|---|---|---|---|---|",
    ]
    for one in batches:
        alone = singles.get(one.name)
        single = f"{alone.cpu_ms:.2f} | {1000 / alone.wall_ms:.0f}" if alone else "– | –"
        lines.append(f"| {one.name} | {one.cpu_ms:.2f} | {1000 / one.wall_ms:.0f} | {single} |")
    whole = sum(one.cpu_ms for one in batches)
    lines += [
        "",
        f"The engine's share of a whole request, {len(batches)} events: {whole:.1f} ms CPU in a batch.",
        f"The log: {appended:,.0f} events appended and {verified:,.0f} verified per second of CPU.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
