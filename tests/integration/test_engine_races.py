"""Many at once, from threads and processes on one database: one wins, and the log agrees.

Each test runs RACES races, each for a subject of its own; PARAAF_CAMPAIGN=100 makes 1,000 of each kind.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.campaign import times
from tests.databases import Database
from tests.integration.engine_office import UNIT, Office, entries
from tests.integration.engine_racer import outcome, race
from workflow.commands import Command
from workflow.tables import CommandKey, Event, Grant, Hand, Person, Request

PROCESSES = 3
RACES = times(10)
Run = Callable[[Sequence[Command]], list[str]]


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


def hire(office: Office, number: int) -> list[str]:
    """People who may each do everything but submit."""
    names = [f"person-{index}" for index in range(number)]
    with office.store.write() as session:
        session.add_all(Person(id=name, name=name, unit=UNIT) for name in names)
        session.flush()
        session.add_all(
            Grant(person_id=name, role=role, unit=None)
            for name in names
            for role in ("manager", "clerk", "signer")
        )
    return names


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Processes that all races share: what they need takes longer to import than a race to run."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        yield processes


@pytest.fixture
def run(office: Office, processes: ProcessPoolExecutor) -> Run:
    """How commands are sent to the office."""
    return partial(_run, office, processes)


def _run(office: Office, processes: ProcessPoolExecutor, commands: Sequence[Command]) -> list[str]:
    """Every other command from threads on one engine, the rest from processes with engines of their own.

    Commands that follow each other are sent at about the same moment. Gives the outcomes in no order.
    """
    url = office.store.url.render_as_string(hide_password=False)
    with ThreadPoolExecutor(8) as threads:
        far = [processes.submit(race, url, commands[1::2][index::PROCESSES]) for index in range(PROCESSES)]
        near = [threads.submit(outcome, office, command) for command in commands[::2]]
        return [one.result() for one in near] + [one for part in far for one in part.result()]


@pytest.mark.slow
def test_of_racing_claims_one_wins_and_all_others_learn_who(office: Office, run: Run) -> None:
    names, numbers = hire(office, 20), [office.submit() for _ in range(RACES)]
    outcomes = Counter(run([office.command("claim", name, number) for number in numbers for name in names]))
    holders = Counter(office.task(number).claimed_by for number in numbers)
    lost = {f"workflow-claimed {holder}": 19 * won for holder, won in holders.items()}
    assert outcomes == {"won": RACES, **lost}
    for number in numbers:
        records = office.records(number)
        assert [record["type"] for record in records] == ["request_submitted", "task_claimed"]
        assert records[-1]["body"] == {"actor": office.task(number).claimed_by}
    assert office.report().ok


@pytest.mark.slow
def test_one_command_sent_by_many_is_done_once(office: Office, run: Run) -> None:
    commands = [office.submission(reference=f"row-{index}") for index in range(RACES)]
    outcomes = Counter(run([command for command in commands for _ in range(6)]))
    assert outcomes == {"won": RACES, "again": 5 * RACES}
    with office.store.read() as session:
        assert len(session.scalars(select(Request)).all()) == RACES
        assert len(session.scalars(select(CommandKey)).all()) == RACES
    assert office.report().ok


@pytest.mark.slow
def test_of_different_commands_under_one_key_one_is_done(office: Office, run: Run) -> None:
    commands = []
    for key in range(RACES):
        for index in range(4):
            one = office.submission(reference=f"row-{key}-{index}")
            commands.append(
                Command("submit", "employee", f"same-{key}", data=one.data, submission=one.submission)
            )
    assert Counter(run(commands)) == {"won": RACES, "workflow-key-reused": 3 * RACES}
    with office.store.read() as session:
        assert len(session.scalars(select(Request)).all()) == RACES


@pytest.mark.slow
def test_a_reference_is_raced_for_safely(office: Office, run: Run) -> None:
    commands = [office.submission(reference=f"row-{index}") for index in range(RACES) for _ in range(4)]
    assert Counter(run(commands)) == {"won": RACES, "workflow-refused": 3 * RACES}


@pytest.mark.slow
def test_nobody_gets_both_hands_on_a_request(office: Office, run: Run) -> None:
    """One person with two roles, a substitute for that person, and the same person twice, all at once."""
    definition = office.catalogue.get("employer-declaration", "A3")
    numbers = [office.submit() for _ in range(RACES)]
    with office.store.write() as session:
        for person in ("manager", "substitute"):
            session.add(Grant(person_id=person, role="clerk", unit=None))
    commands = []
    for number in numbers:
        as_manager = entries(definition, "manager", "approve")
        as_clerk = entries(definition, "review", "approve")
        for person, principal in [("manager", None), ("substitute", "manager"), ("manager2", None)]:
            # whichever comes second is in review, where the first must not act again
            for sender, typed, seen in (
                (principal, as_manager, 1),
                (principal, as_clerk, 2),
                (None, as_clerk, 2),
            ):
                commands.append(
                    office.command("approve", person, number, on_behalf_of=sender, seen_version=seen, **typed)
                )
    outcomes = Counter(run(commands))
    assert set(outcomes) <= {"won", "workflow-refused", "workflow-stale"}
    assert outcomes["won"] >= len(numbers)
    for number in numbers:
        by = [r["body"] for r in office.records(number) if r.get("trigger") == "approve"]
        people = [{body["actor"], body.get("on_behalf_of", body["actor"])} for body in by]
        assert not set.intersection(*people) or len(people) == 1
    with office.store.read() as session:
        hands = session.execute(select(Hand.request_id, Hand.rule, Hand.person_id)).all()
        events = session.scalars(select(Event.seq).order_by(Event.seq)).all()
    assert len(hands) == len(set(hands))
    assert events == list(range(1, len(events) + 1))
    assert office.report().ok


@pytest.mark.slow
def test_a_document_is_signed_as_it_was_approved_or_returned_never_both(office: Office, run: Run) -> None:
    """The signer signs what they saw, while another returns it: whoever comes second is too late."""
    numbers = [office.to_sign() for _ in range(RACES)]
    commands = []
    for number in numbers:
        version = office.version(number)
        commands += [
            office.command("sign", "signer", number, seen_version=version),
            office.command("return", "signer2", number, seen_version=version, remark="The salary is wrong."),
            office.command("sign", "signer", number, seen_version=version),
        ]
    outcomes = Counter(run(commands))
    assert outcomes["won"] == len(numbers)
    for number in numbers:
        done = [record for record in office.records(number) if record.get("trigger") in ("sign", "return")]
        assert len(done) == 1
        approved = [r["body"]["data_sha256"] for r in office.records(number) if r.get("mark") == "approved"]
        if done[0]["trigger"] == "sign":
            assert office.request(number).state == "sealing"
            assert office.request(number).data_sha256 == approved[-1]
        else:
            assert office.request(number).state == "review"
    assert office.report().ok
