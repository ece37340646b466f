"""Keeping and destroying, request by request: on its day, not before, once, and never what is on hold."""

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event, select, text

from audit.verify_log import verify_file
from documents.blobs import BlobStore
from documents.errors import BlobError, BlobLocked
from tests.databases import Database, as_owner, intruder, only_postgresql, only_sqlite
from tests.integration.engine_office import NOW, PLAN, Office, sections
from tests.postgresql import NOTHING, OWNER, Server, url_of
from watching.logs import told
from workflow import destruction, keeping
from workflow.clock import QUIET, WAIT
from workflow.commands import Command, Submission
from workflow.destruction import DESTROYED
from workflow.errors import AnswerUnreadable, KeyReused, NotFound, Refused, StoreUnavailable
from workflow.eventlog import Appender
from workflow.holds import Holds
from workflow.logcheck import Fault, verify
from workflow.logexport import Export
from workflow.people import LEAVERS_KEPT
from workflow.removals import PATIENCE_S, Removals
from workflow.retention import BY_HAND, OVERDUE_LARGE, Retention, Run, begin_anew
from workflow.store import VARIABLE, Store
from workflow.substitutes import ENDED, NAMED, Substitution, end_substitutions, name_substitute
from workflow.tables import (
    BlobRemoval,
    Body,
    CommandKey,
    DocumentRow,
    Event,
    Grant,
    Hand,
    Hold,
    Person,
    Request,
    RetentionRow,
    Substitute,
    Task,
)

DAY = datetime(2027, 2, 19, 23, 0, tzinfo=UTC)  # 20 February begins in the office, three months after NOW


class _Blobs(BlobStore):
    """A blob folder that refuses to remove some of its files."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stuck: set[str] = set()

    def delete(self, sha256_hex: str) -> bool:
        if sha256_hex in self.stuck:
            raise BlobError("stuck")
        return super().delete(sha256_hex)


class Keeper:
    """An office with its retention and holds, all by one clock."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.office = Office.open(folder, database.environ)
        self.store = self.office.store
        self.blobs = _Blobs(folder / "blobs")
        rooms: dict[str, Any] = {
            "store": self.store,
            "definition_of": self.office.engine.definition,
            "clock": lambda: self.office.now,
            "random_bytes": secrets.token_bytes,
        }
        self.retention = Retention(blobs=self.blobs, **rooms)
        self.holds = Holds(**rooms)

    def withdrawn(self, **rest: Any) -> int:
        number = self.office.submit(**rest)
        self.office.do("withdraw", "employee", number)
        return number

    def delivered(self) -> int:
        number = self.office.to_sign()
        self.office.fire("sign", "signer", number)
        self.office.run_steps()
        assert self.office.request(number).outcome == "done"
        return number

    def add_document(self, number: int, content: bytes) -> str:
        """A document of a request with its file."""
        digest = self.blobs.put(content)
        with self.store.write() as session:
            session.add(
                DocumentRow(
                    request_id=number,
                    name="declaration",
                    kind="employer_declaration",
                    revision_no=9,
                    number=f"2026-{number}",
                    verification_code=secrets.token_hex(8),
                    language="en",
                    issued_on=NOW.date(),
                    data_sha256="",
                    rendered_sha256=digest,
                    current_sha256=digest,
                    created_seq=1,
                )
            )
        return digest

    def run(self, at: datetime = DAY, *, sure: bool = True) -> Run:
        self.office.now = at
        return self.retention.run(clock_is_right=sure)

    def done(self, at: datetime = DAY, *, sure: bool = True) -> Run:
        """What a run did, whether the files are clean then or wait for the owner of the tables."""
        return replace(self.run(at, sure=sure), unclean_since=None)

    def clean(self) -> None:
        """Have the database's files clean, if that needs the owner of the tables."""
        if self.retention.cleaning is not None:
            as_owner(self.store, self.retention.cleaning)

    def is_destroyed(self, number: int) -> bool:
        return self.office.request(number).destroyed_at is not None

    def rows(self, query: Any) -> list[Any]:
        with self.store.read() as session:
            return list(session.scalars(query))

    def change(self, statement: str) -> None:
        with intruder(self.store, guarded=False) as own:
            assert own.execute(statement).rowcount


@pytest.fixture
def keeper(tmp_path: Path, database: Database) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path, database)
    yield keeper
    keeper.store.close()


# --- the day


@pytest.mark.parametrize("how", ["withdrawn", "delivered"])
def test_a_request_is_destroyed_on_its_day_however_it_ended(keeper: Keeper, how: str) -> None:
    number = getattr(keeper, how)()
    assert keeper.run(DAY - timedelta(microseconds=1)).requests == 0
    assert not keeper.is_destroyed(number)
    assert keeper.done(DAY) == Run(requests=1)
    assert keeper.is_destroyed(number)
    assert keeper.office.report().ok


def test_what_has_not_ended_is_kept(keeper: Keeper) -> None:
    waiting = [keeper.office.submit(), keeper.office.to_review(), keeper.office.to_sign()]
    assert keeper.run(DAY + timedelta(days=3650)).requests == 0
    assert not any(map(keeper.is_destroyed, waiting))


def test_the_term_is_that_of_the_definition_that_it_began_with(keeper: Keeper) -> None:
    number = keeper.office.engine.execute(plan(keeper)).request_id
    keeper.office.do("withdraw", "employee", number)
    assert keeper.run(DAY + timedelta(days=365 * 4)).requests == 0
    assert keeper.run(datetime(2031, 11, 19, 23, tzinfo=UTC)).requests == 1


def plan(keeper: Keeper) -> Command:
    definition = keeper.office.catalogue.get(PLAN, "standard")
    data = sections(definition, definition.start)
    return keeper.office.command("submit", "employee", data=data, submission=Submission(PLAN, "standard"))


def test_missed_days_do_no_harm_and_many_are_destroyed_first_ended_first(keeper: Keeper) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(keeper.withdrawn())
        keeper.office.later(days=1)
    with keeper.store.read() as session:
        due = keeping.due(session, keeper.office.engine.definition, DAY + timedelta(days=9), limit=2)
    assert [one.request_id for one in due] == numbers[:2]
    assert keeper.run(DAY + timedelta(days=900)).requests == 3
    assert all(map(keeper.is_destroyed, numbers))


def test_which_definitions_there_are_is_not_read_from_all_requests(keeper: Keeper) -> None:
    """There may be a million: lists, sweeps and batches would wait for that."""
    keeper.withdrawn()
    said: list[str] = []

    def hear(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement.lower())

    event.listen(SqlEngine, "before_cursor_execute", hear)
    try:
        assert keeper.office.engine.requests("clerk")
        assert keeper.run().requests == 1
    finally:
        event.remove(SqlEngine, "before_cursor_execute", hear)
    assert any("from definitions" in one for one in said)
    assert not [one for one in said if "distinct requests." in one]


def test_more_than_a_batch(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.retention.BATCH", 2)
    for _ in range(5):
        keeper.withdrawn()
    assert keeper.run().requests == 5
    assert keeper.office.report().ok


# --- what is left


def test_the_record_says_what_was_destroyed_by_which_rule(keeper: Keeper) -> None:
    number = keeper.withdrawn(reference="A-1")
    digest = keeper.add_document(number, b"%PDF one")
    definition = keeper.office.catalogue.get("employer-declaration", "A3")
    keeper.run(DAY + timedelta(days=2))
    record = keeper.office.records(number)[-1]
    assert record["type"] == DESTROYED
    assert {
        name: record[name] for name in ("rule", "keep", "ended_on", "due_on", "bodies", "definition")
    } == {
        "rule": "keep",
        "keep": "P3M",
        "ended_on": "2026-11-20",
        "due_on": "2027-02-20",
        "bodies": 2,
        "definition": definition.sha256_hex,
    }
    assert record["documents"] == [
        {"document": "declaration", "kind": "employer_declaration", "revision": 9, "sha256": [digest]}
    ]
    assert record["body"] is None


def test_a_person_sees_that_it_was_destroyed(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    keeper.run()
    view = keeper.office.engine.show(number, "auditor")
    assert (view.data, view.reference, view.requester_id, view.language) == ({}, None, "", "und")
    assert view.destroyed_at == DAY
    assert [entry.body for entry in view.history] == [None] * len(view.history)
    with pytest.raises(NotFound):  # to the requester it is as if it had never been
        keeper.office.engine.show(number, "employee")


def test_reference_and_idempotency_key_are_free_again(keeper: Keeper) -> None:
    first = keeper.office.engine.execute(keeper.office.submission(reference="A-1"))
    keeper.office.do("withdraw", "employee", first.request_id)
    keeper.run()
    keeper.office.keys = iter([1])  # the key that the first submission had
    again = keeper.office.engine.execute(keeper.office.submission(reference="A-1"))
    assert not again.repeated
    assert again.request_id != first.request_id


def test_files_go_but_for_those_that_others_refer_to(keeper: Keeper) -> None:
    number, other = keeper.withdrawn(), keeper.office.submit()
    mine, shared = keeper.add_document(number, b"%PDF mine"), b"%PDF shared"
    digest = sha256(shared).hexdigest()
    keeper.change("UPDATE documents SET revision_no = 8")
    keeper.add_document(number, shared)
    keeper.add_document(other, shared)
    assert keeper.run().files == 1
    assert not keeper.blobs.exists(mine)
    assert keeper.blobs.get(digest) == shared
    keeper.office.do("withdraw", "employee", other)  # the last that refers to it
    assert keeper.run(DAY + timedelta(days=100)).files == 1
    assert not keeper.blobs.exists(digest)


def test_two_requests_of_one_batch_may_share_a_file(keeper: Keeper) -> None:
    for _ in range(2):
        keeper.add_document(keeper.withdrawn(), b"%PDF shared")
    assert keeper.run().files == 1


def test_a_file_that_is_referred_to_again_is_not_removed(keeper: Keeper) -> None:
    digest = keeper.add_document(keeper.withdrawn(), b"%PDF one")
    keeper.blobs.stuck = {digest}
    with pytest.raises(BlobError):
        keeper.run()
    keeper.add_document(keeper.office.submit(), b"%PDF one")
    keeper.blobs.stuck = set()
    assert keeper.run().files == 0
    assert keeper.blobs.exists(digest)
    assert not keeper.rows(select(BlobRemoval.sha256))


def test_a_file_that_cannot_be_removed_stops_no_other_and_is_tried_again(keeper: Keeper) -> None:
    first, second = (keeper.add_document(keeper.withdrawn(), name) for name in (b"%PDF 1", b"%PDF 2"))
    keeper.blobs.stuck = {first}
    with pytest.raises(BlobError):
        keeper.run()
    assert (keeper.blobs.exists(first), keeper.blobs.exists(second)) == (True, False)
    assert keeper.retention.preview(days=7).files_left == 1
    keeper.blobs.stuck = set()
    assert keeper.run().files == 1
    assert len(keeper.rows(select(Event.seq).where(Event.type == DESTROYED))) == 2


def test_more_files_than_one_transaction_removes_are_removed_but_those_that_stick(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.removals.BLOBS", 3)
    files = sorted(keeper.add_document(keeper.withdrawn(), b"%%PDF %d" % n) for n in range(10))
    keeper.blobs.stuck = {files[0], files[4]}
    with pytest.raises(BlobError):
        keeper.run()
    assert [keeper.blobs.exists(one) for one in files] == [one in keeper.blobs.stuck for one in files]


def test_a_file_that_cannot_be_removed_keeps_nothing_else_from_being_destroyed(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.retention.BATCH", 2)
    keeper.blobs.stuck = {keeper.add_document(keeper.withdrawn(), b"%PDF 1")}
    with pytest.raises(BlobError):
        keeper.run()
    stray = stored_at(keeper, b"%PDF stray", NOW)
    numbers = [keeper.withdrawn() for _ in range(5)]
    with keeper.store.write() as session:
        session.get_one(Person, "substitute").active = False
    with pytest.raises(BlobError):
        keeper.run(DAY + timedelta(days=200))
    assert all(map(keeper.is_destroyed, numbers))
    assert not keeper.blobs.exists(stray)
    assert not keeper.rows(select(Person.id).where(Person.id == "substitute"))
    assert (keeper.retention.preview(days=7).unclean_since is None) == keeper.store.embedded


def test_what_the_storage_locks_is_tried_once_in_a_run_and_stops_nothing(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.retention.BATCH", 1)
    numbers = [keeper.withdrawn() for _ in range(4)]
    files = [keeper.add_document(number, b"%%PDF %d" % number) for number in numbers]
    tried: list[str] = []

    def locked(sha256_hex: str) -> bool:
        tried.append(sha256_hex)
        raise BlobLocked("locked")

    monkeypatch.setattr(keeper.blobs, "delete", locked)
    with pytest.raises(BlobLocked):
        keeper.run()
    assert all(map(keeper.is_destroyed, numbers))
    assert sorted(tried) == sorted(files)


def test_a_storage_that_says_nothing_is_not_waited_for_file_by_file(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [keeper.withdrawn() for _ in range(8)]
    for number in numbers:
        keeper.add_document(number, b"%%PDF %d" % number)
    waited = 0.0
    alone = []
    patient = type(keeper.store)(keeper.store.url, busy_timeout_ms=1)

    def silent(sha256_hex: str) -> bool:
        nonlocal waited
        waited += PATIENCE_S * 0.7
        raise BlobError("silent")

    def remove_some(removals: Removals, listed: Sequence[str]) -> int:
        with patient.write() as session:  # the lock is free before each
            alone.append(Appender.lock(session, secrets.token_bytes))
        return remove(removals, listed)

    remove = Removals._remove_some
    monkeypatch.setattr(Removals, "_remove_some", remove_some)
    monkeypatch.setattr("workflow.removals.monotonic", lambda: waited)
    monkeypatch.setattr(keeper.blobs, "delete", silent)
    with pytest.raises(BlobError):
        keeper.run()
    assert all(map(keeper.is_destroyed, numbers))
    assert len(alone) == 2, "after two failures the run has waited enough; each ends a transaction"
    monkeypatch.undo()
    patient.close()
    assert keeper.run().files == 8


def stored_at(keeper: Keeper, content: bytes, at: datetime) -> str:
    digest = keeper.blobs.put(content)
    os.utime(keeper.blobs.path(digest), (at.timestamp(), at.timestamp()))
    return digest


def test_a_file_that_no_row_names_goes_when_it_is_as_old_as_the_shortest_term(keeper: Keeper) -> None:
    number = keeper.office.submit()
    named = keeper.add_document(number, b"%PDF named")
    stray, fresh = (stored_at(keeper, name, NOW) for name in (b"%PDF stray", b"%PDF fresh"))
    os.utime(keeper.blobs.path(named), (0, 0))
    os.utime(keeper.blobs.path(fresh), (DAY.timestamp(), DAY.timestamp()))
    assert keeper.run(DAY - timedelta(seconds=1)).files == 0
    assert keeper.run(DAY).files == 1
    assert [keeper.blobs.exists(one) for one in (named, stray, fresh)] == [True, False, True]
    [event] = keeper.rows(select(Event.record).where(Event.type == "stray_files_removed"))
    assert json.loads(event)["files"] == [stray]


def test_people_who_left_go_with_the_last_request_that_names_them(keeper: Keeper) -> None:
    keeper.withdrawn()
    keeper.office.later(days=30)
    second = keeper.office.to_review()
    keeper.office.do("withdraw", "employee", second)
    with keeper.store.write() as session:
        for name in ("employee", "manager"):
            session.get_one(Person, name).active = False
    keeper.run()
    people = set(keeper.rows(select(Person.id)))
    assert {"employee", "manager", "clerk"} <= people
    assert "gone" not in people
    keeper.run(DAY + timedelta(days=40))
    assert {"employee", "manager"}.isdisjoint(keeper.rows(select(Person.id)))
    assert "employee" not in keeper.rows(select(Grant.person_id))
    assert not keeper.rows(select(Substitute.id))  # of the manager
    assert "clerk" in keeper.rows(select(Person.id))
    assert keeper.office.report().ok


def test_who_left_is_kept_for_a_while_with_their_substitutions(keeper: Keeper) -> None:
    """A register may have left them out by mistake."""
    keeper.run(NOW)
    with keeper.store.write() as session:
        person = session.get_one(Person, "substitute")
        person.active, person.left_at = False, NOW
    swaps = len(keeper.rows(select(Substitute.id)))
    assert keeper.run(NOW + LEAVERS_KEPT - timedelta(seconds=1)).people == 0
    assert len(keeper.rows(select(Substitute.id))) == swaps > 0
    assert keeper.run(NOW + LEAVERS_KEPT).people == 1
    assert len(keeper.rows(select(Substitute.id))) < swaps


def test_many_who_left_are_removed_some_at_a_time(keeper: Keeper) -> None:
    """Others wait for the log meanwhile."""
    keeper.run(NOW)
    with keeper.store.write() as session:
        session.add_all(Person(id=f"L{n}", name="L", unit="legal", active=False) for n in range(45))
    assert keeper.run(NOW).people == 45
    records = map(json.loads, keeper.rows(select(Event.record).where(Event.type == "people_removed")))
    assert [record["people"] for record in records][1:] == [20, 20, 5]
    assert not keeper.rows(select(Person.id).where(Person.id.like("L%")))
    assert keeper.office.report().ok


# --- substitutions

DECEMBER = Substitution("substitute", "manager", "manager", date(2026, 12, 1), date(2026, 12, 31))
A_TERM_LATER = datetime(2027, 3, 30, 22, 0, tzinfo=UTC)  # 31 March begins in the office


def stand_in(keeper: Keeper, wanted: Substitution = DECEMBER) -> None:
    with keeper.store.write() as session:
        name_substitute(session, wanted, now=keeper.office.now)


def end(keeper: Keeper, on: date) -> None:
    with keeper.store.write() as session:
        end_substitutions(session, "substitute", "manager", None, today=on, now=keeper.office.now)


def told_of(keeper: Keeper) -> list[str]:
    """What the events still say of who stands in for whom."""
    query = (
        select(Body.body)
        .join(Event, Event.seq == Body.seq)
        .where(Event.type.in_((NAMED, ENDED)), Body.body.is_not(None))
    )
    return keeper.rows(query.order_by(Body.seq))


def first_of(keeper: Keeper) -> None:
    """Only what a test names itself, in an office where a request has begun."""
    keeper.change("DELETE FROM substitutes")
    keeper.office.submit()
    keeper.run(NOW)


def test_who_stood_in_is_forgotten_when_the_longest_term_has_passed(keeper: Keeper, tmp_path: Path) -> None:
    first_of(keeper)
    stand_in(keeper)
    assert keeper.run(A_TERM_LATER - timedelta(microseconds=1)).substitutions == 0
    assert (len(told_of(keeper)), len(keeper.rows(select(Substitute.id)))) == (1, 1)
    run = keeper.run(A_TERM_LATER)
    assert (run.substitutions, run.unclean_since) == (1, None if keeper.store.embedded else NOW)
    assert (told_of(keeper), keeper.rows(select(Substitute.id))) == ([], [])
    assert keeper.done(A_TERM_LATER) == Run()
    [said] = keeper.rows(select(Event.record).where(Event.type == "personal_data_erased"))
    [named] = keeper.rows(select(Event.seq).where(Event.type == NAMED))
    assert (json.loads(said)["erased"], "request" in json.loads(said)) == ([named], False)
    assert keeper.office.report().ok
    export = tmp_path / "export"
    with keeper.store.read() as session:
        export.write_bytes(b"".join(Export.begin(session, with_bodies=True).lines(now=A_TERM_LATER)))
    judged = verify_file(export)  # by the auditor's program, which shares no code
    assert (judged.findings, judged.erased) == ((), 1)


def test_a_longer_term_of_any_request_keeps_it_longer(keeper: Keeper) -> None:
    keeper.office.engine.execute(plan(keeper))
    keeper.office.submit()
    stand_in(keeper)
    assert keeper.run(datetime(2031, 12, 30, 22, tzinfo=UTC)).substitutions == 1  # that of November
    assert len(told_of(keeper)) == 1
    assert keeper.run(datetime(2031, 12, 30, 23, tzinfo=UTC)).substitutions == 1


def test_one_that_was_ended_counts_from_its_last_day(keeper: Keeper) -> None:
    first_of(keeper)
    stand_in(keeper)
    end(keeper, date(2026, 12, 11))
    early = A_TERM_LATER - timedelta(days=21) + timedelta(hours=1)  # 10 March begins
    assert keeper.run(early - timedelta(seconds=1)).substitutions == 0
    assert len(told_of(keeper)) == 2
    assert keeper.run(early).substitutions == 1
    assert told_of(keeper) == []
    assert keeper.office.report().ok


def test_one_that_never_began_goes_and_the_next_of_its_number_stays(keeper: Keeper) -> None:
    first_of(keeper)
    stand_in(keeper)
    end(keeper, date(2026, 11, 20))  # its row went at once: SQLite gives the number again
    stand_in(keeper)
    assert keeper.run(datetime(2027, 2, 18, 23, tzinfo=UTC)).substitutions == 1
    [left] = told_of(keeper)
    assert json.loads(left)["last_day"] == "2026-12-31"
    assert len(keeper.rows(select(Substitute.id))) == 1


@pytest.mark.parametrize("begun", [True, False])
def test_one_of_somebody_who_was_removed_is_forgotten_with_them(keeper: Keeper, *, begun: bool) -> None:
    if begun:
        first_of(keeper)
    else:  # no request was ever begun, so there is no term
        keeper.change("DELETE FROM substitutes")
        keeper.run(NOW)
    stand_in(keeper)
    with keeper.store.write() as session:
        session.get_one(Person, "substitute").active = False
    run = keeper.run(NOW + timedelta(days=1))
    assert (run.people, run.substitutions) == (1, 1)
    assert told_of(keeper) == []
    assert keeper.office.report().ok


def test_a_body_that_is_erased_untold_is_found_though_it_is_of_no_request(keeper: Keeper) -> None:
    stand_in(keeper)
    keeper.change("UPDATE bodies SET salt = NULL, body = NULL, erased_at = '2026-11-20 09:00:00'")
    assert {finding.fault for finding in keeper.office.report().findings} == {Fault.ERASED_UNTOLD}


# --- holds


def test_what_is_on_hold_is_kept_until_every_hold_is_released(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    first = keeper.holds.place(number, "manager", "A claim.")
    second = keeper.holds.place(number, "clerk", "Another claim.")
    assert second.left == (first.id, second.id)
    assert keeper.run().requests == 0
    assert keeper.holds.release(number, "clerk2", "Settled.", hold_id=first.id).left == (second.id,)
    assert keeper.run().requests == 0
    assert keeper.holds.release(number, "clerk2", "Settled.").left == ()
    assert keeper.run().requests == 1
    assert keeper.office.report().ok
    assert [row.reason for row in keeper.rows(select(Hold))] == ["", ""]


def test_a_hold_is_recorded_and_moves_nothing(keeper: Keeper) -> None:
    number = keeper.office.to_review()
    before = keeper.office.request(number)
    hold = keeper.holds.place(number, "manager", "A claim.")
    keeper.holds.release(number, "clerk", "Settled.")
    after = keeper.office.request(number)
    assert (after.version, after.state, after.step_seq) == (before.version, before.state, before.step_seq)
    placed, released = keeper.office.records(number)[-2:]
    assert (placed["type"], placed["body"]) == ("hold_placed", {"actor": "manager", "remark": "A claim."})
    assert (released["type"], released["hold"]) == ("hold_released", hold.id)
    assert released["body"] == {"actor": "clerk", "remark": "Settled."}
    keeper.office.fire("approve", "clerk", number)
    assert keeper.office.report().ok


def test_an_administrator_holds_what_they_may_not_see(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    with pytest.raises(NotFound):
        keeper.office.engine.show(number, "administrator")
    keeper.holds.place(number, "administrator", "A claim.")
    assert keeper.run().requests == 0
    assert keeper.holds.release(number, "administrator", "Settled.").left == ()


def test_who_stands_in_holds_for_their_principal_and_both_are_recorded(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    with keeper.store.write() as session:
        for role in ("administrator", "employee"):
            session.add(
                Substitute(
                    principal_id="administrator" if role == "administrator" else "clerk",
                    substitute_id="colleague",
                    role=role,
                    valid_from=date(2026, 11, 1),
                    valid_until=date(2026, 11, 30),
                )
            )
    for principal, code in ((None, "role"), ("clerk", "substitute"), ("colleague", "role")):
        for attempt in (keeper.holds.place, keeper.holds.release):
            with pytest.raises(Refused) as refused:
                attempt(number, "colleague", "A claim.", on_behalf_of=principal)
            assert code in {reason.code for reason in refused.value.reasons}
    keeper.holds.place(number, "colleague", "A claim.", on_behalf_of="administrator", key="one")
    keeper.holds.release(number, "colleague", "Settled.", on_behalf_of="administrator")
    bodies = [one["body"] for one in keeper.office.records(number)[-2:]]
    assert {(body["actor"], body["on_behalf_of"]) for body in bodies} == {("colleague", "administrator")}
    assert keeper.office.report().ok


def test_the_same_hold_twice_is_one(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    first = keeper.holds.place(number, "manager", "A claim.")
    again = keeper.holds.place(number, "manager", "A claim.")
    assert (again.id, again.repeated) == (first.id, True)
    assert len(keeper.rows(select(Hold.id))) == 1


@pytest.mark.parametrize(
    ("who", "code"),
    [("employee", "own-hold"), ("colleague", None), ("auditor", "role"), ("outsider", None), ("gone", None)],
)
def test_who_may_not_place_a_hold(keeper: Keeper, who: str, code: str | None) -> None:
    number = keeper.withdrawn()
    for attempt in (keeper.holds.place, keeper.holds.release):
        with pytest.raises(Refused if code else NotFound) as refused:
            attempt(number, who, "A claim.")
        if isinstance(refused.value, Refused):
            assert [reason.code for reason in refused.value.reasons] == [code]
    assert not keeper.rows(select(Hold.id))


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001, "\x07"])
def test_a_hold_says_why(keeper: Keeper, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        keeper.holds.place(keeper.withdrawn(), "manager", reason)
    assert [one.code for one in refused.value.reasons] == ["remark"]


def test_a_release_names_a_hold_that_there_is(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    codes = []
    for hold_id in (None, 99):
        with pytest.raises(Refused) as refused:
            keeper.holds.release(number, "manager", "Settled.", hold_id=hold_id)
        codes += [reason.code for reason in refused.value.reasons]
    keeper.holds.place(number, "manager", "One.")
    keeper.holds.place(number, "manager", "Two.")
    with pytest.raises(Refused) as refused:
        keeper.holds.release(number, "manager", "Settled.")
    assert [*codes, refused.value.reasons[0].code] == ["no-hold", "no-hold", "which-hold"]


def test_what_was_destroyed_is_not_held(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    keeper.run()
    with pytest.raises(Refused) as refused:
        keeper.holds.place(number, "manager", "A claim.")
    assert [reason.code for reason in refused.value.reasons] == ["destroyed"]


def test_a_hold_and_a_destruction_at_once_agree(keeper: Keeper) -> None:
    numbers = [keeper.withdrawn() for _ in range(12)]
    keeper.office.now = DAY

    def hold(number: int) -> bool:
        try:
            return bool(keeper.holds.place(number, "manager", "A claim."))
        except Refused:
            return False

    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(keeper.retention.run, clock_is_right=True) for _ in range(2)]
        held = list(pool.map(hold, numbers))
        destroyed = sum(run.result().requests for run in runs)
    assert destroyed + sum(held) == len(numbers)
    assert [keeper.is_destroyed(number) for number in numbers] == [not one for one in held]
    assert len(keeper.rows(select(Event.seq).where(Event.type == DESTROYED))) == destroyed
    assert keeper.office.report().ok


def test_a_hold_that_is_sent_again_under_its_key_is_done_once(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    place, release = keeper.holds.place, keeper.holds.release
    first = place(number, "manager", "A claim.", key="one")
    gone = release(number, "manager", "Settled.", key="two")
    other = place(number, "manager", "Another claim.")
    again = place(number, "manager", "A claim.", key="one")
    assert (again.id, again.left, again.repeated) == (first.id, (other.id,), True)
    again = release(number, "manager", "Settled.", key="two")
    assert (again.id, again.left, again.repeated) == (gone.id, (other.id,), True)
    for send in (place, release):
        with pytest.raises(KeyReused):
            send(number, "manager", "Something else.", key="one")
    told = [row.type for row in keeper.rows(select(Event)) if row.type.startswith("hold_")]
    assert told == ["hold_placed", "hold_released", "hold_placed"]
    keeper.holds.release(number, "manager", "Settled, too.")
    keeper.run(DAY)
    assert keeper.rows(select(CommandKey).where(CommandKey.request_id == number)) == []
    assert keeper.office.report().ok


@pytest.mark.parametrize(
    "answer", ['"one"', "{}", '{"request_id": 1, "version": 1, "state": "review", "event_seq": 1}']
)
def test_an_answer_that_was_changed_is_not_given_again(keeper: Keeper, answer: str) -> None:
    number = keeper.withdrawn()
    keeper.holds.place(number, "manager", "A claim.", key="one")
    keeper.holds.release(number, "manager", "Settled.", key="two")
    with intruder(keeper.store, guarded=True) as they:
        they.execute("UPDATE commands SET answer = ?", (answer,))
    with pytest.raises(AnswerUnreadable):
        keeper.holds.place(number, "manager", "A claim.", key="one")
    with pytest.raises(AnswerUnreadable):
        keeper.holds.release(number, "manager", "Settled.", key="two")


@only_sqlite  # a server's column takes nothing else than JSON
@pytest.mark.parametrize("answer", ["no JSON", "{}"])
def test_no_command_gives_an_answer_again_that_was_changed(keeper: Keeper, answer: str) -> None:
    submitted = keeper.office.submission()
    number = keeper.office.engine.execute(submitted).request_id
    keeper.holds.place(number, "manager", "A claim.", key="one")
    with intruder(keeper.store, guarded=True) as they:
        they.execute("UPDATE commands SET answer = ?", (answer,))
    with pytest.raises(AnswerUnreadable):
        keeper.office.engine.execute(submitted)
    with pytest.raises(AnswerUnreadable):
        keeper.holds.place(number, "manager", "A claim.", key="one")


# --- the clock


def test_a_clock_that_jumps_ahead_destroys_nothing_for_a_day(
    keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    number = keeper.withdrawn()
    keeper.run(NOW, sure=False)
    wrong = NOW + timedelta(days=400)
    assert keeper.run(wrong, sure=False).waits_until == wrong + WAIT
    [line] = [told(record) for record in caplog.records if record.msg == "destruction_waits"]
    assert (line["clock"], line["since"]) == ("2027-12-25 09:00 UTC", "2026-11-20 09:00 UTC")
    for hours in range(1, 24):
        assert keeper.run(wrong + timedelta(hours=hours), sure=False).requests == 0
    keeper.run(NOW + timedelta(days=1), sure=False)  # it was noticed, and set right
    assert keeper.done(NOW + timedelta(days=2), sure=False) == Run()
    assert not keeper.is_destroyed(number)


def test_who_ends_a_wait_leaves_a_line_and_who_ends_none_does_not(
    keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = NOW + timedelta(days=400)
    keeper.run(NOW, sure=False)
    keeper.run(NOW)
    assert "destruction_wait_ended" not in caplog.messages
    keeper.run(wrong, sure=False)
    keeper.run(wrong + timedelta(hours=1))
    begin_anew(keeper.store, now=wrong + timedelta(hours=2))
    keeper.run(wrong + timedelta(hours=3))
    lines = [told(one) for one in caplog.records if one.msg == "destruction_wait_ended"]
    assert [line["level"] for line in lines] == ["warning", "warning"]
    assert [(line["clock"], line["until"]) for line in lines] == [
        ("2027-12-25 10:00 UTC", "2027-12-26 09:00 UTC"),
        ("2027-12-25 12:00 UTC", "2027-12-26 11:00 UTC"),
    ]


SMALL = [timedelta(milliseconds=-40), timedelta(hours=-2)]
"""Two hosts that do not quite agree; a clock that is set back a little."""


@pytest.mark.parametrize("back", SMALL)
def test_a_small_step_back_ends_no_wait(keeper: Keeper, back: timedelta) -> None:
    number = keeper.withdrawn()
    keeper.run(NOW, sure=False)
    wrong = NOW + timedelta(days=400)
    keeper.run(wrong, sure=False)
    assert keeper.run(wrong + back, sure=False).waits_until == wrong + WAIT
    assert keeper.run(wrong + WAIT - timedelta(minutes=1), sure=False).waits_until == wrong + WAIT
    assert not keeper.is_destroyed(number)
    assert keeper.run(wrong + WAIT, sure=False).requests == 1


def test_a_clock_that_jumps_again_is_waited_for_anew_until_it_is_back(keeper: Keeper) -> None:
    keeper.withdrawn()
    keeper.run(NOW, sure=False)
    first, second = NOW + timedelta(days=400), NOW + timedelta(days=800)
    assert keeper.run(first, sure=False).waits_until == first + WAIT
    assert keeper.run(second, sure=False).waits_until == second + WAIT
    # neither later than any look may be, nor before the last one that counts
    for away in (QUIET + timedelta(minutes=1), timedelta(minutes=-6)):
        assert keeper.run(NOW + away, sure=False).waits_until is not None
    assert keeper.run(NOW + QUIET, sure=False).waits_until is None


@pytest.mark.parametrize("step", [*SMALL, timedelta(days=60), WAIT - timedelta(minutes=1)])
def test_no_step_of_the_clock_ends_the_day_after_a_restore(keeper: Keeper, step: timedelta) -> None:
    number, restored_at = keeper.withdrawn(), DAY + timedelta(hours=3)
    keeper.run(DAY - timedelta(hours=1))
    begin_anew(keeper.store, now=restored_at)
    assert keeper.run(restored_at + step, sure=False).waits_until is not None
    assert keeper.run(restored_at + timedelta(hours=1), sure=False).waits_until == restored_at + WAIT
    assert not keeper.is_destroyed(number)
    assert keeper.run(restored_at + WAIT, sure=False).requests == 1


def test_a_person_may_end_the_day_after_a_restore(keeper: Keeper) -> None:
    keeper.withdrawn()
    begin_anew(keeper.store, now=DAY)
    assert keeper.run(DAY, sure=True).requests == 1


def test_a_clock_set_right_after_a_holiday_is_waited_for_a_day(keeper: Keeper) -> None:
    """Nobody looked for ten days, then the clock was a year ahead for a quarter of an hour."""
    number = keeper.withdrawn()
    keeper.run(DAY - timedelta(days=10), sure=False)
    keeper.run(DAY + timedelta(days=365), sure=False)
    assert keeper.run(DAY, sure=False).waits_until == DAY + WAIT
    assert keeper.run(DAY + timedelta(hours=5), sure=False).waits_until == DAY + WAIT
    assert not keeper.is_destroyed(number)
    keeper.run(DAY + WAIT, sure=False)
    assert keeper.is_destroyed(number)


def test_a_restore_under_a_clock_that_was_ahead_is_waited_for_a_day(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    keeper.run(DAY - timedelta(days=1))
    begin_anew(keeper.store, now=DAY + timedelta(days=365))
    assert keeper.run(DAY, sure=False).waits_until == DAY + WAIT
    assert not keeper.is_destroyed(number)
    keeper.run(DAY + WAIT, sure=False)
    assert keeper.is_destroyed(number)


def test_a_clock_that_stays_ahead_is_believed_after_a_day(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    keeper.run(NOW, sure=False)
    keeper.run(DAY, sure=False)
    assert not keeper.is_destroyed(number)
    keeper.run(DAY + WAIT, sure=False)
    assert keeper.is_destroyed(number)


def test_a_person_may_say_that_the_clock_is_right(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    keeper.run(NOW, sure=False)
    keeper.run(DAY, sure=False)
    keeper.run(DAY, sure=True)
    assert keeper.is_destroyed(number)
    [row] = keeper.rows(select(RetentionRow))
    assert row.waits_until is None


def test_who_looks_often_enough_never_waits(keeper: Keeper) -> None:
    number, at = keeper.withdrawn(), NOW
    while not keeper.is_destroyed(number):
        at += QUIET
        assert keeper.run(at, sure=False).waits_until is None
    assert DAY <= at < DAY + QUIET


def test_the_first_look_of_all_is_compared_with_the_last_event(keeper: Keeper) -> None:
    keeper.withdrawn()
    assert keeper.run(DAY, sure=False).waits_until is not None


# --- the preview


def test_the_preview_tells_what_comes_what_is_held_and_what_went(keeper: Keeper) -> None:
    first, held = keeper.withdrawn(), keeper.withdrawn()
    keeper.holds.place(held, "manager", "A claim.")
    keeper.office.later(days=3)
    second = keeper.withdrawn()
    keeper.office.now = DAY - timedelta(days=7)
    preview = keeper.retention.preview(days=7)
    assert [(one.request_id, str(one.due_on)) for one in preview.due] == [(first, "2027-02-20")]
    assert [(hold.request_id, hold.reason) for hold in preview.holds] == [(held, "A claim.")]
    assert preview.destroyed == []
    assert not keeper.retention.preview(days=6).due
    keeper.run()
    keeper.clean()
    keeper.run()
    after = keeper.retention.preview(days=7)
    assert [one.request_id for one in after.due] == [second]
    assert [one.request_id for one in after.destroyed] == [first]
    assert (after.files_left, after.unclean_since) == (0, None)


def test_a_person_who_goes_leaves_a_database_to_be_cleaned(keeper: Keeper) -> None:
    cleaned = []
    keeper.store.clean = lambda mark, **_: bool(cleaned.append(mark))  # type: ignore[method-assign]
    assert keeper.run(NOW) == Run(people=1, unclean_since=NOW)
    assert keeper.run(NOW + timedelta(days=1)) == Run(unclean_since=NOW)
    assert len(cleaned) == 2


@only_sqlite  # a server's rows can be read meanwhile
def test_a_database_that_is_read_meanwhile_is_cleaned_later(keeper: Keeper) -> None:
    assert keeper.run(NOW).people == 1  # somebody had left: what is unclean from now on are requests
    keeper.withdrawn()
    keeper.office.now = DAY
    with keeper.store.read() as session:
        session.execute(select(Request.id)).all()
        assert keeper.store.file is not None
        fast = Retention(
            store=type(keeper.store)(keeper.store.url, busy_timeout_ms=1),
            blobs=keeper.blobs,
            definition_of=keeper.office.engine.definition,
            clock=lambda: keeper.office.now,
            random_bytes=secrets.token_bytes,
        )
        run = fast.run(clock_is_right=True)
    assert (run.requests, run.clean) == (1, False)
    assert keeper.retention.preview(days=7).unclean_since == DAY
    assert keeper.run() == Run()
    assert keeper.retention.preview(days=7).unclean_since is None


MARKER = "Qvxzkw-reference"


def in_files(keeper: Keeper) -> int:
    """How often the marker is in any byte of a SQLite database's files."""
    assert keeper.store.file is not None
    files = keeper.store.file.parent.glob(f"{keeper.store.file.name}*")
    return sum(file.read_bytes().count(MARKER.encode()) for file in files)


@only_sqlite
def test_a_large_file_is_wiped_at_once_and_written_anew_when_asked(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can work while it is written anew; without that it is wiped, and its write-ahead log emptied."""
    monkeypatch.setattr("workflow.store.SMALL_BYTES", 0)
    keeper.withdrawn(reference=MARKER)
    assert in_files(keeper) > 1
    rewritten: list[object] = []
    monkeypatch.setattr("workflow.store._rewrite", lambda engine, _file: rewritten.append(engine))
    assert keeper.run(DAY).unclean_since == DAY
    assert not in_files(keeper)
    assert not rewritten
    assert (keeper.retention.cleaning, keeper.retention.clean_within) == (BY_HAND, OVERDUE_LARGE)
    assert keeper.retention.run(whole=True) == Run()
    assert len(rewritten) == 1
    assert keeper.retention.preview(days=7).unclean_since is None


@only_sqlite
def test_a_small_file_is_written_anew_by_itself(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten: list[object] = []
    monkeypatch.setattr("workflow.store._rewrite", lambda engine, _file: rewritten.append(engine))
    keeper.withdrawn()
    assert keeper.run().clean
    assert len(rewritten) == 1


# --- the files of a database server


@only_postgresql
def test_what_the_owner_has_done_is_noticed_and_nothing_less(keeper: Keeper) -> None:
    """It stays pending, and says since when, until the tables and then the statistics were written anew."""
    keeper.run(NOW)
    statement, at = keeper.retention.cleaning, NOW
    assert statement is not None
    for less in (
        statement.replace("FULL", "FREEZE"),  # gives the room free, and leaves what is in it
        statement.replace("bodies, ", ""),
        statement.replace(", ANALYZE", ""),  # leaves samples of the values
        statement.replace(", pg_statistic", ""),  # leaves the samples that were replaced
        statement.replace(", pg_statistic", "").replace(") ", ") pg_statistic, "),
    ):
        keeper.withdrawn()
        at += timedelta(days=200)
        assert keeper.run(at).requests == 1
        as_owner(keeper.store, less)
        assert keeper.run(at).unclean_since == NOW, less
    as_owner(keeper.store, statement)
    assert keeper.run(at) == Run()
    assert keeper.retention.preview(days=7).unclean_since is None


@only_postgresql
def test_what_was_cleaned_before_the_last_destruction_is_not_clean(keeper: Keeper) -> None:
    keeper.withdrawn()
    keeper.run(DAY)
    number = keeper.withdrawn()
    keeper.clean()
    later = DAY + timedelta(days=100)
    assert keeper.run(later).unclean_since == DAY
    assert keeper.is_destroyed(number)
    keeper.clean()
    assert keeper.run(later) == Run()


@only_postgresql
def test_rows_that_somebody_may_still_see_are_not_clean(keeper: Keeper) -> None:
    """Who writes a table anew takes along what a transaction that began before may read."""
    keeper.withdrawn()
    with keeper.store.read() as session:
        session.execute(text("SELECT 1")).all()
        session.execute(text("SELECT count(*) FROM alembic_version")).all()
        keeper.run(DAY)
        keeper.clean()
        assert not keeper.run(DAY).clean
    as_owner(keeper.store, "VACUUM FULL pg_statistic")
    assert not keeper.run(DAY).clean
    keeper.clean()
    assert keeper.run(DAY) == Run()


@only_postgresql
def test_a_run_of_the_owner_cleans(keeper: Keeper) -> None:
    keeper.withdrawn()
    assert not keeper.run(DAY).clean
    owner = Retention(
        store=type(keeper.store)(keeper.store.url.set(username=OWNER)),
        blobs=keeper.blobs,
        definition_of=keeper.office.engine.definition,
        clock=lambda: keeper.office.now,
        random_bytes=secrets.token_bytes,
    )
    assert owner.run() == Run()
    assert keeper.run(DAY) == Run()
    owner._store.close()


@only_postgresql
def test_a_run_of_the_owner_waits_for_no_reader_without_limit(keeper: Keeper) -> None:
    """Everybody else would wait behind it."""
    keeper.withdrawn()
    keeper.run(DAY)
    url = keeper.store.url.set(username=OWNER)
    [row] = keeper.rows(select(RetentionRow))
    with closing(Store(url, busy_timeout_ms=100)) as own:
        with keeper.store.read() as session:
            session.execute(select(Request.id)).all()
            assert not own.clean(row.unclean_mark)
        assert own.clean(row.unclean_mark)


@only_postgresql
def test_who_reads_waits_for_no_lock_without_limit(keeper: Keeper) -> None:
    with closing(Store(keeper.store.url, busy_timeout_ms=100)) as fast:
        with intruder(keeper.store, guarded=True) as other:
            other.execute("LOCK TABLE people IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable, match="lock timeout"), fast.read() as session:
                session.execute(select(Person.id))
        with fast.read() as session:
            session.execute(select(Person.id))


def test_an_owner_who_is_no_superuser_cleans(postgresql: Server, tmp_path: Path) -> None:
    postgresql.run("CREATE ROLE plain_owner LOGIN")
    try:
        with postgresql.database(NOTHING) as name:
            postgresql.run(f"ALTER DATABASE {name} OWNER TO plain_owner")
            url = url_of(postgresql.port, name, "plain_owner")
            with closing(Store(url)) as store:
                store.migrate()
            keeper = Keeper(tmp_path, Database(url, {VARIABLE: url.render_as_string()}))
            keeper.withdrawn()
            assert keeper.run() == Run(requests=1, people=1)
            keeper.store.close()
    finally:
        postgresql.run("DROP ROLE plain_owner")


@only_postgresql
def test_what_was_restored_on_another_server_is_clean(keeper: Keeper) -> None:
    """There transactions have other numbers, and what is loaded from a dump has no old rows beside it."""
    keeper.withdrawn()
    assert not keeper.run(DAY).clean
    with keeper.store.write() as session:
        row = session.get_one(RetentionRow, 1)
        row.unclean_mark = (row.unclean_mark or {}) | {"transaction": 1 << 40}
    assert keeper.run(DAY) == Run()


@only_postgresql
def test_who_lost_the_lock_while_removing_files_removes_no_more(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server ends the session of a process that was stopped for long: others may refer to files by then."""
    files = [keeper.add_document(keeper.withdrawn(), content) for content in (b"%PDF 1", b"%PDF 2")]
    delete = keeper.blobs.delete

    def stopped_for_long(sha256_hex: str) -> bool:
        as_owner(
            keeper.store,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database() AND state LIKE 'idle in%'",
        )
        return delete(sha256_hex)

    monkeypatch.setattr(keeper.blobs, "delete", stopped_for_long)
    with pytest.raises(StoreUnavailable):
        keeper.run()
    assert [keeper.blobs.exists(one) for one in sorted(files)] == [False, True]
    monkeypatch.undo()
    assert keeper.run().files == 1  # the other is gone already
    assert not keeper.rows(select(BlobRemoval.sha256))


def test_what_an_earlier_release_destroyed_is_cleaned(keeper: Keeper) -> None:
    keeper.run(NOW)
    keeper.change("UPDATE retention SET unclean_since = '2026-11-20 09:00:00+00:00', unclean_mark = NULL")
    keeper.run(NOW)
    keeper.clean()
    assert keeper.run(NOW) == Run()


# --- the log beside the tables


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE requests SET destroyed_at = NULL WHERE id = 1",
        "UPDATE requests SET destroyed_at = '2027-02-20' WHERE id = 2",
        "UPDATE requests SET reference = 'A. Name' WHERE id = 1",
        "UPDATE requests SET requester_id = 'employee' WHERE id = 1",
        "UPDATE requests SET data = '{\"a\": 1}' WHERE id = 1",
        "UPDATE requests SET language = 'da' WHERE id = 1",
        "UPDATE tasks SET done_by = 'manager' WHERE request_id = 1 AND done_by IS NOT NULL",
        "UPDATE tasks SET done_for = 'manager' WHERE request_id = 1",
        "INSERT INTO hands VALUES (1, 'manager|review', 'manager', 'manager')",
        "INSERT INTO drafts VALUES (1, 'manager', 'manager', '{}', '2027-02-20', NULL)",
        "UPDATE holds SET reason = 'A. Name' WHERE request_id = 1",
        "UPDATE holds SET released_at = NULL, released_by = NULL WHERE request_id = 1",
        "UPDATE holds SET released_at = '2027-02-20', released_by = 'clerk' WHERE request_id = 2",
        "DELETE FROM holds WHERE request_id = 2",
        "UPDATE holds SET request_id = 1 WHERE request_id = 2",
        "UPDATE documents SET number = '2026-1' WHERE request_id = 1",
        "UPDATE documents SET verification_code = 'ABCD' WHERE request_id = 1",
    ],
)
def test_rows_that_say_other_than_the_destruction_are_found(keeper: Keeper, statement: str) -> None:
    number = keeper.office.to_review()
    keeper.holds.place(number, "manager", "A claim.")
    keeper.holds.release(number, "manager", "Settled.")
    keeper.office.do("withdraw", "employee", number)
    other = keeper.withdrawn()
    keeper.holds.place(other, "manager", "A claim.")
    if "documents" in statement:
        keeper.add_document(number, b"%PDF")
    keeper.run()
    keeper.change(statement)
    assert {finding.fault for finding in keeper.office.report().findings} == {Fault.ROWS_DIFFER}


def forge(keeper: Keeper, number: int, at: datetime) -> None:
    """Destroy a request by the program's own means, whatever the rules say."""
    request = keeper.office.request(number)
    definition = keeper.office.catalogue.by_hash(request.definition_sha256)
    kept = keeping.Kept(number, definition, request.unit, "done", NOW.date(), NOW.date())
    with keeper.store.write() as session:
        log = Appender.lock(session, secrets.token_bytes)
        destruction.destroy(session, log, [kept], at=at)


def test_a_destruction_before_its_day_is_found(keeper: Keeper) -> None:
    forge(keeper, keeper.withdrawn(), DAY - timedelta(seconds=1))
    [finding] = keeper.office.report().findings
    assert (finding.fault, finding.message) == (Fault.ROWS_DIFFER, "Request 1 was destroyed before its day.")


def test_a_destruction_before_the_end_is_found(keeper: Keeper) -> None:
    forge(keeper, keeper.office.submit(), DAY)
    assert Fault.IMPOSSIBLE in {finding.fault for finding in keeper.office.report().findings}


def test_a_destruction_in_spite_of_a_hold_is_found(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    keeper.holds.place(number, "manager", "A claim.")
    forge(keeper, number, DAY)
    assert Fault.IMPOSSIBLE in {finding.fault for finding in keeper.office.report().findings}


def test_a_second_destruction_is_found(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    forge(keeper, number, DAY)
    forge(keeper, number, DAY)
    assert Fault.IMPOSSIBLE in {finding.fault for finding in keeper.office.report().findings}


def test_an_event_without_its_destruction_is_found(keeper: Keeper) -> None:
    number = keeper.withdrawn()
    with keeper.store.write() as session:
        log = Appender.lock(session, secrets.token_bytes)
        log.append(DESTROYED, at=DAY, request_id=number, facts={})
        log.write()
    with keeper.store.read() as session:
        assert {finding.fault for finding in verify(session).findings} == {Fault.ROWS_DIFFER}


def test_hands_and_drafts_are_gone_and_tasks_name_nobody(keeper: Keeper) -> None:
    number = keeper.office.to_review()
    keeper.office.do("return", "clerk", number, remark="Look.")
    keeper.office.do("approve", "substitute", number, on_behalf_of="manager")
    keeper.office.do("withdraw", "employee", number)
    assert keeper.rows(select(Hand.person_id))
    keeper.run()
    assert not keeper.rows(select(Hand.person_id))
    tasks = keeper.rows(select(Task))
    assert {(task.claimed_by, task.claimed_for, task.done_for) for task in tasks} == {(None, None, None)}
    assert {task.done_by for task in tasks} == {""}


@only_sqlite  # a server has no lock of the whole
def test_a_database_that_somebody_writes_is_told_and_cleaned_later(keeper: Keeper) -> None:
    keeper.withdrawn()
    assert keeper.store.file is not None
    other = sqlite3.connect(keeper.store.file)
    fast = type(keeper.store)(keeper.store.url, busy_timeout_ms=1)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        fast.clean({})
    other.rollback()
    other.close()
    assert fast.clean({})
    with fast.write() as session:  # the connection is as it was
        session.execute(text("UPDATE people SET name = name"))
    fast.close()
