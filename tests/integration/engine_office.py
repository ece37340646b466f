"""A fixed cast in one office, an engine over a real database, and a way to drive requests through it.

The requester, two managers, two clerks, two signers, a substitute, an auditor, and an outsider from another
unit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from documents.kinds import KINDS
from signing.profile import packaged_profiles
from tests.databases import Database, copy_of, fresh
from tests.proving import Proving
from tests.read_once import packaged
from workflow import outside_given, outside_signed
from workflow.brought import Brought
from workflow.commands import Answer, Command, StepRef, StepResult, Submission
from workflow.definition import Catalogue
from workflow.definition_model import Definition
from workflow.engine import Engine
from workflow.logcheck import LogReport, verify
from workflow.names import known_names
from workflow.reading import history
from workflow.reauthentication import is_asked
from workflow.store import FILE, VARIABLE, Store
from workflow.tables import Base, Grant, Person, Request, Substitute, Task

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
UNIT, ELSEWHERE = "records", "harbour"
DECLARATION, PLAN = "employer-declaration", "team-action-plan"

PEOPLE = {
    "employee": UNIT,
    "colleague": UNIT,
    "manager": UNIT,
    "manager2": UNIT,
    "clerk": "back-office",
    "clerk2": "back-office",
    "signer": "board",
    "signer2": "board",
    "substitute": UNIT,
    "auditor": "audit",
    "administrator": "computing",
    "outsider": ELSEWHERE,
    "gone": UNIT,
}
# The sample documents name these people for the signature.
NAMES = {
    "signer": KINDS["employer_declaration"].example()["signing"]["name"],
    "manager": KINDS["action_plan"].example()["approval"]["name"],
}
# role → (person, unit it is granted for)
GRANTS: Mapping[str, Sequence[tuple[str, str | None]]] = {
    "employee": [("employee", None), ("colleague", None), ("manager", None), ("outsider", None)],
    "author": [("employee", None), ("manager", None)],
    "manager": [("manager", UNIT), ("manager2", UNIT), ("outsider", ELSEWHERE), ("gone", UNIT)],
    "leader": [("manager", UNIT), ("manager2", UNIT)],
    "clerk": [("clerk", None), ("clerk2", None), ("manager2", None)],
    "signer": [("signer", None), ("signer2", None), ("clerk2", None)],
    "auditor": [("auditor", None)],
    "administrator": [("administrator", None)],
}


def settle_people(store: Store) -> None:
    people = [
        {"id": name, "name": NAMES.get(name, name.title()), "unit": unit, "active": name != "gone"}
        for name, unit in PEOPLE.items()
    ]
    grants = [
        {"person_id": person, "role": role, "unit": unit}
        for role, granted in GRANTS.items()
        for person, unit in granted
    ]
    standing_in = {
        "principal_id": "manager",
        "substitute_id": "substitute",
        "role": "manager",
        "valid_from": date(2026, 11, 1),
        "valid_until": date(2026, 11, 30),
    }
    with store.write() as session:
        for table, rows in ((Person, people), (Grant, grants), (Substitute, [standing_in])):
            session.connection().execute(insert(table), rows)


@dataclass
class Office:
    """An engine with its clock, its job list and a way to send commands."""

    store: Store
    catalogue: Catalogue = field(default_factory=lambda: packaged(known_names()))
    now: datetime = NOW
    deferred: list[StepRef] = field(default_factory=list)
    keys: Iterable[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.engine = Engine(
            store=self.store,
            catalogue=self.catalogue,
            kinds=KINDS,
            defer=self._defer,
            clock=lambda: self.now,
            asks_proof=partial(is_asked, profiles=packaged_profiles()),
        )

    @classmethod
    def open(cls, folder: Path, environ: Mapping[str, str] | None = None) -> "Office":
        store = Store.open(folder, environ or {})
        settle_people(store)
        return cls(store)

    @classmethod
    @contextmanager
    def kept(
        cls, folder: Path, request: pytest.FixtureRequest, live: "Callable[[Office], None]"
    ) -> "Iterator[Office]":
        """An office in which something happened, all of it right, closed to be used again (`again`)."""
        with fresh(request.param, folder, request) as database:
            office = cls.open(folder, database.environ)
            live(office)
            assert office.report().ok
            office.store.close()
            yield office

    @contextmanager
    def again(self, folder: Path, request: pytest.FixtureRequest) -> "Iterator[Office]":
        """This office, which is closed, over a copy of its database: made in no time, and to be spoilt."""
        database = Database(self.store.url, {VARIABLE: self.store.url.render_as_string(hide_password=False)})
        if self.store.file is not None:
            copyfile(self.store.file, folder / FILE)
        with copy_of(database, folder, request) as copy:
            office = replace(self, store=Store.open(folder, copy.environ), deferred=[*self.deferred])
            yield office
            office.store.close()

    def _defer(self, _session: Session, refs: Sequence[StepRef]) -> None:
        self.deferred.extend(refs)

    def key(self) -> str:
        return f"key-{next(iter(self.keys))}"

    @property
    def proving(self) -> Proving:
        return Proving(self.store, lambda: self.now)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def command(self, trigger: str, actor: str, request_id: int | None = None, **rest: Any) -> Command:
        key = rest.pop("key", None) or self.key()
        if "seen_version" not in rest and trigger in {"approve", "sign", "release_seal"}:
            rest["seen_version"] = self.version(request_id)
        seen = rest.get("seen_version")
        if rest.get("consent") and isinstance(seen, int) and request_id is not None and "proof" not in rest:
            rest["proof"] = self.proving.prove(actor, {request_id: seen})
        return Command(trigger, actor, key, request_id, **rest)

    def version(self, request_id: int | None) -> int | None:
        """The present version of a request that there is."""
        with self.store.read() as session:
            row = None if request_id is None else session.get(Request, request_id)
            return None if row is None else row.version

    def do(self, trigger: str, actor: str, request_id: int | None = None, **rest: Any) -> Answer:
        return self.engine.execute(self.command(trigger, actor, request_id, **rest))

    def submission(self, variant: str = "A3", *, temporary: bool = False, **rest: Any) -> Command:
        definition = self.catalogue.get(DECLARATION, variant)
        return self.command(
            "submit",
            "employee",
            data=rest.pop("data", None) or sections(definition, definition.start, temporary=temporary),
            submission=Submission(DECLARATION, variant, **rest),
        )

    def submit(self, variant: str = "A3", *, temporary: bool = False, **rest: Any) -> int:
        return self.engine.execute(self.submission(variant, temporary=temporary, **rest)).request_id

    def to_review(self, variant: str = "A3", *, temporary: bool = False) -> int:
        """Submit, and let the manager approve."""
        number = self.submit(variant, temporary=temporary)
        self.fire("approve", "manager", number, temporary=temporary)
        return number

    def to_sign(self, variant: str = "A3", *, temporary: bool = False) -> int:
        """Bring a request to the signer."""
        number = self.to_review(variant, temporary=temporary)
        self.fire("approve", "clerk", number, temporary=temporary)
        self.run_steps()
        return number

    def fire(self, trigger: str, actor: str, number: int, *, temporary: bool = False, **rest: Any) -> Answer:
        """Fire a trigger with everything typed that it asks for."""
        case = self.request(number)
        definition = self.catalogue.by_hash(case.definition_sha256)
        typed = entries(definition, case.state, trigger, temporary=temporary)
        return self.do(trigger, actor, number, **(typed | rest))

    def request(self, number: int) -> Request:
        with self.store.read() as session:
            return session.get_one(Request, number)

    def task(self, number: int) -> Task:
        with self.store.read() as session:
            return session.scalars(
                select(Task).where(Task.request_id == number, Task.closed_at.is_(None))
            ).one()

    def records(self, number: int) -> list[dict[str, Any]]:
        """What the log says of a request, hashed part and body together."""
        with self.store.read() as session:
            entries_of = list(history(session, number))
        return [{**one.record, "body": one.body} for one in entries_of]

    def report(self) -> LogReport:
        with self.store.read() as session:
            return verify(session)

    def rows(self) -> dict[str, int]:
        """How many rows each table of ours holds."""
        with self.store.read() as session:
            return {
                name: session.scalar(select(func.count()).select_from(table)) or 0
                for name, table in Base.metadata.tables.items()
            }

    def finish(self, ref: StepRef, trigger: str) -> int | None:
        with self.store.write() as session:
            return self.engine.finish_step(session, ref, trigger, record={"sha256": "0" * 64}, body={})

    def run_steps(self) -> None:
        """Do what a worker does: finish every deferred step well, and what those defer."""
        while self.deferred:
            refs, self.deferred = self.deferred, []
            with self.store.write() as session:
                self.engine.finish_steps(session, [StepResult(ref, self.good(ref)) for ref in refs])

    def good(self, ref: StepRef) -> str:
        return {"rendering": "rendered", "sealing": "signed", "sealing_second": "signed"}.get(
            ref.state, "delivered"
        )


def sections(definition: Definition, state: str, *, temporary: bool = False) -> dict[str, Any]:
    """The sample document's sections that this state's person fills in."""
    example = (
        KINDS["employer_declaration"].example(temporary=temporary)
        if definition.key == DECLARATION
        else KINDS["action_plan"].example()
    )
    return {name: example[name] for name in definition.states[state].edits if name in example}


def person_for(definition: Definition, state: str) -> str:
    """Who of the cast does the work of this state when all goes well."""
    role = definition.states[state].role
    return {"author": "employee", "leader": "manager", None: ""}.get(role, role or "")


FILES = {
    "given": outside_given.exported("declaration", 1, "0" * 64, 1, durations_us={"export": 1}),
    "signed": outside_signed.imported(
        outside_signed.Imported(
            document="declaration",
            revision=1,
            profile="elsewhere",
            level_asked="B-LT",
            level_reached="B-LTA",
            indication="TOTAL-PASSED",
            sha256="1" * 64,
            bytes=2,
            durations_us={"validate": 1},
            signers={},  # of whom there would have to be rows
            certificates={},
        )
    ),
    "scan": Brought("scan", "1" * 64, {}, {}),
}
"""What goes along where a file goes out or comes back: told of, with no rows."""


def entries(definition: Definition, state: str, trigger: str, *, temporary: bool = False) -> dict[str, Any]:
    """What this person types for this trigger so that nothing is missing."""
    asked = definition.states[state].triggers[trigger]
    facts = {
        "note": "On course.",
        "signed_by": "S. Sample",
        "signed_on": "2026-11-20",
        "posted_on": "2026-11-20",
    }
    typed: dict[str, Any] = {"facts": {name: facts[name] for name in asked.record}}
    if asked.file:
        typed["brought"] = FILES[asked.file]
    if asked.remark:
        typed["remark"] = "Please look again."
    if asked.consent:
        typed["consent"] = asked.consent
    if asked.check:
        typed["data"] = sections(definition, state, temporary=temporary)
    return typed
