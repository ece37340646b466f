"""Files that leave the office and come back: which request waits for one, and what was answered before.

A document is given out to be signed elsewhere or on paper (`outside_given`), and comes back signed
(`outside_signed`), or as a scan (`outside_scans`). What comes back is judged before anything is stored. Then
its file is stored durably, and one command moves the request, tells the event and writes the rows that name
the file, in one transaction: a stop before that leaves a file to which nothing refers. The same file from the
same person has the same idempotency key.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from signing.profile import Profile
from workflow.brought import Brought
from workflow.command_form import require_name
from workflow.commands import Answer, Channel, Command
from workflow.definition_model import Definition, OutsideFile, State, Trigger
from workflow.errors import KeyReused, Refused, WorkflowError
from workflow.faults import point
from workflow.reading import RequestView
from workflow.tables import DocumentRow, Event

if TYPE_CHECKING:
    from workflow.office import Office


class NothingOutside(WorkflowError):
    """The request does not wait for a file that goes out or comes back."""

    code: ClassVar[str] = "workflow-outside-nothing"


@dataclass(frozen=True)
class By:
    """Who does it, as whose substitute, under which idempotency key, as a person or a program.

    `seen` is the version of the request that they saw; None for that of the moment.
    """

    actor: str
    on_behalf_of: str | None = None
    key: str | None = None
    channel: Channel = "person"
    seen: int | None = None


@dataclass(frozen=True)
class Waiting:
    """A request that waits for a file, as somebody who may go on with it sees it."""

    view: RequestView
    definition: Definition
    trigger: Trigger
    document: DocumentRow
    profile: Profile

    @property
    def state(self) -> State:
        """Where the request is."""
        return self.definition.states[self.view.state]

    def command(self, by: By, brought: Brought, *, facts: Mapping[str, str]) -> Command:
        """What takes the file in, or records that it went out."""
        return Command(
            trigger=self.trigger.name,
            actor=by.actor,
            key=key_of(by, self.trigger.name, self.view.id, brought.sha256),
            request_id=self.view.id,
            seen_version=self.view.version if by.seen is None else by.seen,
            on_behalf_of=by.on_behalf_of,
            facts=dict(facts),
            channel=by.channel,
            brought=brought,
        )


def waiting_request(office: "Office", request_id: int, by: By, files: Sequence[OutsideFile]) -> Waiting:
    """The request, if it waits for such a file and this person may go on with it now.

    Raises NotFound, Refused with every reason, NothingOutside.
    """
    view = office.engine.show(request_id, by.actor)
    with office.store.read() as session:
        definition = office.engine.definition(session, view.definition_sha256)
        state = definition.states[view.state]
        trigger = next((each for each in state.triggers.values() if each.file in files), None)
        document = newest_document(session, request_id)
    if trigger is None or document is None:
        what = " or ".join(sorted(_WAITS_FOR[file] for file in files))
        raise NothingOutside(
            f"Request {request_id} is in the state {view.state!r}, and does not wait for {what}.",
            hint=f"See `paraaf show {request_id} --as {by.actor}`.",
        )
    if reasons := office.engine.why_not(request_id, trigger.name, by.actor, by.on_behalf_of):
        raise Refused(reasons)
    return Waiting(view, definition, trigger, document, office.profiles[definition.signing])


_WAITS_FOR: Mapping[OutsideFile, str] = {
    "given": "a document to be given out",
    "signed": "a signed file",
    "scan": "a scan",
}


def newest_document(session: Session, request_id: int) -> DocumentRow | None:
    """The document that was drawn last of a request."""
    query = select(DocumentRow).where(DocumentRow.request_id == request_id)
    return session.scalars(query.order_by(DocumentRow.id.desc()).limit(1)).one_or_none()


def key_of(by: By, trigger: str, request_id: int, digest: str) -> str:
    """Its own idempotency key; else one for this file, so that what is sent again is done once."""
    return by.key or f"outside:{trigger}:{request_id}:{digest}"


def answered(office: "Office", request_id: int, digest: str, by: By, file: OutsideFile) -> Answer | None:
    """What the same file got from the same person before: they may not see the request any more.

    Raises KeyReused when another file came under the key that they give.
    """
    require_name("actor", by.actor)
    for trigger in sorted(
        {
            trigger.name
            for one in office.catalogue
            for state in one.states.values()
            for trigger in state.triggers.values()
            if trigger.file == file
        }
    ):
        key = key_of(by, trigger, request_id, digest)
        if (answer := office.engine.answered(by.actor, key, request_id, trigger)) is not None:
            if file == "scan":  # its event has the digest of the copy, of which no two are the same
                office.engine.repeated(scan_command(by, trigger, request_id, key, digest))
            elif by.key is not None and _file_of(office, answer) != digest:
                raise KeyReused
            return answer
    return None


def scan_command(by: By, trigger: str, request_id: int, key: str, digest: str) -> Command:
    """The command that keeps a scan, as far as it is what was wished."""
    return Command(
        trigger,
        by.actor,
        key,
        request_id,
        on_behalf_of=by.on_behalf_of,
        channel=by.channel,
        brought=Brought("scan", digest, {}, {}),
    )


def _file_of(office: "Office", answer: Answer) -> object:
    """The digest of the file that came in by a command."""
    with office.store.read() as session:
        record = session.scalars(select(Event.record).where(Event.seq == answer.event_seq)).one()
    return json.loads(record).get("sha256")


def executed(office: "Office", command: Command) -> Answer:
    """Have the engine do it. Raises what a command can meet."""
    answer = office.engine.execute(command)
    point("exchange.recorded")
    return answer
