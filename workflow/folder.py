"""What waits for a person's signature, of every kind, and what has become of what they released."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import and_, select, tuple_
from sqlalchemy.orm import Session

from problem import Problem
from signing.profile import Profile
from workflow.commands import Command
from workflow.definition_model import Definition, State
from workflow.engine import QUEUE_MOST
from workflow.errors import Refused, WorkflowError
from workflow.keys import SignerMissing, remote_key
from workflow.leading import document_signed_in, leading_to_signature, second_release
from workflow.many import definitions_of
from workflow.openings import UNOPENED
from workflow.proofs import Proof
from workflow.remote import NOT_AUTHORISED
from workflow.tables import DocumentRow, Incident, Opening, Person, Request, SignatureRow
from workflow.workbench import latest_documents

if TYPE_CHECKING:
    from workflow.office import Office
    from workflow.queue_page import QueueItem
    from workflow.signing_state import Item


class NothingToShow(WorkflowError):
    """Somebody has to show that it is they, and has neither a password nor a passkey here."""

    code = "workflow-nothing-to-show"


Way = Literal["click", "seal", "provider", "key"]
"""How it is signed: the organisation's seal after a text was accepted, or when it is released; the person's
own key, at a provider, or in the office's keeping."""
MOST: Final = 1000
"""Documents in one folder, and in one go."""
_TOGETHER: Final = 100  # asked of the engine at once
_STILL_TO_GIVE: Final = frozenset({"proof-missing", NOT_AUTHORISED, UNOPENED})
"""What the person gives when they sign; all else keeps them from it."""


@dataclass(frozen=True)
class Waiting:
    """A document that somebody may sign, or have sealed, now.

    `trigger` is what their task then does, `consent` the text that goes with it, `proof` whether they show
    anew who they are; `second`: somebody else releases it, too, before it is sealed, or has done so (`last`).
    `opened` is None where nobody asks whether they have read it. `kept`: its signature was made at the
    provider, and only the command is missing. `barred` is why it can't be signed by them now.
    """

    request_id: int
    version: int
    definition: Definition
    profile: Profile
    state: str
    trigger: str
    way: Way
    consent: str | None
    proof: bool
    second: bool
    on_behalf_of: str | None
    requester_id: str
    requester: str
    unit: str
    language: str
    document_id: int
    document: str
    kind: str
    number: str
    sha256: str
    field: str
    provider: str
    offered_at: datetime
    due_at: datetime | None
    opened: bool | None = None
    kept: bool = False
    barred: Problem | None = None

    @property
    def ready(self) -> bool:
        """Whether it can be signed as it is."""
        return self.barred is None and self.opened is not False

    @property
    def lacks_proof(self) -> bool:
        """Whether the person has nothing with which to show that it is they."""
        return isinstance(self.barred, NothingToShow)

    @property
    def consent_text(self) -> tuple[str, str] | None:
        """The language and the text of what is accepted."""
        return None if self.consent is None else self.definition.consent_in(self.consent, self.language)

    def command(self, actor: str, key: str, proof: Proof | None) -> Command:
        """What their task does, with all that goes with it."""
        return Command(
            self.trigger,
            actor,
            key,
            self.request_id,
            seen_version=self.version,
            on_behalf_of=self.on_behalf_of,
            consent=self.consent,
            proof=proof if self.proof else None,
            through="page",
        )


Came = Literal["going", "second", "sealed", "stuck", "back", "moved"]
"""What became of what was released: it is being sealed; waits for a second release; is sealed; waits for an
administrator; could not be sealed, and is back; or has gone another way."""


def waiting_for(office: "Office", actor: str, wanted: Collection[int] | None = None) -> list[Waiting]:
    """The documents that wait for this person's signature, the first due first; of some requests, if named.

    Raises Refused for a name that nobody has.
    """
    tasks = [
        task
        for task in office.engine.queue(actor, limit=QUEUE_MOST, counted=False).items
        if not task.suspended_at and (wanted is None or task.request_id in wanted)
    ]
    found: list[Waiting] = []
    with office.store.read() as session:
        for start in range(0, len(tasks), MOST):
            found += _of_tasks(office, session, actor, tasks[start : start + MOST])
            if len(found) >= MOST:
                break
    return _judged(office, actor, _with_nothing_to_show(office, actor, found[:MOST]))


def keeps_from_signing(
    office: "Office", profile: Profile, command: Command, *, unshown: bool
) -> Problem | None:
    """What keeps a person from a signature that they would lead to, beside what they give when they sign;
    `unshown`: they have to show anew who they are, and have nothing to show it by."""
    _, _, barred = _way(office, profile, command.actor)
    if barred is None and unshown:
        return _nothing_to_show(command.actor)
    return barred or office.engine.against([command])[0]


def _of_tasks(office: "Office", session: Session, actor: str, tasks: Sequence["QueueItem"]) -> list[Waiting]:
    numbers = [task.request_id for task in tasks]
    requests = {one.id: one for one in session.scalars(select(Request).where(Request.id.in_(numbers)))}
    documents = latest_documents(session, numbers)
    names = _names(session, {task.requester_id for task in tasks})
    found = []
    for task in tasks:
        request = requests.get(task.request_id)
        if request is None or request.version != task.version:
            continue
        definition = office.engine.definition(session, request.definition_sha256)
        profile = office.profiles.get(definition.signing)
        leads = next(iter(leading_to_signature(definition, task.state).items()), None)
        if profile is None or not profile.signs or leads is None:
            continue
        document = documents.get((request.id, document_signed_in(definition, leads[1]) or ""))
        if document is not None:
            way = _way(office, profile, actor)
            one = _waiting(task, (definition, profile), leads, document, way)
            asked = one.consent is not None and office.engine.asks_proof(definition)
            name = names.get(task.requester_id, task.requester_id)
            found.append(replace(one, requester=name, proof=asked, language=request.language))
    return _with_what_is_kept(session, actor, found)


def _waiting(
    task: "QueueItem",
    by: tuple[Definition, Profile],
    leads: tuple[str, State],
    document: DocumentRow,
    how: tuple[Way, str, Problem | None],
) -> Waiting:
    definition, profile = by
    trigger, signs = leads
    way, provider, barred = how
    return Waiting(
        request_id=task.request_id,
        version=task.version,
        definition=definition,
        profile=profile,
        state=task.state,
        trigger=trigger,
        way=way,
        consent=definition.states[task.state].triggers[trigger].consent,
        proof=False,
        second=all(signs.name != one.name for one in second_release(definition, task.state)),
        on_behalf_of=task.on_behalf_of,
        requester_id=task.requester_id,
        requester="",
        unit=task.unit,
        language="",
        document_id=document.id,
        document=document.name,
        kind=document.kind,
        number=document.number,
        sha256=document.current_sha256,
        field=signs.field or "",
        provider=provider,
        offered_at=task.offered_at,
        due_at=task.due_at,
        barred=barred,
    )


def _way(office: "Office", profile: Profile, actor: str) -> tuple[Way, str, Problem | None]:
    """How a profile has this person sign, and at which provider; what is missing for it."""
    if profile.kind != "person":
        return ("click" if profile.kind == "click" else "seal"), "", None
    try:
        remote = remote_key(profile, actor, office.signing.signers)
    except SignerMissing as missing:
        return "provider", "", missing
    if profile.signers and not profile.signers_of(actor):
        return "key", "", SignerMissing(f"The profile {profile.name!r} names no signer for {actor}.")
    return ("key", "", None) if remote is None else ("provider", remote.provider, None)


def _names(session: Session, people: Collection[str]) -> Mapping[str, str]:
    return {
        row.id: row.name
        for row in session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
    }


def _with_what_is_kept(session: Session, actor: str, items: Iterable[Waiting]) -> list[Waiting]:
    """The same, with what was opened, and what was signed at a provider and not sent on."""
    some = list(items)
    asked = [(one.document_id, one.sha256) for one in some if one.profile.opened_first]
    opened: set[tuple[int, str]] = set()
    if asked:
        key = tuple_(Opening.document_id, Opening.sha256)
        query = select(Opening.document_id, Opening.sha256).where(Opening.person_id == actor, key.in_(asked))
        opened = {(row.document_id, row.sha256) for row in session.execute(query)}
    places = [(one.document_id, one.field) for one in some if one.way == "provider"]
    kept: set[tuple[int, str]] = set()
    if places:
        query = select(SignatureRow.document_id, SignatureRow.source_sha256).where(
            tuple_(SignatureRow.document_id, SignatureRow.field).in_(places),
            SignatureRow.value.is_not(None),
            SignatureRow.event_seq.is_(None),
            SignatureRow.signer_id == actor,
        )
        kept = {(row.document_id, row.source_sha256) for row in session.execute(query)}
    return [
        replace(
            one,
            opened=(one.document_id, one.sha256) in opened if one.profile.opened_first else None,
            kept=one.way == "provider" and (one.document_id, one.sha256) in kept,
        )
        for one in some
    ]


def _with_nothing_to_show(office: "Office", actor: str, items: Sequence[Waiting]) -> list[Waiting]:
    """The same, where who has to show that it is they has nothing to show."""
    if not any(one.proof for one in items) or _has_something_to_show(office, actor):
        return list(items)
    return [replace(one, barred=_nothing_to_show(actor)) if one.proof else one for one in items]


def _has_something_to_show(office: "Office", actor: str) -> bool:
    return office.passwords.has_one(actor) or bool(office.passkeys.of(actor))


def _nothing_to_show(actor: str) -> NothingToShow:
    return NothingToShow(
        f"{actor} has neither a password nor a passkey here, to show that it is they.",
        hint=f"An administrator gives them a password: `paraaf people password {actor}`.",
    )


def _judged(office: "Office", actor: str, items: Sequence[Waiting]) -> list[Waiting]:
    """The same, with what keeps the person from each, beside what they give when they sign."""
    against: list[WorkflowError | None] = []
    for start in range(0, len(items), _TOGETHER):
        commands = [one.command(actor, "looked-at", None) for one in items[start : start + _TOGETHER]]
        against += office.engine.against(commands)
    return [
        one if one.barred is not None or why is None or _is_to_be_given(why) else replace(one, barred=why)
        for one, why in zip(items, against, strict=True)
    ]


def _is_to_be_given(why: WorkflowError) -> bool:
    return isinstance(why, Refused) and {reason.code for reason in why.reasons} <= _STILL_TO_GIVE


def what_came(office: "Office", released: Sequence["Item"]) -> dict[int, Came]:
    """What has become of what somebody released, by the request's number."""
    numbers = [one.request_id for one in released]
    requests, signatures, incidents = Request.table(), SignatureRow.table(), Incident.table()
    query = (
        select(
            requests.c.id,
            requests.c.state,
            signatures.c.document_id,
            signatures.c.field,
            incidents.c.id.label("incident"),
        )
        .select_from(requests)
        .outerjoin(DocumentRow.table(), DocumentRow.table().c.request_id == requests.c.id)
        .outerjoin(
            signatures,
            and_(signatures.c.document_id == DocumentRow.table().c.id, signatures.c.event_seq.is_not(None)),
        )
        .outerjoin(
            incidents, and_(incidents.c.request_id == requests.c.id, incidents.c.resolved_at.is_(None))
        )
        .where(requests.c.id.in_(numbers))
    )
    with office.store.read() as session:
        rows = list(session.connection().execute(query))
    states = {row.id: row.state for row in rows}
    signed = {(row.document_id, row.field) for row in rows}
    stuck = {row.id for row in rows if row.incident is not None}
    definitions = definitions_of(office.engine, numbers)
    return {
        one.request_id: _came(
            one,
            definitions[one.request_id].states[state],
            signed=signed,
            stuck=one.request_id in stuck,
            again=second_release(definitions[one.request_id], state),
        )
        for one in released
        if (state := states.get(one.request_id)) is not None and one.request_id in definitions
    }


def _came(
    one: "Item", now: State, *, signed: Collection[tuple[int, str]], stuck: bool, again: Iterable[State]
) -> Came:
    if (one.document_id, one.field) in signed:
        return "sealed"
    if now.auto is not None:
        return "stuck" if stuck else "going"
    if now.name == one.state:
        return "back"
    return "second" if any(signs.field == one.field for signs in again) else "moved"
