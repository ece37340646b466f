"""Which stored files the rows refer to: the one place that knows the columns that name them.

What was destroyed refers to nothing. A file is stored before a row names it, so somebody may be about to name
one that nothing refers to yet. Who removes such files does it under the log's lock; and who records a step
asks `require_stored` under the same lock, after it stored the files, for however long it was stopped between.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select, union
from sqlalchemy.orm import Session

from documents.blobs import Blobs
from documents.errors import BlobError
from workflow.store import Store
from workflow.tables import DocumentRow, RenewalRow, Request, ScanRow, SignatureRow

CHUNK = 2_000
"""Digests in one statement, or in memory at a time."""

_One = TypeVar("_One")

_requests, _documents, _signatures = Request.table(), DocumentRow.table(), SignatureRow.table()
_renewals, _scans = RenewalRow.table(), ScanRow.table()
COLUMNS = (
    _documents.c.rendered_sha256,
    _documents.c.current_sha256,
    _signatures.c.source_sha256,
    _signatures.c.signed_sha256,
    _renewals.c.source_sha256,
    _renewals.c.sha256,
    _scans.c.sha256,
)
_BEFORE_RENEWALS = tuple(column for column in COLUMNS if column.table not in (_renewals, _scans))


def naming(column: ColumnElement[Any], *selected: ColumnElement[Any]) -> Select[Any]:
    """A query for what a column names, in rows of requests that are not destroyed."""
    query = select(column.label("sha256"), *selected).select_from(_documents)
    if column.table is not _documents:
        query = query.join(column.table, column.table.c.document_id == _documents.c.id)
    query = query.join(_requests, _requests.c.id == _documents.c.request_id)
    return query.where(_requests.c.destroyed_at.is_(None), column.is_not(None))


def referred_to(
    session: Session, among: Collection[str] | None = None, *, without: Collection[str] = ()
) -> set[str]:
    """The digests that rows name, as this session sees them; of these alone, if they are given.

    `without` these tables, in a database of a release that had none of them.
    """
    columns = [column for column in COLUMNS if column.table.name not in without]
    if among is None:
        return set(session.connection().execute(union(*(naming(column) for column in columns))).scalars())
    found: set[str] = set()
    for some in chunks(among):
        queries = (naming(column).where(column.in_(some)) for column in columns)
        found.update(session.connection().execute(union(*queries)).scalars())
    return found


def ever_referred_to(session: Session) -> set[str]:
    """The digests that the rows of a release name which destroyed and renewed nothing yet."""
    return set(session.connection().execute(union(*map(select, _BEFORE_RENEWALS))).scalars()) - {None}


def next_referred_to(session: Session, after: str) -> list[str]:
    """The next digests that rows name after one, in order; at most CHUNK, none at the end."""
    some = (naming(column).where(column > after).order_by(column).limit(CHUNK) for column in COLUMNS)
    named = union(*(select(each.subquery().c.sha256) for each in some)).subquery()
    query = select(named.c.sha256).order_by(named.c.sha256).limit(CHUNK)
    return list(session.connection().execute(query).scalars())


def all_named(store: Store) -> Iterator[str]:
    """Every digest that rows name, in order; no transaction is open between CHUNK of them.

    Raises StoreUnavailable.
    """
    after = ""
    while True:
        with store.read() as session:
            digests = next_referred_to(session, after)
        if not digests:
            return
        yield from digests
        after = digests[-1]


def require_stored(blobs: Blobs, digests: Collection[str]) -> None:
    """Find that files are still there which are to be named in the transaction that holds the log's lock.

    A storage that says nothing is not waited for: everybody waits for that lock. Raises BlobError, which has
    the step tried again.
    """
    if missing := blobs.missing(digests, patient=False):
        raise BlobError(
            f"The stored file {missing[0][:12]}… was removed before anything referred to it.",
            hint="The step is done again by itself; was it stopped for long?",
        )


def chunks(each: Iterable[_One]) -> Iterator[list[_One]]:
    """Digests, or what bears them, some at a time."""
    some: list[_One] = []
    for one in each:
        some.append(one)
        if len(some) == CHUNK:
            yield some
            some = []
    if some:
        yield some
