"""A person's own filters of their queue, each under a name of their choice; they go with the person."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from wording import Sentence
from workflow import sentences
from workflow.errors import Reason, Refused
from workflow.queue_filter import QueueFilter, require_filter
from workflow.tables import Person, SavedFilterRow

MOST = 30
NAME_LONGEST = 60


@dataclass(frozen=True)
class SavedFilter:
    """A filter under its name. `query` is the one of an address; `wanted` is None where this release can't
    read it."""

    name: str
    query: str
    wanted: QueueFilter | None


def saved_filters(session: Session, person: str) -> list[SavedFilter]:
    """The person's filters, by name."""
    table = SavedFilterRow.table()
    query = select(table.c.name, table.c.query).where(table.c.person_id == person).order_by(table.c.name)
    rows = session.connection().execute(query)
    return [SavedFilter(row.name, row.query, _read(row.query)) for row in rows]


def save_filter(session: Session, person: str, name: str, wanted: QueueFilter) -> None:
    """Keep a filter, without its place, in place of the one of this name; at most MOST of a person.

    Raises Refused.
    """
    require_filter(wanted)
    _require_name(name)
    query = replace(wanted, after=None).as_query()
    people = Person.table()
    # locked: of two that are saved at once the second sees the first
    known = select(people.c.id).where(people.c.id == person, people.c.active).with_for_update()
    if session.connection().execute(known).first() is None:
        raise Refused([Reason("person", sentences.unknown(person))])
    remove_filter(session, person, name)
    if len(saved_filters(session, person)) >= MOST:
        raise Refused(
            [
                Reason(
                    "full",
                    Sentence("Remove one first: {most} filters are kept of a person.", most=MOST),
                    "name",
                )
            ]
        )
    row = {"person_id": person, "name": name, "query": query}
    session.connection().execute(insert(SavedFilterRow.table()), [row])


def remove_filter(session: Session, person: str, name: str) -> bool:
    """Remove the person's filter of this name; whether there was one."""
    table = SavedFilterRow.table()
    there = (table.c.person_id == person, table.c.name == name)
    return session.connection().execute(delete(table).where(*there)).rowcount == 1


def forget_filters(session: Session, people: Collection[str]) -> None:
    """Remove all filters of these people."""
    table = SavedFilterRow.table()
    session.connection().execute(delete(table).where(table.c.person_id.in_(people)))


def _read(query: str) -> QueueFilter | None:
    try:
        return QueueFilter.from_query(parse_qs(query))
    except Refused:
        return None


def _require_name(name: object) -> None:
    if (
        isinstance(name, str)
        and 0 < len(name) <= NAME_LONGEST
        and name.isprintable()
        and name == name.strip()
    ):
        return
    message = Sentence(
        "Give a name of 1 to {most} characters that show, without spaces around it.", most=NAME_LONGEST
    )
    raise Refused([Reason("form", message, "name")])
