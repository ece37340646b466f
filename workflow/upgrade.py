"""Bringing a database to this release: the one way in which tables that are there are changed."""

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from workflow import open_tasks
from workflow.application_role import RoleUnfit, grant, require_fit
from workflow.store import VARIABLE, Store, require_new

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
    made; (3) migrate, in one transaction with what is kept beside open tasks; (4) grant. Repeated, it changes
    nothing. Raises StoreUnavailable, StoreOutdated when the database is of a later release, RestoreUnfinished
    when it holds nothing, and the folder an office's keys or files, RoleUnfit.
    """
    with closing(owners_store(folder, environ)) as store:
        before = store.revision()  # (1)
        if before is None and not store.embedded:
            require_new(folder)
        if before is not None and store.behind(before):
            before_upgrade(store, before)  # (2)
        store.migrate(then=open_tasks.settle)  # (3)
        role = give_rights(store, environ)  # (4)
        return Upgraded(before, store.revision() or "", role)


def owners_store(folder: Path, environ: Mapping[str, str] = os.environ) -> Store:
    """The database as the one who owns its tables, or will; there or not, whatever is in it.

    Raises StoreUnavailable, and RoleUnfit when owner and role don't go together.
    """
    store = Store.unopened(folder, environ, owners_variable(environ))
    role = environ.get(ROLE)
    if role and store.embedded:
        raise RoleUnfit("SQLite has no roles.", hint=f"Leave {ROLE} out, or name a PostgreSQL database.")
    if environ.get(OWNER) and not role:
        raise RoleUnfit(
            f"{OWNER} is set and {ROLE} is not: the application would get no rights.",
            hint=f"Name the application's role in {ROLE}.",
        )
    return store


def owners_variable(environ: Mapping[str, str] = os.environ) -> str:
    """Which variable names the database as its owner sees it."""
    return OWNER if environ.get(OWNER) else VARIABLE


def require_role(store: Store, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse an application role that can get no rights, before anything is done. Raises RoleUnfit."""
    role = environ.get(ROLE)
    if role:
        with store.read() as session:
            require_fit(session, role)


def give_rights(store: Store, environ: Mapping[str, str] = os.environ) -> str | None:
    """Give the application role its rights, when there is one; its name. Raises RoleUnfit."""
    role = environ.get(ROLE)
    if role:
        with store.write() as session:
            grant(session, role)
    return role or None
