"""What the application role may do on PostgreSQL: what its statements need, nothing that loses evidence.

The tables belong to the owner, as whom `paraaf upgrade` runs; every other command and the workers run as the
application role, which owns nothing. It appends to the log and can't change it, whatever becomes of triggers;
it can't drop a guard, make a table or empty one. SQLite has no roles: who has the file has everything.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from workflow.errors import WorkflowError

# One line a table. Whoever makes a table says here what the program does with its rows.
RIGHTS: Mapping[str, str] = MappingProxyType(
    {
        "alembic_version": "SELECT",
        "people": "SELECT, INSERT, UPDATE (name, unit, active), DELETE",
        "grants": "SELECT, INSERT, DELETE",
        "substitutes": "SELECT, INSERT, UPDATE (valid_until), DELETE",
        "definitions": "SELECT, INSERT",
        "requests": "SELECT, INSERT, UPDATE",
        "tasks": "SELECT, INSERT, UPDATE",
        "hands": "SELECT, INSERT, DELETE",
        "drafts": "SELECT, INSERT, DELETE",
        "commands": "SELECT, INSERT, DELETE",
        "events": "SELECT, INSERT",
        "bodies": "SELECT, INSERT, UPDATE (salt, body, erased_at)",
        "log_head": "SELECT, UPDATE (seq, hash)",
        "documents": "SELECT, INSERT, UPDATE (current_sha256, level_reached, number, verification_code,"
        " language, data_sha256)",
        "signatures": "SELECT, INSERT, UPDATE, DELETE",
        "deliveries": "SELECT, INSERT, DELETE",
        "anchors": "SELECT, INSERT",
        "holds": "SELECT, INSERT, UPDATE",
        "blob_removals": "SELECT, INSERT, DELETE",
        "retention": "SELECT, INSERT, UPDATE",
        "office": "SELECT, INSERT",
        "reminders": "SELECT, INSERT",
        "rate_limits": "SELECT, INSERT, UPDATE (given, places)",
        "incidents": "SELECT, INSERT, UPDATE (resolved_at, resolved_by, message)",
        "procrastinate_jobs": "SELECT, INSERT, UPDATE, DELETE",
        "procrastinate_events": "SELECT, INSERT",
        "procrastinate_periodic_defers": "SELECT, INSERT, UPDATE, DELETE",
        "procrastinate_workers": "SELECT, INSERT, UPDATE, DELETE",
    }
)

_FOUND = text(
    "SELECT r.rolsuper OR EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE n.nspname = current_schema() AND pg_has_role(r.rolname, c.relowner, 'MEMBER'))"
    " FROM pg_roles r WHERE r.rolname = :role"
)


class RoleUnfit(WorkflowError):
    """The application role is not there, or could undo what protects the log."""

    code = "workflow-role"


def require_fit(session: Session, role: str) -> None:
    """Refuse a role that is not there, or that could undo what protects the log. Raises RoleUnfit."""
    mighty = session.execute(_FOUND, {"role": role}).scalar_one_or_none()
    if mighty is None:
        raise RoleUnfit(
            f"The database server has no role {role!r}.",
            hint="Make it with `CREATE ROLE … LOGIN`, or name the one that is there in PARAAF_DATABASE_ROLE.",
        )
    if mighty:
        raise RoleUnfit(
            f"The role {role!r} owns the tables, or may do everything.",
            hint="Give the application a role of its own, that is no superuser and no member of the owner.",
        )


def grant(session: Session, role: str) -> None:
    """Give the role its rights and take any other away; the session is the owner's, all tables are there.

    Raises RoleUnfit.
    """
    require_fit(session, role)
    connection = session.connection()
    quote = connection.dialect.identifier_preparer.quote_identifier
    schema = quote(session.execute(text("SELECT current_schema()")).scalar_one())
    for statement in _statements(schema, quote(role), quote):
        connection.exec_driver_sql(statement)


def _statements(schema: str, role: str, quote: Any) -> Iterator[str]:
    for kind in ("TABLES", "SEQUENCES"):
        yield f"REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM {role}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"
    for table, rights in RIGHTS.items():
        yield f"GRANT {rights} ON {schema}.{quote(table)} TO {role}"
