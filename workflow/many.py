"""The same with many requests: each is judged by itself and has its result; a refused one stops no other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from workflow.commands import Answer, Command
from workflow.definition_model import Definition
from workflow.errors import KeyReused, WorkflowError
from workflow.pinned import read_or_none
from workflow.tables import Draft, Request

if TYPE_CHECKING:
    from workflow.engine import Engine  # a second to import, which help and wrong calls need not wait for

BATCH = 100  # requests in one transaction


@dataclass(frozen=True)
class Picked:
    """A request as somebody saw it; `principal` is who they stand in for there."""

    request: int
    version: int
    principal: str | None = None


def commands_for(
    wish: Command, picked: Sequence[Picked], own: Mapping[int, Mapping[str, Any]]
) -> list[Command]:
    """What is wished, for each: `own` is what it says of one request alone. Each has a key of its own."""
    return [
        replace(
            wish,
            key=f"{wish.key}:{one.request}:{one.version}",
            request_id=one.request,
            seen_version=one.version,
            on_behalf_of=one.principal,
            **own.get(one.request, {}),
        )
        for one in picked
    ]


def do_all(engine: "Engine", commands: Sequence[Command]) -> list[Answer | WorkflowError]:
    """Do them in their order, some in each transaction; what came of each.

    Sent again, one is done once, also when its draft is gone by then and it can't say the same any more.
    """
    told = [
        result
        for start in range(0, len(commands), BATCH)
        for result in engine.execute_batch(commands[start : start + BATCH])
    ]
    return [_before(engine, *each) for each in zip(commands, told, strict=True)]


def _before(engine: "Engine", command: Command, told: Answer | WorkflowError) -> Answer | WorkflowError:
    if not isinstance(told, KeyReused) or command.request_id is None:
        return told
    return engine.answered(command.actor, command.key, command.request_id, command.trigger) or told


def definitions_of(engine: "Engine", numbers: Collection[int]) -> dict[int, Definition]:
    """The definitions that requests are pinned to, by their numbers; without those that can't be read."""
    table = Request.table()
    query = select(table.c.id, table.c.definition_sha256).where(table.c.id.in_(numbers))
    with engine.store.read() as session:
        found = {
            row.id: read_or_none(session, engine.definition, row.definition_sha256)
            for row in session.connection().execute(query)
        }
    return {number: definition for number, definition in found.items() if definition is not None}


def drafts_of(engine: "Engine", person: str, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
    """What a person has typed and not yet sent in the present states of these requests, by their numbers: the
    data and the remark of a command."""
    drafts, requests = Draft.table(), Request.table()
    query = (
        select(drafts.c.request_id, drafts.c.data, drafts.c.remark)
        .join_from(drafts, requests, drafts.c.request_id == requests.c.id)
        .where(
            drafts.c.person_id == person, drafts.c.request_id.in_(numbers), drafts.c.state == requests.c.state
        )
    )
    with engine.store.read() as session:
        return {
            row.request_id: {"data": row.data, "remark": row.remark}
            for row in session.connection().execute(query)
        }
