"""The statements that write what a ledger holds: one for all rows of a table, each naming what it started
from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql import Delete, Update

from workflow.cases import Case, OpenTask
from workflow.definition_model import Definition
from workflow.errors import Raced
from workflow.tables import DefinitionSource, Draft, Hand, Incident, ProofRow, Request, Task

DraftKey = tuple[int, str, str]
_Rows = Sequence[Mapping[str, Any]]


def insert_rows(connection: Connection, table: Table, rows: _Rows) -> None:
    """Insert rows, if there are any."""
    if rows:
        connection.execute(insert(table), rows)


def write_definitions(connection: Connection, new: Collection[Definition]) -> None:
    """Keep the source of definitions that no request began with before."""
    if not new:
        return
    table = DefinitionSource.table()
    wanted = [one.sha256_hex for one in new]
    known = set(
        connection.execute(select(table.c.sha256_hex).where(table.c.sha256_hex.in_(wanted))).scalars()
    )
    names = ("sha256_hex", "key", "variant", "version", "source")
    rows = [{name: getattr(one, name) for name in names} for one in new if one.sha256_hex not in known]
    insert_rows(connection, table, rows)


def write_requests(connection: Connection, cases: Iterable[Case]) -> None:
    """Write new requests, and those that have changed since they were read. Raises Raced."""
    new: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    rewritten: list[dict[str, Any]] = []
    for case in sorted(cases, key=lambda case: case.id):  # in one order: two transactions never cross
        if case.stored_version is None:
            new.append(_new_request(case))
            continue
        moved.append(
            {
                "b_id": case.id,
                "b_was": case.stored_version,
                "b_state": case.state,
                "b_version": case.version,
                "b_step_seq": case.step_seq,
                "b_suspended_at": case.suspended_at,
                "b_closed_at": case.closed_at,
                "b_outcome": case.outcome,
            }
        )
        if case.data_sha256 != case.stored_data_sha256:
            rewritten.append({"b_id": case.id, "b_data": case.data, "b_sha256": case.data_sha256})
    insert_rows(connection, Request.table(), new)
    _change(connection, _MOVE_REQUEST, moved)
    _change(connection, _REWRITE_DATA, rewritten)


def write_tasks(connection: Connection, cases: Iterable[Case]) -> None:
    """Claim, change, close and open tasks. Raises Raced."""
    claims: dict[tuple[str, str | None, datetime], list[int]] = {}
    changed: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for case in cases:
        stored = case.stored_task
        for task in (*case.closed_tasks, *(() if case.task is None else (case.task,))):
            if stored is None or task.id != stored.id:
                new.append({**_values(task), "request_id": case.id})
            elif task != stored:
                if claim := _only_claimed(stored, task):
                    claims.setdefault(claim, []).append(task.id)
                else:
                    values = {f"b_{name}": value for name, value in _values(task).items()}
                    changed.append({**values, "b_was": stored.claimed_by})
    for (person, principal, at), ids in claims.items():
        _claim(connection, ids, person, principal, at)
    _change(connection, _CHANGE_TASK, changed)  # before the new ones: a request has one open task
    insert_rows(connection, Task.table(), new)


def write_hands(connection: Connection, cases: Iterable[Case]) -> None:
    """Write who had a hand in a state; the table's key refuses a second hand in the other state of a rule."""
    rows = [
        {"request_id": case.id, "rule": rule, "person_id": person, "state": case.hands[rule, person]}
        for case in cases
        for rule, person in case.new_hands
    ]
    insert_rows(connection, Hand.table(), rows)


def write_drafts(
    connection: Connection, left: Collection[tuple[int, str]], drafts: Mapping[DraftKey, Mapping[str, Any]]
) -> None:
    """Drop the drafts of states that were left, and put new ones in place of old ones."""
    if left:
        gone = [{"b_request": number, "b_state": state} for number, state in left]
        connection.execute(_DROP_DRAFTS, gone)
    if drafts:
        table = Draft.table()
        keys = (table.c.request_id, table.c.state, table.c.person_id)
        connection.execute(delete(table).where(tuple_(*keys).in_(list(drafts))))
        insert_rows(connection, table, list(drafts.values()))


def resolve_incidents(connection: Connection, rows: _Rows) -> None:
    """Write who resolved incidents: b_id, b_at, b_by. Raises Raced."""
    _change(connection, _RESOLVE_INCIDENT, rows)


def remove_proofs(connection: Connection, rows: _Rows) -> None:
    """Remove proofs that were used: b_token, b_request. Raises Raced."""
    _change(connection, _REMOVE_PROOF, rows)


def _change(connection: Connection, statement: Update | Delete, rows: _Rows) -> None:
    """Run a statement for each row; each must meet exactly one."""
    if rows and connection.execute(statement, rows).rowcount != len(rows):
        raise Raced("A row was changed by somebody else meanwhile.", hint="Try again.")


def _claim(connection: Connection, ids: list[int], person: str, principal: str | None, at: datetime) -> None:
    """Claim tasks that nobody holds, in one atomic statement."""
    claim = {"b_ids": ids, "b_by": person, "b_for": principal, "b_at": at}
    got = connection.execute(_CLAIM, claim).all()
    if len(got) != len(ids):
        raise Raced("A task was claimed by somebody else meanwhile.", hint="Try again.")


TASK_FIELDS = (
    "id",
    "state",
    "role",
    "offered_at",
    "claimed_by",
    "claimed_for",
    "claimed_at",
    "started_at",
    "suspended_us",
    "closed_at",
    "done_by",
    "done_for",
    "unit",
    "definition_sha256",
    "named",
    "suspended_at",
    "due_at",
    "near_at",
)
_fields_of_task = attrgetter(*TASK_FIELDS)


def _values(task: OpenTask) -> dict[str, Any]:
    return dict(zip(TASK_FIELDS, _fields_of_task(task), strict=True))


def _only_claimed(stored: OpenTask, task: OpenTask) -> tuple[str, str | None, datetime] | None:
    """Who claims, for whom and when, if a free task was claimed and nothing else happened to it."""
    if stored.claimed_by is not None or task.claimed_by is None or task.claimed_at is None:
        return None
    claimed = replace(
        stored, claimed_by=task.claimed_by, claimed_for=task.claimed_for, claimed_at=task.claimed_at
    )
    return (task.claimed_by, task.claimed_for, task.claimed_at) if claimed == task else None


def _new_request(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "key": case.definition.key,
        "variant": case.definition.variant,
        "definition_sha256": case.definition.sha256_hex,
        "state": case.state,
        "version": case.version,
        "step_seq": case.step_seq,
        "requester_id": case.requester_id,
        "unit": case.unit,
        "language": case.language,
        "reference": case.reference,
        "data": case.data,
        "data_sha256": case.data_sha256,
        "suspended_at": case.suspended_at,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "outcome": case.outcome,
    }


_requests, _tasks, _drafts, _incidents = Request.table(), Task.table(), Draft.table(), Incident.table()
_MOVE_REQUEST = (
    update(_requests)
    .where(_requests.c.id == bindparam("b_id"), _requests.c.version == bindparam("b_was"))
    .values(
        state=bindparam("b_state"),
        version=bindparam("b_version"),
        step_seq=bindparam("b_step_seq"),
        suspended_at=bindparam("b_suspended_at"),
        closed_at=bindparam("b_closed_at"),
        outcome=bindparam("b_outcome"),
    )
)
_REWRITE_DATA = (
    update(_requests)
    .where(_requests.c.id == bindparam("b_id"))
    .values(data=bindparam("b_data"), data_sha256=bindparam("b_sha256"))
)
_CHANGE_TASK = (
    update(_tasks)
    .where(
        _tasks.c.id == bindparam("b_id"),
        _tasks.c.closed_at.is_(None),
        _tasks.c.claimed_by.is_not_distinct_from(bindparam("b_was")),
    )
    .values(
        claimed_by=bindparam("b_claimed_by"),
        claimed_for=bindparam("b_claimed_for"),
        claimed_at=bindparam("b_claimed_at"),
        started_at=bindparam("b_started_at"),
        suspended_us=bindparam("b_suspended_us"),
        closed_at=bindparam("b_closed_at"),
        done_by=bindparam("b_done_by"),
        done_for=bindparam("b_done_for"),
        unit=bindparam("b_unit"),
        definition_sha256=bindparam("b_definition_sha256"),
        named=bindparam("b_named"),
        suspended_at=bindparam("b_suspended_at"),
        due_at=bindparam("b_due_at"),
        near_at=bindparam("b_near_at"),
    )
)
_DROP_DRAFTS = delete(_drafts).where(
    _drafts.c.request_id == bindparam("b_request"), _drafts.c.state == bindparam("b_state")
)
_RESOLVE_INCIDENT = (
    update(_incidents)
    .where(_incidents.c.id == bindparam("b_id"), _incidents.c.resolved_at.is_(None))
    .values(resolved_at=bindparam("b_at"), resolved_by=bindparam("b_by"))
)
_proofs = ProofRow.table()
_REMOVE_PROOF = delete(_proofs).where(
    _proofs.c.token_sha256 == bindparam("b_token"), _proofs.c.request_id == bindparam("b_request")
)
_CLAIM = (
    update(_tasks)
    .where(
        _tasks.c.id.in_(bindparam("b_ids", expanding=True)),
        _tasks.c.claimed_by.is_(None),
        _tasks.c.closed_at.is_(None),
    )
    .values(claimed_by=bindparam("b_by"), claimed_for=bindparam("b_for"), claimed_at=bindparam("b_at"))
    .returning(_tasks.c.id)
)
