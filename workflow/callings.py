"""What people are called, for whoever may know of them."""

from collections.abc import Collection

from sqlalchemy import select

from workflow.store import Store
from workflow.tables import Person


def names_of(store: Store, people: Collection[str]) -> dict[str, str]:
    """The names of people, by their ids; without those that are not known here."""
    if not people:
        return {}
    table = Person.table()
    query = select(table.c.id, table.c.name).where(table.c.id.in_(sorted(people)))
    with store.read() as session:
        return {row.id: row.name for row in session.connection().execute(query)}
