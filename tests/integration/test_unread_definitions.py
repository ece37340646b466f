"""One definition that this release can't read keeps its own requests waiting, and nothing else."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from signing.profile import packaged_profiles
from tests.databases import Database, intruder
from tests.integration.engine_office import NOW, Office
from tests.integration.test_retention import DAY, Keeper
from watching.logs import told
from workflow import checkup, keeping, steps
from workflow.commands import Answer, StepRef, StepTrouble
from workflow.errors import DefinitionMissing, Refused
from workflow.incidents import listed
from workflow.issued import IssuedRegister
from workflow.outcomes import Verdict
from workflow.reminders import Reminders
from workflow.steps import Steps
from workflow.workbench import Workbench

SOURCE = "later = 'than this release'"
DIGEST = sha256(SOURCE.encode()).hexdigest()


def unreadable(office: Office, *numbers: int, source: str = SOURCE) -> None:
    """A definition of a later release, with which these requests began."""
    digest = sha256(source.encode()).hexdigest()
    with intruder(office.store, guarded=False) as own:
        values = (digest, "later", "A9", len(source), source)
        own.execute(
            "INSERT INTO definitions (sha256_hex, key, variant, version, source) VALUES (?, ?, ?, ?, ?)",
            values,
        )
        for number in numbers:
            own.execute("UPDATE requests SET definition_sha256 = ? WHERE id = ?", (digest, number))
            own.execute(
                "UPDATE tasks SET definition_sha256 = ? WHERE request_id = ? AND closed_at IS NULL",
                (digest, number),
            )


@pytest.fixture
def keeper(tmp_path: Path, database: Database) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path, database)
    yield keeper
    keeper.store.close()


@pytest.fixture
def office(keeper: Keeper) -> Office:
    """Two requests that a step waits for, and two that a person does; the first of each can't be read."""
    office = keeper.office
    for _ in range(2):
        office.fire("approve", "clerk", office.to_review())
    for _ in range(2):
        office.submit()
    unreadable(office, 1, 3)
    return office


def test_steps_of_the_others_are_done(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    steps = Steps(cast(Workbench, SimpleNamespace(engine=office.engine)))
    for _ in range(2):
        with office.store.read() as session:
            assert [ref.request_id for ref in steps.waiting(session)] == [2]
    lines = [told(record) for record in caplog.records if record.msg == "definition_unreadable"]
    assert [line["definition"] for line in lines] == [DIGEST]


def test_an_incident_is_opened_and_told_without_the_definition(office: Office) -> None:
    ref = StepRef(1, "rendering", office.request(1).step_seq)
    trouble = StepTrouble(ref, DefinitionMissing.code, "It can't be read.", "It can't be read.")
    with office.store.write() as session:
        assert office.engine.report_trouble(session, [trouble]) != [None]
    with office.store.read() as session:
        for who in (None, "administrator"):
            rooms: dict[str, Any] = {"definition_of": office.engine.definition, "now": office.now}
            [found] = listed(session, seen_by=who, **rooms)
            assert (found.request_id, found.code, found.step) == (1, DefinitionMissing.code, "")
            assert found.may_repair == ("administrator",)
        assert listed(session, seen_by="clerk", **rooms) == []


def test_requests_are_listed_and_the_tasks_of_the_others_done(office: Office) -> None:
    assert [one.id for one in office.engine.requests("employee")] == [4, 3, 2, 1]
    assert [one.id for one in office.engine.requests("auditor")] == [4, 3, 2, 1]
    assert [one.id for one in office.engine.requests("manager")] == [4, 2]
    assert [one.request_id for one in office.engine.queue("manager").items] == [4]
    lost, done = office.engine.execute_batch([office.command("claim", "manager", n) for n in (3, 4)])
    assert isinstance(lost, DefinitionMissing)
    assert isinstance(done, Answer)


def test_reminders_of_the_others_go_out(office: Office) -> None:
    reminders = Reminders(
        office.store, definition_of=office.engine.definition, now=lambda: NOW + timedelta(days=60)
    )
    with office.store.read() as session:
        assert {due.request_id for due in reminders.due(session)} == {4}


def test_the_others_are_destroyed_and_what_has_no_term_is_kept(keeper: Keeper) -> None:
    lost, done = keeper.withdrawn(), keeper.withdrawn()
    unreadable(keeper.office, lost)
    keeper.holds.place(done, "clerk", "An appeal.")
    assert keeper.done().requests == 0
    keeper.holds.release(done, "clerk", "It is over.")
    assert keeper.done().requests == 1
    assert (keeper.is_destroyed(lost), keeper.is_destroyed(done)) == (False, True)
    assert keeper.retention.preview(days=7).due == []
    assert keeper.office.now == DAY


def test_an_administrator_keeps_it_from_being_destroyed_and_releases_it(keeper: Keeper) -> None:
    lost = keeper.withdrawn()
    known = keeper.office.request(lost).definition_sha256
    unreadable(keeper.office, lost)
    with pytest.raises(DefinitionMissing):
        keeper.holds.place(lost, "clerk", "An appeal.")
    with pytest.raises(Refused):
        keeper.holds.place(lost, "administrator", "An appeal.", on_behalf_of="clerk")
    held = keeper.holds.place(lost, "administrator", "An appeal.")
    assert held.left == (held.id,)
    with intruder(keeper.office.store, guarded=False) as own:  # its file is put back
        own.execute("UPDATE requests SET definition_sha256 = ? WHERE id = ?", (known, lost))
    assert (keeper.done().requests, keeper.is_destroyed(lost)) == (0, False)
    unreadable(keeper.office, lost, source=f"{SOURCE}\n")
    assert keeper.holds.release(lost, "administrator", "It is over.").left == ()


def test_the_check_says_how_many_wait(office: Office) -> None:
    [found] = checkup.pinned_definitions(cast(Any, office))
    assert (found.state, found.area) == ("wrong", "definitions")
    assert DIGEST in found.message
    assert found.message.endswith("wait: 2.")


@pytest.mark.parametrize("later", ["later = 'than this release'", None])
def test_the_register_tells_of_it_to_its_requester_and_to_auditors(keeper: Keeper, later: str | None) -> None:
    office = keeper.office
    lost = office.submit()
    known = office.catalogue.by_hash(office.request(lost).definition_sha256).source
    unreadable(office, lost, source=later or known.replace("office-nl", "office-be"))
    with office.store.read() as session:
        told = {
            who
            for who in ("employee", "auditor", "manager", "outsider", "gone")
            if IssuedRegister(office.store, lambda: NOW, who)._may_see(session, office.request(lost))
        }
    assert told == {"employee", "auditor"}


@pytest.mark.parametrize(
    ("known", "later", "named"),
    [
        ('calendar = "office-nl"', 'calendar = "office-be"', "calendar 'office-be'"),
        ('kind = "employer_declaration"', 'kind = "reference"', "document kind 'reference'"),
        ('auto = "render"', 'auto = "compose"', "step 'compose'"),
        ('when = ["temporary"]', 'when = ["seasonal"]', "guard 'seasonal'"),
    ],
)
def test_one_that_names_what_this_release_lacks_stops_no_other(
    keeper: Keeper, known: str, later: str, named: str
) -> None:
    office = keeper.office
    lost, other = office.submit(), office.submit()
    source = office.catalogue.by_hash(office.request(lost).definition_sha256).source
    assert known in source
    unreadable(office, lost, source=source.replace(known, later))
    assert [one.id for one in office.engine.requests("employee")] == [other, lost]
    assert [one.request_id for one in office.engine.queue("manager").items] == [other]
    left, done = office.engine.execute_batch([office.command("claim", "manager", n) for n in (lost, other)])
    assert isinstance(left, DefinitionMissing)
    assert isinstance(done, Answer)
    reminders = Reminders(
        office.store, definition_of=office.engine.definition, now=lambda: NOW + timedelta(days=60)
    )
    with office.store.read() as session:
        assert {due.request_id for due in reminders.due(session)} == {other}
        assert keeping.overdue(session, office.engine.definition, NOW) == 0
    assert keeper.retention.preview(days=7).due == []
    [found] = checkup.pinned_definitions(cast(Any, office))
    assert (found.state, found.message.endswith(f"{named}. Its requests wait: 1.")) == ("wrong", True)


def test_a_step_that_no_worker_knows_is_given_up(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    office = keeper.office
    office.fire("approve", "clerk", office.to_review())
    [ref] = office.deferred
    monkeypatch.setattr(steps, "STEPS", {})
    with ThreadPoolExecutor(1) as writers:
        rooms = SimpleNamespace(
            engine=office.engine, store=office.store, writers=writers, profiles=packaged_profiles()
        )
        [outcome] = asyncio.run(Steps(cast(Workbench, rooms)).run([ref]))
    assert (outcome.verdict, outcome.code) == (Verdict.GAVE_UP, DefinitionMissing.code)
