"""A whole batch, from a JSON file to signed and delivered documents: `python -m benchmarks.batch`.

One process with a durable SQLite file (synchronous=FULL); the development authority answers timestamps and
OCSP from a process of its own. Every request takes each step that people and the worker take: intake,
submission, approval by the manager, approval by the clerk, rendering, the signer, sealing, delivery.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from sqlalchemy import func, select

from certs.serve_authority import AuthorityServer
from documents.intake import Row, read_bytes
from documents.kinds import KINDS
from documents.register import SAMPLE, Person, Register
from signing.profile import Level
from signing.secret import Secret
from workflow.commands import Answer, Command, StepRef, Submission
from workflow.office import REGISTER_FILE, Office
from workflow.outcomes import StepOutcome
from workflow.people import update_people
from workflow.proofs import Proof
from workflow.reauthentication import prove_by_password
from workflow.steps import Steps
from workflow.tables import DocumentRow, Request

COUNT = 500
BATCH = 100  # commands in one transaction
ROUNDS = 2
DECLARATION = "employer-declaration"
PASSWORD = Secret("a sample's password")
# What is measured: the name, the variant, the level if it is not the profile's own.
CASES = (
    ("A4 lowered to B-B", "A4", Level.B_B),
    ("A1, click, B-LT", "A1", Level.B_LT),
    ("A4, seal, B-LTA", "A4", Level.B_LTA),
    ("A3, person, B-LTA", "A3", Level.B_LTA),
)
PHASES = ("intake", "submit", "approve", "release", "render", "sign", "deliver", "queue")


@dataclass
class Clock:
    """Adds up wall and processor seconds by phase; what is measured inside another phase is taken off it."""

    wall: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    processor: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))

    @contextmanager
    def phase(self, name: str, *, inside: str | None = None) -> Iterator[None]:
        wall, processor = perf_counter(), process_time()
        yield
        wall, processor = perf_counter() - wall, process_time() - processor
        for kept, spent in ((self.wall, wall), (self.processor, processor)):
            kept[name] += spent
            if inside is not None:
                kept[inside] -= spent


@dataclass(frozen=True)
class Measured:
    """One batch: milliseconds a request, by phase."""

    name: str
    count: int
    wall_ms: Mapping[str, float]
    processor_ms: Mapping[str, float]

    @property
    def rate(self) -> float:
        """Whole requests a second."""
        return 1000 / sum(self.wall_ms.values())


def measure(*, count: int = COUNT, rounds: int = ROUNDS) -> list[Measured]:
    """Run each case in an office of its own; the faster of the rounds is kept."""
    return [
        max((_measured(*case, count) for _ in range(rounds)), key=lambda measured: measured.rate)
        for case in CASES
    ]


def table(*, count: int = COUNT) -> str:
    """The measurements as text."""
    measured = measure(count=count)
    names = [f"{row.name}" for row in measured]
    lines = [f"{count} requests, ms a request: wall (processor)"]
    lines.append(f"{'':<12}" + "".join(f"{name:>22}" for name in names))
    lines += [_line(phase, measured, itemgetter(phase)) for phase in PHASES]
    lines.append(_line("together", measured, lambda spent: sum(spent.values())))
    lines.append(f"{'a second':<12}" + "".join(f"{row.rate:>22.0f}" for row in measured))
    return "\n".join(lines)


def _line(name: str, measured: Sequence[Measured], part: Callable[[Mapping[str, float]], float]) -> str:
    cells = (f"{part(row.wall_ms):.2f} ({part(row.processor_ms):.2f})" for row in measured)
    return f"{name:<12}" + "".join(f"{cell:>22}" for cell in cells)


def _measured(name: str, variant: str, level: Level, count: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder, _office(Path(folder), level) as office:
        batch = Batch(office, variant)
        content = batch.file(count)
        clock = Clock()
        asyncio.run(batch.run(content, clock))
        batch.require_delivered(count, level)
    per_request = 1000 / count
    return Measured(
        name,
        count,
        {phase: spent * per_request for phase, spent in clock.wall.items()},
        {phase: spent * per_request for phase, spent in clock.processor.items()},
    )


@contextmanager
def _office(folder: Path, level: Level) -> Iterator[Office]:
    shutil.copyfile(SAMPLE, folder / REGISTER_FILE)
    office = Office.open(folder, environ={})
    profiles = {
        name: replace(profile, level=level) if profile.signs else profile
        for name, profile in office.profiles.items()
    }
    with office.store.write() as session:
        update_people(session, _register(office), now=office.clock())
    with AuthorityServer(office.authority.folder):
        try:
            yield replace(office, signing=replace(office.signing, profiles=profiles))
        finally:
            office.close()


def _register(office: Office) -> Register:
    assert office.register is not None
    return office.register


@dataclass
class Batch:
    """One batch of declarations, and the sample people who handle it."""

    office: Office
    variant: str

    def __post_init__(self) -> None:
        self.register = _register(self.office)
        self.versions: dict[int, int] = {}
        self.today = self.office.clock().date()
        people = self.register.people()
        self.clerk = next(p for p in people if p.has_duty("clerk"))
        self.signer = next(p for p in people if p.has_duty("signer"))
        self.employees = [p for p in people if not p.duties and p.contract == "permanent"]

    def file(self, count: int) -> bytes:
        """A JSON file of declarations, every field filled in."""
        rows: list[dict[str, Any]] = []
        for number in range(count):
            person = self.employees[number % len(self.employees)]
            data = self.register.prefill(person.person_id, on=self.today)
            rows.append({"person_id": person.person_id, "reference": f"batch-{number}", **data})
        return json.dumps(rows, ensure_ascii=False).encode()

    async def run(self, content: bytes, clock: Clock) -> None:
        """All phases, in the order of the work."""
        with clock.phase("intake"):
            intake = read_bytes(content, "employer_declaration", on=self.today, register=self.register)
            assert not intake.problems, intake.problems[0]
        async with self.office.steps() as steps:
            with clock.phase("submit"):
                requests = self.submit(intake.rows)
            with clock.phase("approve"):
                self.approve(requests)
            await self._work(steps, clock)
            with clock.phase("release"):
                self.release([number for number, _ in requests])
            await self._work(steps, clock)

    def submit(self, rows: Sequence[Row]) -> list[tuple[int, Row]]:
        """Hand in; gives the numbers of the requests."""
        submitted = self._execute([self._submission(row) for row in rows])
        return list(zip((answer.request_id for answer in submitted), rows, strict=True))

    def approve(self, requests: Sequence[tuple[int, Row]]) -> None:
        """The manager approves each, then the clerk."""
        numbers = [number for number, _ in requests]
        self._see(numbers)
        self._execute([self._by_manager(number, row) for number, row in requests])
        self._see(numbers)
        self._execute([self._by_clerk(number, row) for number, row in requests])

    def release(self, numbers: Sequence[int]) -> None:
        """The signer signs each, or releases the seal."""
        self._see(numbers)
        proof = self._proof(numbers)
        self._execute([self._by_signer(number, proof) for number in numbers])

    async def _work(self, steps: Steps, clock: Clock) -> None:
        async def run(refs: Sequence[StepRef]) -> list[StepOutcome]:
            state = {"rendering": "render", "sealing": "sign", "delivering": "deliver"}[refs[0].state]
            with clock.phase(state, inside="queue"):
                return await steps.run(refs)

        with clock.phase("queue"):
            await self.office.jobs.run_worker(
                run, on_gave_up=steps.give_up, waiting=steps.waiting, until_idle=True
            )

    def _execute(self, commands: Sequence[Command]) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(commands), BATCH):
            for answer in self.office.engine.execute_batch(commands[start : start + BATCH]):
                assert isinstance(answer, Answer), answer
                answers.append(answer)
        return answers

    def _submission(self, row: Row) -> Command:
        assert row.person_id is not None
        return Command(
            "submit",
            row.person_id,
            row.submission_key,
            data={name: section for name, section in row.data.items() if section},
            submission=Submission(DECLARATION, self.variant, "nl", row.reference),
            channel="program",
        )

    def _by_manager(self, number: int, row: Row) -> Command:
        employee = self.register.person(row.person_id or "")
        manager = next(
            p for p in self.register.people() if p.unit == employee.unit and self._may_manage(p, employee)
        )
        return self._command("approve", manager.person_id, number)

    def _may_manage(self, person: Person, employee: Person) -> bool:
        return person.has_duty("manager") and person.person_id not in (
            employee.person_id,
            self.signer.person_id,
        )

    def _by_clerk(self, number: int, row: Row) -> Command:
        signing = {
            "name": self.signer.name,
            "place": "Voorbeeldstad",
            "contact_name": "Personnel desk (sample)",
            "contact_phone": "070 000 0000",
        }
        reasons = {problem.rule: "Checked against the appointment letter." for problem in row.warnings}
        kind = KINDS["employer_declaration"]
        model = kind.model.model_validate({**row.data, "signing": signing})
        evidence = self.register.evidence(row.person_id or "", on=self.today)
        reasons |= {p.rule: "Checked (sample)." for p in kind.check(model, "final", evidence)}
        data: dict[str, Any] = {"signing": signing} | ({"reasons": reasons} if reasons else {})
        return self._command("approve", self.clerk.person_id, number, data=data)

    def _proof(self, numbers: Sequence[int]) -> Proof | None:
        """That it is the signer, once for all, where that is asked."""
        if not self.office.engine.asks_proof(self.office.catalogue.get(DECLARATION, self.variant)):
            return None
        who, passwords = self.signer.person_id, self.office.passwords
        if not passwords.has_one(who):
            passwords.set(who, PASSWORD, by=who)
        return prove_by_password(
            passwords, who, PASSWORD, {number: self.versions[number] for number in numbers}
        )

    def _by_signer(self, number: int, proof: Proof | None) -> Command:
        state = self.office.catalogue.get(DECLARATION, self.variant).states["sign"]
        trigger = next(iter(state.triggers.values()))
        return self._command(
            trigger.name, self.signer.person_id, number, consent=trigger.consent, proof=proof
        )

    def _see(self, numbers: Sequence[int]) -> None:
        """Look at the requests that are decided on next."""
        with self.office.store.read() as session:
            rows = session.execute(select(Request.id, Request.version).where(Request.id.in_(numbers)))
            self.versions = {row.id: row.version for row in rows}

    def _command(self, trigger: str, actor: str, number: int, **rest: Any) -> Command:
        key = f"{trigger}-{actor}-{number}"
        return Command(trigger, actor, key, number, self.versions[number], channel="program", **rest)

    def require_delivered(self, count: int, level: Level) -> None:
        """See that every request ended well, and its document reached the level."""
        with self.office.store.read() as session:
            ended = session.scalar(select(func.count()).where(Request.outcome == "done"))
            levels = set(session.scalars(select(DocumentRow.level_reached)))
        assert (ended, levels) == (count, {str(level)}), (ended, levels)


if __name__ == "__main__":
    print(table(count=int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
