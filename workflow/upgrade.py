"""Bringing a database to this release: the one way in which tables that are there are changed."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow.application_role import RoleUnfit, grant
from workflow.store import VARIABLE, Store

OWNER = "PARAAF_DATABASE_OWNER"
ROLE = "PARAAF_DATABASE_ROLE"

BeforeUpgrade = Callable[[Store, str], None]
"""Called with the database and its revision before its tables are changed; what it raises stops that."""


@dataclass(frozen=True)
class Upgraded:
    """The revision before (None: there were no tables) and after, and the role that got its rights."""

    before: str | None
    after: str
    role: str | None


def upgrade(
    folder: Path, environ: Mapping[str, str] = os.environ, *, before_upgrade: BeforeUpgrade
) -> Upgraded:
    """Bring the tables up to date, as their owner, and give the application role its rights.

    (1) see what is there; (2) let the caller act before tables with content change: this is where a backup is
    made; (3) migrate, in one transaction; (4) grant. Repeated, it changes nothing. Raises StoreUnavailable,
    StoreOutdated when the database is of a later release, RoleUnfit.
    """
    role = environ.get(ROLE)
    store = Store.unopened(folder, environ, OWNER if environ.get(OWNER) else VARIABLE)
    try:
        _require_sense(store, role, owner_named=bool(environ.get(OWNER)))
        before = store.revision()  # (1)
        if before is not None and store.behind(before):
            before_upgrade(store, before)  # (2)
        store.migrate()  # (3)
        if role:
            with store.write() as session:
                grant(session, role)  # (4)
        return Upgraded(before, store.revision() or "", role)
    finally:
        store.close()


def _require_sense(store: Store, role: str | None, *, owner_named: bool) -> None:
    if role and store.embedded:
        raise RoleUnfit("SQLite has no roles.", hint=f"Leave {ROLE} out, or name a PostgreSQL database.")
    if owner_named and not role:
        raise RoleUnfit(
            f"{OWNER} is set and {ROLE} is not: the application would get no rights.",
            hint=f"Name the application's role in {ROLE}.",
        )
