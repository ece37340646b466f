"""Files that leave the office and come back: given out to be signed elsewhere or on paper, and taken in.

What comes back is judged before anything is stored. Then its file is stored durably, and one command moves
the request, tells the event and writes the rows that name the file, in one transaction: a stop before that
leaves a file to which nothing refers. The same file from the same person has the same idempotency key.
"""

import asyncio
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from certs.hosts import AllowedHosts
from documents.kinds import KINDS
from signing.outside import ExpectedSigner, SignedElsewhere, judge_signed_elsewhere
from signing.outside_errors import ScanRefusedError
from signing.profile import Level, Profile
from signing.scans import SEALED_COPY, Scan, require_whole
from workflow.brought import Brought
from workflow.command_form import require_name
from workflow.commands import Answer, Channel, Command
from workflow.definition_model import Definition, OutsideFile, State, Trigger
from workflow.errors import KeyReused, Refused, WorkflowError
from workflow.faults import point
from workflow.judge import office_day
from workflow.reading import RequestView
from workflow.references import require_stored
from workflow.sealed_copies import sealed_copy
from workflow.tables import DocumentRow, Event, Person, ScanRow, SignatureRow, Task
from workflow.workbench import timed

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
class Given:
    """A document that goes out: its file, and what came of the command; None where it had gone out before."""

    number: str
    pdf: bytes
    sha256: str
    answer: Answer | None
    durations_us: Mapping[str, int] = field(default_factory=dict)
    """Microseconds by a monotonic clock, by step: so for every file that goes out or comes back."""


@dataclass(frozen=True)
class _Waiting:
    """A request that waits for a file, as somebody who may go on with it sees it."""

    view: RequestView
    definition: Definition
    trigger: Trigger
    document: DocumentRow
    profile: Profile

    @property
    def state(self) -> State:
        return self.definition.states[self.view.state]

    def command(self, by: By, brought: Brought, *, facts: Mapping[str, str]) -> Command:
        return Command(
            trigger=self.trigger.name,
            actor=by.actor,
            key=_key(by, self.trigger.name, self.view.id, brought.sha256),
            request_id=self.view.id,
            seen_version=self.view.version if by.seen is None else by.seen,
            on_behalf_of=by.on_behalf_of,
            facts=dict(facts),
            channel=by.channel,
            brought=brought,
        )


def given_out(office: "Office", request_id: int, by: By) -> Given:
    """The file of the document as it was drawn, which goes out; nothing is recorded yet.

    Whoever gave it out, and whoever may bring it back, may have it again. Raises NotFound, Refused,
    NothingOutside, KeyReused, BlobError.
    """
    if (before := _given_before(office, request_id, by)) is not None:
        return before
    return _given(office, _waiting(office, request_id, by, ("given", "signed", "scan")).document)


def give(office: "Office", request_id: int, by: By) -> Given:
    """Record that the document goes out; its digest is in the event.

    Raises as `given_out`, and what a command can meet.
    """
    if (before := _given_before(office, request_id, by)) is not None:
        return before
    waiting = _waiting(office, request_id, by, ("given", "signed", "scan"))
    given = _given(office, waiting.document)
    if waiting.trigger.file != "given":
        return given
    document = waiting.document
    brought = exported(
        document.name, document.revision_no, given.sha256, len(given.pdf), durations_us=given.durations_us
    )
    answer = _executed(office, waiting.command(by, brought, facts={}))
    return replace(given, answer=answer)


def who_signs(office: "Office", request_id: int, by: By) -> list[ExpectedSigner]:
    """Who has to sign each field of a document that waits to come back signed. Raises as `given_out`."""
    return list(_expected(office, _waiting(office, request_id, by, ("signed",)), by).values())


def take_signed(
    office: "Office", request_id: int, pdf: bytes, by: By, *, online: AllowedHosts | None = None
) -> Answer:
    """Take in a file that was signed elsewhere; it is the document's file from then on.

    Raises ForeignSignatureRefusedError with every difference, DocumentRefusedError, NotFound, NothingOutside,
    BlobError, and what a command can meet.
    """
    digest = sha256(pdf).hexdigest()
    before = _answered(office, request_id, digest, by, "signed")
    if before is not None:
        return before
    waiting = _waiting(office, request_id, by, ("signed",))
    us: dict[str, int] = {}
    with timed(us, "prepare"):
        people = _expected(office, waiting, by)
        given = office.blobs.get(waiting.document.rendered_sha256)
    with timed(us, "validate"):
        signed = judge_signed_elsewhere(
            given,
            pdf,
            expected=list(people.values()),
            least=_least(office, waiting),
            trust=office.trust,
            now=office.clock(),
            online=online,
        )
    point("exchange.judged")
    with timed(us, "store"):
        office.blobs.put(pdf)
    point("exchange.stored")
    brought = _imported(office, waiting, signed, pdf, people, durations_us=us)
    return _executed(office, waiting.command(by, brought, facts=_reported(waiting, signed)))


def _executed(office: "Office", command: Command) -> Answer:
    answer = office.engine.execute(command)
    point("exchange.recorded")
    return answer


def _given_before(office: "Office", request_id: int, by: By) -> Given | None:
    """What the same person gave out before, with the first answer; None when they have not given this out.

    They may not go on with the request any more, but have to see it. Raises NotFound, Refused, KeyReused.
    """
    office.engine.show(request_id, by.actor)
    with office.store.read() as session:
        document = _newest_document(session, request_id)
    if document is None:
        return None
    answer = _answered(office, request_id, document.rendered_sha256, by, "given")
    return None if answer is None else replace(_given(office, document), answer=answer)


def _newest_document(session: Session, request_id: int) -> DocumentRow | None:
    query = select(DocumentRow).where(DocumentRow.request_id == request_id)
    return session.scalars(query.order_by(DocumentRow.id.desc()).limit(1)).one_or_none()


def _given(office: "Office", document: DocumentRow) -> Given:
    digest, us = document.rendered_sha256, dict[str, int]()
    with timed(us, "export"):  # read, and held to its digest
        pdf = office.blobs.get(digest)
    return Given(document.number, pdf, digest, None, us)


def _key(by: By, trigger: str, request_id: int, digest: str) -> str:
    """Its own idempotency key; else one for this file, so that what is sent again is done once."""
    return by.key or f"outside:{trigger}:{request_id}:{digest}"


def _answered(office: "Office", request_id: int, digest: str, by: By, file: OutsideFile) -> Answer | None:
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
        key = _key(by, trigger, request_id, digest)
        if (answer := office.engine.answered(by.actor, key, request_id, trigger)) is not None:
            if file == "scan":  # its event has the digest of the copy, of which no two are the same
                office.engine.repeated(_scanned_by(by, trigger, request_id, key, digest))
            elif by.key is not None and _file_of(office, answer) != digest:
                raise KeyReused
            return answer
    return None


def _scanned_by(by: By, trigger: str, request_id: int, key: str, digest: str) -> Command:
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


def _waiting(office: "Office", request_id: int, by: By, files: Sequence[OutsideFile]) -> _Waiting:
    """The request, if it waits for such a file and this person may go on with it now.

    Raises NotFound, Refused with every reason, NothingOutside.
    """
    view = office.engine.show(request_id, by.actor)
    with office.store.read() as session:
        definition = office.engine.definition(session, view.definition_sha256)
        state = definition.states[view.state]
        trigger = next((each for each in state.triggers.values() if each.file in files), None)
        document = _newest_document(session, request_id)
    if trigger is None or document is None:
        what = " or ".join(sorted(_WAITS_FOR[file] for file in files))
        raise NothingOutside(
            f"Request {request_id} is in the state {view.state!r}, and does not wait for {what}.",
            hint=f"See `paraaf show {request_id} --as {by.actor}`.",
        )
    if reasons := office.engine.why_not(request_id, trigger.name, by.actor, by.on_behalf_of):
        raise Refused(reasons)
    return _Waiting(view, definition, trigger, document, office.profiles[definition.signing])


_WAITS_FOR: Mapping[OutsideFile, str] = {
    "given": "a document to be given out",
    "signed": "a signed file",
    "scan": "a scan",
}


def take_scan(office: "Office", scan: Scan, by: By) -> Answer:
    """Keep the scan of a document that was signed on paper: as a copy under the organisation's seal.

    The scan says which document it is of. Raises ScanRefusedError, SigningError, KeyLimitReached, NotFound,
    NothingOutside, BlobError, and what a command can meet: KeyReused before anything is sealed. The
    authority's server has to run, for the seal.
    """
    digest = sha256(b"".join(page.jpeg for page in scan.pages)).hexdigest()
    request_id = _request_of(office, scan.number)
    before = _answered(office, request_id, digest, by, "scan")
    if before is not None:
        return before
    waiting = _waiting(office, request_id, by, ("scan",))
    if waiting.document.number != scan.number:
        raise ScanRefusedError(
            f"The scan is of document {scan.number}, and request {request_id} waits for one of"
            f" {waiting.document.number}, which was made since.",
            hint="Have that one signed, and scan it.",
        )
    require_whole(scan, office.blobs.get(waiting.document.rendered_sha256))
    key = _key(by, waiting.trigger.name, request_id, digest)  # of what came: no two seals are the same
    office.engine.repeated(_scanned_by(by, waiting.trigger.name, request_id, key, digest))
    us = {"scan": scan.read_us}
    with timed(us, "seal"):
        sealed = asyncio.run(sealed_copy(office, waiting.view, waiting.definition, scan))
    point("exchange.judged")
    with timed(us, "store"):
        stored = office.blobs.put(sealed)
    point("exchange.stored")
    document = waiting.document
    brought = scanned(
        document.name, document.revision_no, len(scan.pages), stored, len(sealed), durations_us=us
    )

    def record(session: Session, seq: int) -> None:
        require_stored(office.blobs, [stored])
        row = {"document_id": document.id, "sha256": stored, "pages": len(scan.pages), "event_seq": seq}
        session.connection().execute(insert(ScanRow.table()), [row])
        point("exchange.written")

    command = waiting.command(by, replace(brought, record=record), facts={})
    command = replace(command, key=key, brought=replace(command.brought or brought, sha256=digest))
    return _executed(office, command)


def _request_of(office: "Office", number: str) -> int:
    """The request whose document bears a number. Raises ScanRefusedError."""
    query = select(DocumentRow.request_id).where(DocumentRow.number == number)
    with office.store.read() as session:
        found = session.scalars(query.order_by(DocumentRow.id.desc()).limit(1)).one_or_none()
    if found is None:
        raise no_document(number)
    return found


def no_document(number: str) -> ScanRefusedError:
    """What is told of a scan of no document of this office, or of none for who brings it."""
    return ScanRefusedError(f"No document here has the number {number}.", hint="Is it another office's?")


# What is told of a file


@dataclass(frozen=True)
class Imported:
    """What the event of a file that was signed elsewhere says; `signers` and `certificates` by field."""

    document: str
    revision: int
    profile: str
    level_asked: str
    level_reached: str
    indication: str
    sha256: str
    bytes: int
    durations_us: Mapping[str, int]
    signers: Mapping[str, str]
    certificates: Mapping[str, str]


def exported(
    document: str, revision: int, sha256_hex: str, size: int, *, durations_us: Mapping[str, int]
) -> Brought:
    """A document that goes out; no row changes."""
    facts = {
        "document": document,
        "revision": revision,
        "sha256": sha256_hex,
        "bytes": size,
        "durations_us": dict(durations_us),
    }
    return Brought("given", sha256_hex, facts, {})


def imported(one: Imported) -> Brought:
    """A document that came back signed, without its rows: who signed is the personal part."""
    facts = asdict(one)
    body = {name: facts.pop(name) for name in ("signers", "certificates")}
    facts["fields"] = sorted(one.certificates)
    return Brought("signed", one.sha256, facts, body)


def scanned(
    document: str,
    revision: int,
    pages: int,
    sha256_hex: str,
    size: int,
    *,
    durations_us: Mapping[str, int],
) -> Brought:
    """A document that was signed on paper, as a sealed copy; without its row."""
    facts = {
        "document": document,
        "revision": revision,
        "pages": pages,
        "text": SEALED_COPY,
        "sha256": sha256_hex,
        "bytes": size,
        "durations_us": dict(durations_us),
    }
    return Brought("scan", sha256_hex, facts, {})


# A file that was signed elsewhere


def _least(office: "Office", waiting: _Waiting) -> Level:
    """The lowest level that is accepted: the profile's, or the document kind's where that is higher."""
    asked = [waiting.profile.expects, office.signing.minimum.get(waiting.document.kind)]
    return max((level for level in asked if level is not None), key=lambda level: level.rank)


def _expected(office: "Office", waiting: _Waiting, by: By) -> dict[str, ExpectedSigner]:
    """Who has to sign each field that this document has, by the field."""
    kind = KINDS[waiting.document.kind]
    needed = kind.required_signatures(kind.model.model_validate(waiting.view.data))
    found = {}
    with office.store.read() as session:
        for field, who in waiting.trigger.signers:
            if field in needed:
                person, name = _person(session, waiting, who, by)
                whose = [person] if person else _bearers(session, name)
                pinned = [waiting.profile.pinned.get(one, frozenset()) for one in whose]
                found[field] = ExpectedSigner(field, person, name, frozenset[str]().union(*pinned))
    return found


def _person(session: Session, waiting: _Waiting, who: str, by: By) -> tuple[str, str]:
    """The number and name of who signs: whoever acted last in a state, or whom the data name there.

    Of several who bear that name, the one who brings the file; of others nobody can tell: the number is "".
    """
    if "." not in who:
        query = (
            select(Person.id, Person.name)
            .join(Task, Task.done_by == Person.id)
            .where(Task.request_id == waiting.view.id, Task.state == who)
            .order_by(Task.id.desc())
        )
        person, name = session.execute(query.limit(1)).one()
        return person, name
    value: Any = waiting.view.data
    for part in who.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    name = str(value)
    bearers = _bearers(session, name)
    principal = by.on_behalf_of or by.actor
    if principal in bearers:
        return principal, name
    return (bearers[0] if len(bearers) == 1 else ""), name


def _bearers(session: Session, name: str) -> list[str]:
    """Who is called so, and works here."""
    return list(session.scalars(select(Person.id).where(Person.name == name, Person.active)))


def _reported(waiting: _Waiting, signed: SignedElsewhere) -> dict[str, str]:
    """Who signed and on which day, as the signatures say: nobody types it."""
    names = dict.fromkeys(each.signer or "" for each in signed.signatures.values())
    times = [each.proven_at or each.claimed_at for each in signed.signatures.values()]
    known = {
        "signed_by": unicodedata.normalize("NFC", "; ".join(names)),
        "signed_on": max(
            office_day(waiting.definition, moment) for moment in times if moment is not None
        ).isoformat(),
    }
    return {name: known[name] for name in waiting.trigger.record if name in known}


def _imported(
    office: "Office",
    waiting: _Waiting,
    signed: SignedElsewhere,
    pdf: bytes,
    people: Mapping[str, ExpectedSigner],
    *,
    durations_us: Mapping[str, int],
) -> Brought:
    digest = sha256(pdf).hexdigest()
    level, document = str(signed.level), waiting.document
    told = Imported(
        document=document.name,
        revision=document.revision_no,
        profile=waiting.profile.name,
        level_asked=str(_least(office, waiting)),
        level_reached=level,
        indication=signed.report.indication.value,
        sha256=digest,
        bytes=len(pdf),
        durations_us=dict(durations_us),
        signers={field: each.person for field, each in people.items()},
        certificates={field: each.certificate_sha256 or "" for field, each in signed.signatures.items()},
    )
    rows: list[dict[str, Any]] = [
        {
            "document_id": document.id,
            "field": field,
            "profile": told.profile,
            "level_asked": told.level_asked,
            "signer_kind": waiting.profile.kind,
            "signer_id": told.signers[field],
            "certificate_sha256": told.certificates[field],
            "source_sha256": document.rendered_sha256,
            "revision": b"",  # these are in the file alone
            "byte_range": [],
            "signed_attributes": b"",
            "digest_algorithm": each.digest_algorithm or "",
            "prepared": {},
            "attempts": 0,
            "value": b"",
            "signed_sha256": digest,
            "level_reached": level,
        }
        for field, each in sorted(signed.signatures.items())
    ]

    def record(session: Session, seq: int) -> None:
        require_stored(office.blobs, [digest])
        connection, documents = session.connection(), DocumentRow.table()
        connection.execute(insert(SignatureRow.table()), [{**row, "event_seq": seq} for row in rows])
        now = {"current_sha256": digest, "level_reached": level}
        connection.execute(update(documents).where(documents.c.id == document.id).values(**now))
        point("exchange.written")

    return replace(imported(told), record=record)
