"""What is kept beside open tasks, worked out anew: at every upgrade, from whatever release.

An earlier release kept none of it; and a release may bring a calendar that reaches further.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, bindparam, select, update
from sqlalchemy.engine import Connection

from workflow.definition_errors import DefinitionRefused
from workflow.definition_model import Definition
from workflow.definition_reader import read
from workflow.due import due_times, pauses
from workflow.named import named
from workflow.tables import DefinitionSource, Request, Task

BESIDE = ("unit", "definition_sha256", "named", "suspended_at", "due_at", "near_at")
"""Columns of tasks that hold something while a task is open."""
_AT_ONCE = 1_000


def settle(connection: Connection) -> int:
    """Have every open task say what it should; how many did not."""
    definitions = _definitions(connection)
    settled = after = 0
    while rows := list(connection.execute(_OPEN, {"after": after})):
        after = rows[-1].id
        wrong = [found for row in rows if (found := _mended(connection, row, definitions))]
        if wrong:
            connection.execute(_SETTLE, wrong)
        settled += len(wrong)
    return settled


def _mended(
    connection: Connection, row: Row[Any], definitions: Mapping[str, Definition]
) -> dict[str, Any] | None:
    """The values that a task should have, by the names of the statement; None when it has them."""
    found: dict[str, Any] = dict.fromkeys(BESIDE)
    found |= {"unit": row.its_unit, "definition_sha256": row.its_definition, "suspended_at": row.its_pause}
    definition = definitions.get(row.its_definition)
    state = None if definition is None else definition.states.get(row.state)
    if definition is not None and state is not None:
        away = pauses(connection, row.request_id, row.id) if row.suspended_us else ()
        times = due_times(definition, row.state, row.offered_at, away)
        name = named(state, row.data or {})
        found |= {"named": name, "due_at": times.due_at, "near_at": times.near_at}
    if all(getattr(row, column) == value for column, value in found.items()):
        return None
    return {"b_id": row.id, **{f"b_{column}": value for column, value in found.items()}}


def _definitions(connection: Connection) -> dict[str, Definition]:
    """Those that requests began with and this release reads."""
    found = {}
    for row in connection.execute(select(DefinitionSource.table())):
        try:
            found[row.sha256_hex] = read(row.source, row.key)
        except DefinitionRefused:
            continue  # told by whoever works with it
    return found


_tasks, _requests = Task.table(), Request.table()
_OPEN: Select[Any] = (
    select(
        *(_tasks.c[name] for name in ("id", "request_id", "state", "offered_at", "suspended_us", *BESIDE)),
        _requests.c.unit.label("its_unit"),
        _requests.c.definition_sha256.label("its_definition"),
        _requests.c.suspended_at.label("its_pause"),
        _requests.c.data,
    )
    .join_from(_tasks, _requests, _tasks.c.request_id == _requests.c.id)
    .where(_tasks.c.closed_at.is_(None), _tasks.c.id > bindparam("after"))
    .order_by(_tasks.c.id)
    .limit(_AT_ONCE)
)
_SETTLE = (
    update(_tasks)
    .where(_tasks.c.id == bindparam("b_id"))
    .values({column: bindparam(f"b_{column}") for column in BESIDE})
)
