"""Sends commands from a process of its own, for the races."""

from collections.abc import Sequence

from tests.integration.engine_office import Office
from workflow.commands import Answer, Command
from workflow.errors import ClaimedByAnother, StoreUnavailable, WorkflowError
from workflow.store import Store

TRIES = 4


def race(url: str, commands: Sequence[Command]) -> list[str]:
    """Send them one after another through an engine of our own; says what became of each."""
    office = Office(Store(url))
    try:
        return [outcome(office, command) for command in commands]
    finally:
        office.store.close()


def outcome(office: Office, command: Command) -> str:
    """ "won", "again" for a repeat, or the error's code and, for a claim, the holder.

    Whom the database kept waiting too long sends the same command again, as every client does.
    """
    for _ in range(TRIES):
        try:
            answer: Answer = office.engine.execute(command)
        except StoreUnavailable as error:
            last = error.code
            continue
        except ClaimedByAnother as error:
            return f"{error.code} {error.holder}"
        except WorkflowError as error:
            return error.code
        return "again" if answer.repeated else "won"
    return last
