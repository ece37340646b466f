"""Every pair of state and trigger of every definition goes where the definition says, or is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from documents.kinds import KINDS
from tests.databases import Database
from tests.integration.engine_office import (
    DECLARATION,
    NOW,
    PLAN,
    UNIT,
    Office,
    entries,
    person_for,
    settle_people,
)
from workflow.commands import Answer, StepRef, StepResult
from workflow.definition import Catalogue, load_folder
from workflow.definition_errors import NoBranch
from workflow.definition_model import WITHDRAW, Definition
from workflow.errors import Refused
from workflow.judge import data_digest
from workflow.logcheck import verify
from workflow.machine import take
from workflow.names import known_names
from workflow.passwords import SET
from workflow.store import Store
from workflow.tables import DefinitionSource, Event, Request, Task

# A dropped variant's table must still hold for the requests that it has.
ALL = [replace(definition, status="active") for definition in load_folder(known_names())]


def place(office: Office, definition: Definition, states: list[str], data: Mapping[str, Any]) -> list[int]:
    """Put requests into states directly, each with its task."""
    with office.store.write() as session:
        session.add(
            DefinitionSource(
                sha256_hex=definition.sha256_hex,
                key=definition.key,
                variant=definition.variant,
                version=definition.version,
                source=definition.source,
            )
        )
        session.flush()
        numbers = list(range(1, len(states) + 1))
        for number, name in zip(numbers, states, strict=True):
            session.add(_request(number, definition, name, data))
        session.flush()
        for number, name in zip(numbers, states, strict=True):
            if role := definition.states[name].role:
                # negative: the numbers of tasks to come are those of events
                session.add(Task(id=-number, request_id=number, state=name, role=role, offered_at=NOW))
    return numbers


def _request(number: int, definition: Definition, state: str, data: Mapping[str, Any]) -> Request:
    return Request(
        id=number,
        key=definition.key,
        variant=definition.variant,
        definition_sha256=definition.sha256_hex,
        state=state,
        version=1,
        step_seq=0,
        requester_id="employee",
        unit=UNIT,
        language="en",
        data=dict(data),
        data_sha256=data_digest(data),
        opened_at=NOW,
    )


def example(definition: Definition, *, temporary: bool) -> dict[str, Any]:
    if definition.key == DECLARATION:
        return dict(KINDS["employer_declaration"].example(temporary=temporary))
    return dict(KINDS["action_plan"].example())


def cases() -> list[Any]:
    found = []
    for definition in ALL:
        for temporary in (False, True):
            if definition.key != PLAN or not temporary:
                name = f"{definition.variant}-{'temporary' if temporary else 'permanent'}"
                found.append(pytest.param(definition, temporary, id=name))
    return found


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    store = Store.open(tmp_path, database.environ)
    settle_people(store)
    yield store
    store.close()


def every_trigger(definition: Definition) -> list[str]:
    triggers = {name for state in definition.states.values() for name in state.triggers}
    return sorted(triggers | {"no_such_trigger"})


@pytest.mark.parametrize(("definition", "temporary"), cases())
def test_people(definition: Definition, temporary: bool, store: Store) -> None:
    office = Office(store, Catalogue([definition]))
    data = example(definition, temporary=temporary)
    pairs = [(state, trigger) for state in definition.states for trigger in every_trigger(definition)]
    numbers = place(office, definition, [state for state, _ in pairs], data)
    commands = []
    for number, (state, trigger) in zip(numbers, pairs, strict=True):
        here = definition.states[state]
        who = "employee" if trigger == WITHDRAW else person_for(definition, state) or "employee"
        typed = entries(definition, state, trigger, temporary=temporary) if _by_person(here, trigger) else {}
        commands.append(office.command(trigger, who, number, **typed))
    results = office.engine.execute_batch(commands)
    for (state, trigger), result in zip(pairs, results, strict=True):
        here = definition.states[state]
        if _by_person(here, trigger):
            assert isinstance(result, Answer), (state, trigger, result)
            assert result.state == take(definition, state, trigger, data).to
        else:
            assert isinstance(result, Refused), (state, trigger, result)
            codes = {reason.code for reason in result.reasons}
            assert codes & {"not-here", "unknown-trigger", "automatic", "ended"}
    legal = [pair for pair in pairs if _by_person(definition.states[pair[0]], pair[1])]
    assert_rows_agree(office, definition, numbers, pairs, results)
    with store.read() as session:
        report = verify(session, rows=False)  # the rows were put there without events
        passwords = session.scalar(select(func.count()).where(Event.type == SET))
    assert report.ok
    assert report.checked - (passwords or 0) == len(legal)


def _by_person(state: Any, trigger: str) -> bool:
    return state.role is not None and trigger in state.triggers


def assert_rows_agree(
    office: Office,
    definition: Definition,
    numbers: list[int],
    pairs: list[tuple[str, str]],
    results: list[Any],
) -> None:
    """Rows are where the answers say; people's states have one open task, automatic ones a job, ends an
    outcome."""
    jobs = {ref.request_id: ref for ref in office.deferred}
    with office.store.read() as session:
        rows = {row.id: row for row in session.scalars(select(Request))}
        waiting = select(Task).where(Task.closed_at.is_(None))
        open_tasks = {task.request_id: task for task in session.scalars(waiting)}
    for number, (state, _), result in zip(numbers, pairs, results, strict=True):
        row, moved = rows[number], isinstance(result, Answer)
        assert row.state == (result.state if moved else state)
        assert row.version == (2 if moved else 1)
        now = definition.states[row.state]
        assert (number in open_tasks) == (now.role is not None)
        assert (number in jobs) == (moved and now.auto is not None)
        if moved:
            assert row.outcome == now.end
            assert row.step_seq == result.event_seq
        if number in open_tasks:
            assert open_tasks[number].state == row.state


@pytest.mark.parametrize(("definition", "temporary"), cases())
def test_machine(definition: Definition, temporary: bool, store: Store) -> None:
    """Every outcome of an automatic step leads where the definition says, any other is an error."""
    office = Office(store, Catalogue([definition]))
    data = example(definition, temporary=temporary)
    states = [name for name, state in definition.states.items() if state.auto]
    pairs = [(state, trigger) for state in states for trigger in every_trigger(definition)]
    numbers = place(office, definition, [state for state, _ in pairs], data)
    for number, (state, trigger) in zip(numbers, pairs, strict=True):
        result = StepResult(StepRef(number, state, 0), trigger)
        if trigger in definition.states[state].triggers:
            with store.write() as session:
                assert office.engine.finish_steps(session, [result])[0]
            with store.read() as session:
                row = session.get_one(Request, number)
            assert row.state == take(definition, state, trigger, data).to
        else:
            with store.write() as session, pytest.raises(NoBranch):
                office.engine.finish_steps(session, [result])
    with store.read() as session:
        assert verify(session, rows=False).ok
