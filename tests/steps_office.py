"""An office of sample people for the tests of the automatic steps: who does what, and what must always hold.

The real thing throughout: a database, blobs, the queue and its worker, the development authority's server.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from shutil import copyfile
from typing import Any

from asn1crypto import cms
from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import select, text

from documents.kinds import KINDS, Evidence
from documents.kinds.action_plan import example as plan_example
from documents.register import SAMPLE, Register
from signing.profile import Level, Profile
from signing.signers import Signer
from tests.proving import Proving
from workflow.commands import Command, StepRef, Submission
from workflow.faults import VARIABLE
from workflow.judge import office_day
from workflow.key_limits import DailyLimit
from workflow.keys import OfficeKeys
from workflow.logcheck import verify
from workflow.named import named
from workflow.office import REGISTER_FILE, Office
from workflow.outcomes import Patience, StepOutcome
from workflow.people import update_people
from workflow.store import VARIABLE as DATABASE
from workflow.tables import Delivery, DocumentRow, Event, Incident, Request, SignatureRow, Substitute

STOP_VARIABLE = "STEPS_STOP_POINT"
FOREVER_VARIABLE = "STEPS_FOREVER"
ROOT = Path(__file__).resolve().parents[1]
DECLARATION, PLAN = "employer-declaration", "team-action-plan"
MANAGER, CLERK, SIGNER, OTHER_SIGNER = "P004", "P020", "P001", "P002"
QUICK = Patience(
    tries=60, first_wait_s=0.02, longest_wait_s=0.2, deaths=1000, heartbeat_s=0.1, silent_s=0.8, poll_s=0.05
)


@dataclass(frozen=True)
class KeyedOffice(Office):
    """An office where some people's keys come from the test."""

    special: dict[str, Signer] = field(default_factory=dict)

    def keys(self) -> "_SpecialKeys":  # type: ignore[override]
        return _SpecialKeys(super().keys(), self.special)


@dataclass(frozen=True)
class _SpecialKeys:
    usual: OfficeKeys
    special: Mapping[str, Signer]

    def signer(
        self, profile: Profile, *, person_id: str, person_name: str, organisation: str | None
    ) -> Signer:
        holder = person_id if profile.kind == "person" else "seal"
        if holder in self.special:
            return self.special[holder]
        return self.usual.signer(
            profile, person_id=person_id, person_name=person_name, organisation=organisation
        )

    def named(self, name: str) -> Signer:
        return self.usual.named(name)

    def limit_of(self, signer: Signer) -> DailyLimit | None:
        return self.usual.limit_of(signer)


class Sample:
    """A data folder with its people, driven one command and one step at a time."""

    def __init__(self, office: KeyedOffice) -> None:
        self.office = office
        self.count = 0
        assert office.register is not None
        self.register = office.register
        self.signer = SIGNER

    @property
    def today(self) -> date:
        """The office's day, which is another one after midnight."""
        return office_day(next(iter(self.office.catalogue)), self.office.clock())

    @classmethod
    def open(
        cls, folder: Path, environ: Mapping[str, str] | None = None, *, patience: Patience = QUICK
    ) -> "Sample":
        copyfile(SAMPLE, folder / REGISTER_FILE)
        sample = cls(KeyedOffice.open(folder, environ=environ or {}, patience=patience))
        with sample.office.store.write() as session:
            update_people(session, sample.register, now=sample.office.clock())
            session.add_all(signers_stand_in(sample.today))
        return sample

    # --- people

    def submit(self, variant: str = "A3", *, temporary: bool = False, language: str = "en") -> int:
        """A declaration of somebody with a permanent or a temporary contract."""
        person = _employee(self.register, self.today, temporary=temporary)
        data = self.register.prefill(person, on=self.today)
        return self.do(
            "submit", person, None, data=data, submission=Submission(DECLARATION, variant, language)
        )

    def submit_plan(self, variant: str = "standard", language: str = "en") -> int:
        author = _employee(self.register, self.today, temporary=False)
        submission, data = Submission(PLAN, variant, language), plan_example()
        data["approval"]["name"] = self.register.person(MANAGER).name
        return self.do("submit", author, None, data=data, submission=submission)

    def submit_mixed(self) -> list[int]:
        """One of each: A1, A3 and A4, permanent and temporary; and a plan: seven."""
        declarations = [
            self.submit(variant, temporary=temporary, language=language)
            for variant, permanent, until in (("A1", "en", "da"), ("A3", "nl", "nb"), ("A4", "da", "nl"))
            for temporary, language in ((False, permanent), (True, until))
        ]
        return [*declarations, self.submit_plan()]

    def submit_few(self, turn: int) -> list[int]:
        """A permanent and a temporary declaration of two variants, other ones by turns; and a plan: three."""
        variants = ("A1", "A3", "A4")
        permanent, temporary = variants[turn % 3], variants[(turn + 1) % 3]
        return [self.submit(permanent), self.submit(temporary, temporary=True), self.submit_plan()]

    def do(self, trigger: str, actor: str, request_id: int | None, **rest: Any) -> int:
        self.count += 1
        if request_id is not None and "seen_version" not in rest:
            rest["seen_version"] = self.request(request_id).version
        if rest.get("consent") and request_id is not None:
            proving = Proving(self.office.store, self.office.clock)
            rest.setdefault("proof", proving.prove(actor, {request_id: rest["seen_version"]}))
        command = Command(trigger, actor, f"test-{os.getpid()}-{self.count}", request_id, **rest)
        return self.office.engine.execute(replace(command, channel="program")).request_id

    def act(self, requests: Iterable[int] | None = None) -> int:
        """Whoever's turn it is does what brings the request on; how many did. Plans stay when they run."""
        wanted = None if requests is None else set(requests)
        done = 0
        for request in self.requests():
            if (wanted is None or request.id in wanted) and request.closed_at is None:
                done += self._act(request)
        return done

    def _act(self, request: Request) -> bool:
        turn = {
            "manager": self._manager,
            "review": self._clerk,
            "approve": lambda _: (MANAGER, "approve", {}),
            "sign": self._sign,
            "countersign": self._sign,
            "second_release": lambda _: (OTHER_SIGNER, "release_seal", {}),
            "second_countersign": lambda _: (SIGNER, "release_seal", {}),
            "follow_up": None,
        }.get(request.state)
        if turn is None:
            return False
        actor, trigger, rest = turn(request)
        self.do(trigger, actor, request.id, **rest)
        return True

    def _manager(self, request: Request) -> tuple[str, str, dict[str, Any]]:
        temporary = request.data["employment"]["contract"] == "temporary"
        part = {"continuation": {"prospect": "permanent", "changed_conditions": False}}
        return MANAGER, "approve", {"data": part if temporary else {}}

    def _clerk(self, request: Request) -> tuple[str, str, dict[str, Any]]:
        kind = KINDS["employer_declaration"]
        data: dict[str, Any] = {
            "signing": {
                "name": self.register.person(self.signer).name,
                "place": "Voorbeeldstad",
                "contact_name": "Personnel desk (sample)",
                "contact_phone": "070 000 0000",
            }
        }
        evidence = self.register.evidence(request.requester_id, on=self.today)
        found = kind.check(kind.model.model_validate({**request.data, **data}), "final", evidence)
        if reasons := {problem.rule: "Checked (sample)." for problem in found}:
            data["reasons"] = reasons
        return CLERK, "approve", {"data": data}

    def _sign(self, request: Request) -> tuple[str, str, dict[str, Any]]:
        state = self.office.catalogue.by_hash(request.definition_sha256).states[request.state]
        trigger = next(iter(state.triggers.values()))
        actor = MANAGER if state.role in ("manager", "leader") else self.signer
        other = OTHER_SIGNER if actor == SIGNER else SIGNER
        for_other = named(state, request.data) == self.register.person(other).name
        principal = other if for_other and state.role == "signer" else None
        return actor, trigger.name, {"consent": trigger.consent, "on_behalf_of": principal}

    # --- steps

    async def work(self) -> None:
        """Run a worker until no step is left."""
        await self.office.work(until_idle=True)

    async def run_steps(self, refs: Sequence[StepRef] | None = None) -> list[StepOutcome]:
        """Run the steps that wait (or these) once, without the queue."""
        async with self.office.steps() as steps:
            if refs is None:
                refs = self.waiting()
            return await steps.run(refs)

    async def run_until(self, state: str, request_id: int) -> None:
        """Act and run steps until a request is in a state, without the queue."""
        for _ in range(20):
            if self.request(request_id).state == state:
                return
            if not self.act([request_id]):
                await self.run_steps(self.waiting(request_id))
        raise AssertionError(f"request {request_id} is in {self.request(request_id).state}")

    def waiting(self, *requests: int) -> list[StepRef]:
        """The steps that wait, of all requests or of these."""
        return [
            StepRef(request.id, request.state, request.step_seq)
            for request in self.requests()
            if (not requests or request.id in requests)
            and self.office.catalogue.by_hash(request.definition_sha256).states[request.state].auto
        ]

    # --- looking

    def rows(self, table: Any, *where: Any) -> list[Any]:
        with self.office.store.read() as session:
            return list(session.scalars(select(table).where(*where).order_by(*table.table().primary_key)))

    def requests(self) -> list[Request]:
        return self.rows(Request)

    def request(self, request_id: int) -> Request:
        return self.rows(Request, Request.id == request_id)[0]

    def documents(self, request_id: int) -> list[DocumentRow]:
        return self.rows(DocumentRow, DocumentRow.request_id == request_id)

    def signatures(self, request_id: int) -> list[SignatureRow]:
        numbers = [document.id for document in self.documents(request_id)]
        return self.rows(SignatureRow, SignatureRow.document_id.in_(numbers))

    def incidents(self, request_id: int) -> list[Incident]:
        return self.rows(Incident, Incident.request_id == request_id)

    def records(self, request_id: int, kind: str) -> list[dict[str, Any]]:
        found = self.rows(Event, Event.request_id == request_id, Event.type == kind)
        return [json.loads(event.record) for event in found]

    def failures(self, request_id: int) -> list[str]:
        """What people were told when a step came back to them."""
        query = text(
            "SELECT body FROM bodies JOIN events USING (seq)"
            " WHERE request_id = :id AND type = 'step_failed' ORDER BY seq"
        )
        with self.office.store.read() as session:
            return list(session.execute(query, {"id": request_id}).scalars())

    def jobs(self) -> int:
        query = text(
            "SELECT count(*) FROM procrastinate_jobs"
            " WHERE task_name = 'paraaf.steps' AND status IN ('todo', 'doing')"
        )
        with self.office.store.read() as session:
            return int(session.execute(query).scalar_one())

    # --- what must always hold

    def require_sound(self, requests: Iterable[int] | None = None) -> None:
        """Nothing half-signed: rows, events, files and log tell the same story."""
        self._require_log()
        wanted = [request.id for request in self.requests()] if requests is None else list(requests)
        for number in wanted:
            self._require_story(number)

    def leftovers(self) -> list[Path]:
        """Temporary files of blobs that were being written."""
        return list(self.office.blobs.inner.folder.glob("?/.incoming-*"))

    def require_finished(self, requests: Iterable[int]) -> None:
        """Sound; and every request at its end, with every field of its document signed."""
        wanted = list(requests)
        self.require_sound(wanted)
        for number in wanted:
            request, document = self.request(number), self.documents(number)[-1]
            assert request.state in ("delivered", "running"), (number, request.state)
            assert document.level_reached is not None
            assert set(_field_values(self.office.blobs.get(document.current_sha256))) == _required(request)
            assert len(self.rows(Delivery, Delivery.document_id == document.id)) == 1
            assert not [each for each in self.incidents(number) if each.resolved_at is None]
        assert self.jobs() == 0

    def _require_log(self) -> None:
        with self.office.store.read() as session:
            report = verify(session)
        assert report.ok, report

    def _require_story(self, number: int) -> None:
        events = self.records(number, "document_signed")
        told = Counter((event["revision"], event["field"]) for event in events)
        assert all(times == 1 for times in told.values()), told
        finished = 0
        for document in self.documents(number):
            rows = self.rows(SignatureRow, SignatureRow.document_id == document.id)
            assert len({row.field for row in rows}) == len(rows)
            done = {row.field: row for row in rows if row.event_seq is not None}
            finished += len(done)
            values = _field_values(self.office.blobs.get(document.current_sha256))
            assert values == {name: row.value for name, row in done.items()}
            _require_levels(document, done, [e for e in events if e["revision"] == document.revision_no])
        assert finished == len(events)


def signers_stand_in(today: date) -> Iterator[Substitute]:
    """Each of the two signers may sign for the other, whom a document names."""
    for principal, substitute in ((SIGNER, OTHER_SIGNER), (OTHER_SIGNER, SIGNER)):
        yield Substitute(
            principal_id=principal,
            substitute_id=substitute,
            role="signer",
            valid_from=today - timedelta(days=1),
            valid_until=today + timedelta(days=365),
        )


def _require_levels(
    document: DocumentRow, done: Mapping[str, SignatureRow], events: Sequence[Mapping[str, Any]]
) -> None:
    if not done:
        assert (document.level_reached, document.current_sha256) == (None, document.rendered_sha256)
        return
    last = max(done.values(), key=lambda row: row.event_seq or 0)
    assert (last.signed_sha256, last.level_reached) == (document.current_sha256, document.level_reached)
    for event in events:
        row = done[event["field"]]
        assert event["seq"] == row.event_seq
        assert event["sha256"] == row.signed_sha256
        assert event["level_asked"] == event["level_reached"] == row.level_asked == row.level_reached


def _employee(register: Register, today: date, *, temporary: bool) -> str:
    """Somebody of the manager's unit without duties, about whom the register raises no error."""
    kind, manager = KINDS["employer_declaration"], register.person(MANAGER)
    contract = "temporary" if temporary else "permanent"
    for person in register.people():
        if (person.unit, person.duties, person.contract) == (manager.unit, None, contract):
            data = register.prefill(person.person_id, on=today)
            found = kind.check(kind.model.model_validate(data), "request", Evidence(issued_on=today))
            if all(problem.severity == "warning" for problem in found):
                return person.person_id
    raise AssertionError("the sample register has nobody fit")


def _required(request: Request) -> set[str]:
    if request.key == PLAN:
        return {"approver"}
    temporary = request.data["employment"]["contract"] == "temporary"
    return {"employer", "manager"} if temporary else {"employer"}


def _field_values(pdf: bytes) -> dict[str, bytes]:
    """The signature value in each signed field of a PDF, as pyHanko reads it; timestamps left out."""
    values: dict[str, bytes] = {}
    for embedded in PdfFileReader(BytesIO(pdf)).embedded_regular_signatures:
        signed_data = embedded.signed_data
        assert isinstance(signed_data, cms.SignedData)
        assert embedded.field_name not in values
        values[embedded.field_name] = signed_data["signer_infos"][0]["signature"].native
    return values


def level_of(pdf: bytes) -> Level:
    """The level that a file's structure shows, for those of our profiles."""
    reader = PdfFileReader(BytesIO(pdf))
    stamped = reader.embedded_timestamp_signatures
    unsigned = [e.signer_info["unsigned_attrs"] for e in reader.embedded_regular_signatures]
    tokens = all(any(a["type"].native == "signature_time_stamp_token" for a in attrs) for attrs in unsigned)
    if not tokens:
        return Level.B_B
    if "/DSS" not in reader.root:
        return Level.B_T
    return Level.B_LTA if stamped else Level.B_LT


@contextmanager
def worker(
    sample: Sample, kill_point: str = "", *, stop_point: str = "", forever: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, until idle; it dies at the kill point, and at the latest here.

    `forever`: it goes on when it is idle, and when the database goes away.
    At the stop point, a point of the protocol, it stops (SIGSTOP) once.
    """
    url = sample.office.store.url.render_as_string(hide_password=False)
    points = {VARIABLE: kill_point, STOP_VARIABLE: stop_point, DATABASE: url}
    points |= {FOREVER_VARIABLE: "yes"} if forever else {}
    environment = {**os.environ, **points, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.steps_worker", str(sample.office.folder)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool], limit_s: float = 180) -> None:
    """Wait until something has happened in another process."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
