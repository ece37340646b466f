"""Files that come back signed elsewhere: judged, and the document's from then on."""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from certs.hosts import AllowedHosts
from documents.kinds import KINDS
from signing.outside import ExpectedSigner, SignedElsewhere, judge_signed_elsewhere
from signing.profile import Level
from workflow.brought import Brought
from workflow.commands import Answer
from workflow.faults import point
from workflow.judge import office_day
from workflow.outside import By, Waiting, answered, executed, waiting_request
from workflow.references import require_stored
from workflow.tables import DocumentRow, Person, SignatureRow, Task
from workflow.workbench import timed

if TYPE_CHECKING:
    from workflow.office import Office


def who_signs(office: "Office", request_id: int, by: By) -> list[ExpectedSigner]:
    """Who has to sign each field of a document that waits to come back signed. Raises as `given_out`."""
    return list(_expected(office, waiting_request(office, request_id, by, ("signed",)), by).values())


def take_signed(
    office: "Office", request_id: int, pdf: bytes, by: By, *, online: AllowedHosts | None = None
) -> Answer:
    """Take in a file that was signed elsewhere; it is the document's file from then on.

    Raises ForeignSignatureRefusedError with every difference, DocumentRefusedError, NotFound, NothingOutside,
    BlobError, and what a command can meet.
    """
    digest = sha256(pdf).hexdigest()
    before = answered(office, request_id, digest, by, "signed")
    if before is not None:
        return before
    waiting = waiting_request(office, request_id, by, ("signed",))
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
    return executed(office, waiting.command(by, brought, facts=_reported(waiting, signed)))


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


def imported(one: Imported) -> Brought:
    """A document that came back signed, without its rows: who signed is the personal part."""
    facts = asdict(one)
    body = {name: facts.pop(name) for name in ("signers", "certificates")}
    facts["fields"] = sorted(one.certificates)
    return Brought("signed", one.sha256, facts, body)


def _least(office: "Office", waiting: Waiting) -> Level:
    """The lowest level that is accepted: the profile's, or the document kind's where that is higher."""
    asked = [waiting.profile.expects, office.signing.minimum.get(waiting.document.kind)]
    return max((level for level in asked if level is not None), key=lambda level: level.rank)


def _expected(office: "Office", waiting: Waiting, by: By) -> dict[str, ExpectedSigner]:
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


def _person(session: Session, waiting: Waiting, who: str, by: By) -> tuple[str, str]:
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


def _reported(waiting: Waiting, signed: SignedElsewhere) -> dict[str, str]:
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
    waiting: Waiting,
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
