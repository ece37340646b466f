"""Secrets of the office that only have to be unknown outside: made at random when they are first needed.

They stand in the database, in the open: whoever can read it knows them. What has to be unreadable for them
too is enciphered by a key that is not there (DevelopmentAuthority.own_key).
"""

import secrets
from typing import Literal

from sqlalchemy import select

from workflow.store import Store
from workflow.tables import SecretRow

Name = Literal["throttle"]
_BYTES = 32


def office_secret(store: Store, name: Name) -> bytes:
    """The secret of this name; the same for all processes. Raises StoreUnavailable."""
    query = select(SecretRow.value).where(SecretRow.name == name)
    with store.read() as session:
        kept = session.scalar(query)
    if kept is not None:
        return kept
    store.have_row(SecretRow.table(), {"name": name, "value": secrets.token_bytes(_BYTES)})
    with store.read() as session:
        return session.scalars(query).one()
