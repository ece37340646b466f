"""What the application role may do on PostgreSQL: what its statements need, nothing that loses evidence.

The tables belong to the owner, as whom `paraaf upgrade` runs; every other command and the workers run as the
application role, which owns nothing. It appends to the log and can't change it, whatever becomes of triggers;
it can't drop a guard, make a table or empty one. A role that could, by what it owns or is a member of, is
refused. SQLite has no roles: who has the file has everything.
"""

import re
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
        "people": "SELECT, INSERT, UPDATE (name, unit, active, left_at), DELETE",
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
        "renewals": "SELECT, INSERT",
        "archives": "SELECT, INSERT, DELETE",
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

# What would let a role undo a guard, whatever rights on tables it is given; null when there is no such role.
_MIGHTY = text(
    "SELECT CASE"
    " WHEN r.rolcreaterole THEN 'makes roles'"
    " WHEN EXISTS (SELECT 1 FROM pg_roles o WHERE pg_has_role(r.oid, o.oid, 'MEMBER') AND (o.rolsuper"
    "  OR o.rolname IN ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files')))"
    "  THEN 'may do everything'"
    " WHEN EXISTS (SELECT 1 FROM pg_database d WHERE d.datname = current_database()"
    "  AND pg_has_role(r.oid, d.datdba, 'MEMBER')) THEN 'owns the database'"
    " WHEN pg_has_role(r.oid, n.nspowner, 'MEMBER') THEN 'owns the schema'"
    " WHEN EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid"
    "  AND pg_has_role(r.oid, c.relowner, 'MEMBER')) THEN 'owns the tables'"
    " WHEN EXISTS (SELECT 1 FROM pg_proc f WHERE f.pronamespace = n.oid"
    "  AND pg_has_role(r.oid, f.proowner, 'MEMBER')) THEN 'owns functions'"
    " WHEN has_database_privilege(r.oid, current_database(), 'CREATE') THEN 'may make schemas'"
    " ELSE '' END FROM pg_roles r, pg_namespace n WHERE r.rolname = :role AND n.nspname = current_schema()"
)
# Of version 15 and later: before, only a superuser may.
_SETTABLE = text("SELECT to_regprocedure('has_parameter_privilege(name, text, text)') IS NOT NULL")
_SETS = text("SELECT has_parameter_privilege(CAST(:role AS name), 'session_replication_role', 'SET')")
_MAKES = text("SELECT has_schema_privilege(CAST(:role AS name), current_schema(), 'CREATE')")
_MAY = text("SELECT has_any_column_privilege(CAST(:role AS name), :table, :right)")
_MAY_WHOLLY = text("SELECT has_table_privilege(CAST(:role AS name), :table, :right)")


class RoleUnfit(WorkflowError):
    """The application role is not there, or could undo what protects the log."""

    code = "workflow-role"


def require_fit(session: Session, role: str) -> None:
    """Refuse a role that is not there, or that could undo what protects the log. Raises RoleUnfit."""
    mighty = session.execute(_MIGHTY, {"role": role}).scalar_one_or_none()
    if mighty is None:
        raise RoleUnfit(
            f"The database server has no role {role!r}.",
            hint="Make it with `CREATE ROLE … LOGIN`, or name the one that is there in PARAAF_DATABASE_ROLE.",
        )
    if not mighty and session.execute(_SETTABLE).scalar_one():
        mighty = "switches triggers off" if session.execute(_SETS, {"role": role}).scalar_one() else ""
    if mighty:
        raise RoleUnfit(
            f"The role {role!r} {mighty}.",
            hint="Give the application a role of its own, that owns nothing, is no superuser and no member of"
            " the owner.",
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
    for right in _too_much(session, role, schema, quote):
        raise RoleUnfit(
            f"The role {role!r} still has a right that the program does not need: {right}.",
            hint="Take it away: as whoever gave it, from PUBLIC or from a role that this one is a member of.",
        )


def _too_much(session: Session, role: str, schema: str, quote: Any) -> Iterator[str]:
    """What the role may do by other ways than our grants, of what could undo a guard."""
    if session.execute(_MAKES, {"role": role}).scalar_one():
        yield "CREATE on the schema"
    for table, rights in RIGHTS.items():
        for right in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"):
            asked = {"role": role, "table": f"{schema}.{quote(table)}", "right": right}
            of_columns = right == "UPDATE" and right not in rights
            given = re.search(rf"{right}\b(?! \()", rights)
            if not given and session.execute(_MAY if of_columns else _MAY_WHOLLY, asked).scalar_one():
                yield f"{right} on {table}"


def _statements(schema: str, role: str, quote: Any) -> Iterator[str]:
    for kind in ("TABLES", "SEQUENCES"):
        yield f"REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM {role}"
    # what everybody may, the role may; before version 15 everybody may make tables
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM PUBLIC"
    yield f"REVOKE ALL ON {', '.join(f'{schema}.{quote(table)}' for table in RIGHTS)} FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"
    for table, rights in RIGHTS.items():
        yield f"GRANT {rights} ON {schema}.{quote(table)} TO {role}"
