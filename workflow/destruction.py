"""What becomes of a request's rows when it is destroyed, column by column, in one transaction.

Whatever somebody wrote, is called, or can be found by goes. What stays says what kind of request it was, when
it moved and how it ended: the figures are the same before and after. docs/retention.md gives the reasons; a
test holds this list, that one and the tables together.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Text,
    case,
    cast,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from workflow.eventlog import Appender, erase_bodies
from workflow.keeping import Kept
from workflow.tables import (
    BlobRemoval,
    Body,
    BulkResult,
    CommandKey,
    Delivery,
    DocumentRow,
    Draft,
    Event,
    Hand,
    Hold,
    Incident,
    KeptForm,
    MailRow,
    Opening,
    Person,
    ProofRow,
    RenewalRow,
    Request,
    ScanRow,
    SignatureRow,
    SigningRunItem,
    Task,
    TimingCase,
    TimingTask,
)

DESTROYED = "request_destroyed"
NOBODY = ""
"""The id that stands in place of a person's: no register holds it, and nobody acts as it."""
GONE = "destroyed-"
"""What stands before a document's id in place of its verification code, which is unique."""
CHUNK = 500  # requests looked at by one statement
UNDETERMINED = "und"
"""A language that is not told (ISO 639-2)."""

_requests, _tasks, _documents, _signatures = (
    Request.table(),
    Task.table(),
    DocumentRow.table(),
    SignatureRow.table(),
)
_incidents, _holds, _events, _bodies = Incident.table(), Hold.table(), Event.table(), Body.table()
_renewals, _scans = RenewalRow.table(), ScanRow.table()


def _nobody_for(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Nobody in place of somebody, and null where nobody was."""
    return case((column.is_not(None), literal(NOBODY)), else_=None)


EMPTIED: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "requests": {
            "requester_id": NOBODY,
            "language": UNDETERMINED,
            "reference": None,
            "data": {},
            "data_sha256": "",
        },
        "tasks": {
            "claimed_by": _nobody_for(_tasks.c.claimed_by),
            "claimed_for": None,
            "done_by": _nobody_for(_tasks.c.done_by),
            "done_for": None,
        },
        "documents": {
            "number": "",
            "verification_code": literal(GONE) + cast(_documents.c.id, Text),
            "language": UNDETERMINED,
            "data_sha256": "",
        },
        "signatures": {
            "signer_id": NOBODY,
            "certificate_sha256": "",
            "revision": b"",
            "signed_attributes": b"",
            "prepared": {},
            "value": case((_signatures.c.value.is_not(None), literal(b"")), else_=None),
        },
        "incidents": {"message": "", "resolved_by": _nobody_for(_incidents.c.resolved_by)},
        "holds": {"reason": "", "placed_by": NOBODY, "released_by": _nobody_for(_holds.c.released_by)},
    }
)
"""Columns whose values are replaced, table by table."""
DELETED = (
    *("drafts", "hands", "commands", "deliveries", "proofs", "openings", "mails", "signing_run_items"),
    *("bulk_results", "kept_forms"),
)
"""Tables whose rows of the request go as a whole."""
ERASED = MappingProxyType({"bodies": ("salt", "body")})
"""What the event log erases by itself, and tells."""
STAYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "requests": (
            *("id", "key", "variant", "definition_sha256", "state", "version", "step_seq", "unit"),
            *("suspended_at", "opened_at", "closed_at", "outcome", "destroyed_at"),
        ),
        "tasks": (
            *("id", "request_id", "state", "role", "offered_at", "claimed_at", "started_at"),
            *("suspended_us", "closed_at"),
            *("unit", "definition_sha256", "named", "suspended_at", "due_at", "near_at"),  # of open ones
        ),
        "documents": (
            *("id", "request_id", "name", "kind", "revision_no", "issued_on", "valid_until"),
            *("rendered_sha256", "current_sha256", "level_reached", "created_seq"),
        ),
        "signatures": (
            *("id", "document_id", "field", "profile", "level_asked", "signer_kind", "source_sha256"),
            *("byte_range", "digest_algorithm", "attempts", "signed_sha256", "level_reached", "event_seq"),
            "authorised",  # the provider, the way and the time it took: nobody's name
            "counted_on",
        ),
        "incidents": (
            *("id", "request_id", "state", "step_seq", "step", "code", "opened_at", "resolved_at"),
        ),
        "holds": ("id", "request_id", "placed_at", "released_at"),
        "renewals": (
            *("id", "document_id", "source_sha256", "sha256", "stamped_at", "holds_until", "event_seq"),
        ),
        "scans": ("id", "document_id", "sha256", "pages", "event_seq"),
        "archives": ("document_id", "sha256", "stamped_at", "holds_until"),
        "timing_cases": tuple(TimingCase.table().columns.keys()),
        "timing_tasks": tuple(TimingTask.table().columns.keys()),
        "reminders": ("task_id", "place", "event_seq", "told_at"),
        "events": ("seq", "request_id", "type", "recorded_at", "record", "prev_hash", "hash"),
        "bodies": ("seq", "erased_at"),
    }
)
"""Columns that are kept."""
_TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            *(_requests, _tasks, _documents, _signatures, _incidents, _holds),
            *(Draft.table(), Hand.table(), CommandKey.table(), Delivery.table(), ProofRow.table()),
            *(Opening.table(), MailRow.table(), SigningRunItem.table(), BulkResult.table()),
            KeptForm.table(),
        )
    }
)


def destroy(session: Session, log: Appender, due: Sequence[Kept], *, at: datetime) -> None:
    """Destroy requests in the caller's transaction: their rows, their events' bodies; list their blobs.

    The log's lock is held, so nobody changes them meanwhile. What is said of each in the log stays.
    """
    connection = session.connection()
    ids = [kept.request_id for kept in due]
    files = _files(connection, ids)
    digests = {sha256 for told in files.values() for one in told for sha256 in one["sha256"]}
    _list_blobs(connection, digests, at)
    _name_nobody(connection)
    for kept in due:
        bodies = erase_bodies(log, session, kept.request_id, at=at)
        log.append(DESTROYED, at=at, request_id=kept.request_id, facts=_facts(kept, bodies, files))
    for name in DELETED:
        table = _TABLES[name]
        connection.execute(delete(table).where(table.c.request_id.in_(ids)))
    for name, values in EMPTIED.items():
        connection.execute(update(_TABLES[name]).where(_of(_TABLES[name], ids)).values(**values))
    connection.execute(update(_requests).where(_requests.c.id.in_(ids)).values(destroyed_at=at))
    log.write()


def remains(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Where rows of destroyed requests say more than is kept: the request, and the table or its column."""
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        for name, values in EMPTIED.items():
            table = _TABLES[name]
            number = _documents.c.request_id if table is _signatures else _request_id(table)
            query = select(number, *(table.c[column] for column in values)).where(_of(table, some))
            if table is _signatures:
                query = query.join_from(table, _documents, _documents.c.id == table.c.document_id)
            for request, *found in connection.execute(query):
                for column, value in zip(values, found, strict=True):
                    if value and not _is_kept(column, value):
                        yield request, f"{name}.{column}"
        for name in DELETED:
            number = _TABLES[name].c.request_id
            for request in connection.execute(select(number).where(number.in_(some))).scalars():
                yield request, name
        query = select(_events.c.request_id).join_from(_events, _bodies, _bodies.c.seq == _events.c.seq)
        unerased = query.where(_events.c.request_id.in_(some), _bodies.c.body.is_not(None))
        for request in connection.execute(unerased).scalars():
            yield request, "bodies.body"


def _is_kept(column: str, value: object) -> bool:
    """Whether it is what stands in a column after the destruction; what is empty is not asked."""
    return (column == "language" and value == UNDETERMINED) or (
        column == "verification_code" and str(value).startswith(GONE)
    )


def _facts(kept: Kept, bodies: int, files: Mapping[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """The destruction record: what kind of request, by which rule, what was destroyed."""
    definition = kept.definition
    return {
        "channel": "system",
        "key": definition.key,
        "variant": definition.variant,
        "definition": definition.sha256_hex,
        "rule": "keep",
        "keep": str(definition.keep),
        "ended_on": kept.ended_on.isoformat(),
        "due_on": kept.due_on.isoformat(),
        "bodies": bodies,
        "documents": files.get(kept.request_id, []),
    }


def _files(connection: Connection, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Every document of these requests, with the digest of every file that it ever was."""
    ever: dict[int, set[str]] = {}
    query = select(_signatures.c.document_id, _signatures.c.source_sha256, _signatures.c.signed_sha256)
    for document, source, signed in connection.execute(query.where(_of(_signatures, ids))):
        ever.setdefault(document, set()).update(sha256 for sha256 in (source, signed) if sha256)
    theirs = _renewals.c.document_id.in_(_documents_of(ids))
    renewed = select(_renewals.c.document_id, _renewals.c.source_sha256, _renewals.c.sha256)
    for document, source, sha256 in connection.execute(renewed.where(theirs)):
        ever.setdefault(document, set()).update((source, sha256))
    scanned = select(_scans.c.document_id, _scans.c.sha256)
    for document, sha256 in connection.execute(scanned.where(_scans.c.document_id.in_(_documents_of(ids)))):
        ever.setdefault(document, set()).add(sha256)
    found: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(select(_documents).where(_of(_documents, ids)).order_by(_documents.c.id)):
        digests = {row.rendered_sha256, row.current_sha256} | ever.get(row.id, set())
        told = {
            "document": row.name,
            "kind": row.kind,
            "revision": row.revision_no,
            "sha256": sorted(digests),
        }
        found.setdefault(row.request_id, []).append(told)
    return found


def _list_blobs(connection: Connection, digests: Collection[str], at: datetime) -> None:
    """Put blobs on the list of what is to be removed; who removes them asks whether others refer to them."""
    table = BlobRemoval.table()
    listed = connection.execute(select(table.c.sha256).where(table.c.sha256.in_(list(digests)))).scalars()
    if doomed := sorted(set(digests).difference(listed)):
        connection.execute(insert(table), [{"sha256": sha256, "listed_at": at} for sha256 in doomed])


def _request_id(table: Table) -> ColumnElement[int]:
    """The column that says whose a row is."""
    return table.c.id if table is _requests else table.c.request_id


def _of(table: Table, ids: Sequence[int]) -> ColumnElement[bool]:
    """Rows of these requests."""
    if table is _signatures:
        return _signatures.c.document_id.in_(_documents_of(ids))
    return _request_id(table).in_(ids)


def _documents_of(ids: Sequence[int]) -> Select[tuple[int]]:
    return select(_documents.c.id).where(_documents.c.request_id.in_(ids))


def _name_nobody(connection: Connection) -> None:
    """Have a person who is nobody: other tables name one."""
    people = Person.table()
    if connection.execute(select(people.c.id).where(people.c.id == NOBODY)).first() is None:
        connection.execute(insert(people).values(id=NOBODY, name="", unit="", active=False))
