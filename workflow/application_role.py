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
        "people": "SELECT, INSERT, UPDATE (name, unit, active, left_at, email), DELETE",
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
        "key_days": "SELECT, INSERT, UPDATE (used)",
        "renewals": "SELECT, INSERT",
        "scans": "SELECT, INSERT",
        "archives": "SELECT, INSERT, DELETE",
        "deliveries": "SELECT, INSERT, DELETE",
        "anchors": "SELECT, INSERT",
        "holds": "SELECT, INSERT, UPDATE",
        "blob_removals": "SELECT, INSERT, DELETE",
        "retention": "SELECT, INSERT, UPDATE",
        "office": "SELECT, INSERT",
        "reminders": "SELECT, INSERT",
        "rate_limits": "SELECT, INSERT, UPDATE (given, places)",
        "profile_checks": "SELECT, INSERT, DELETE",
        "authority_health": "SELECT, INSERT, UPDATE (answered_at, failed_at, failures, cool_until, code,"
        " message)",
        "passwords": "SELECT, INSERT, UPDATE (phc, own, set_at), DELETE",
        "attempts": "SELECT, INSERT, UPDATE (failures, last_at, blocked_until), DELETE",
        "proofs": "SELECT, INSERT, DELETE",
        "openings": "SELECT, INSERT, DELETE",
        "signing_runs": "SELECT, INSERT, UPDATE (stage, question, events, turn, turned_at, held_until),"
        " DELETE",
        "signing_run_items": "SELECT, INSERT, UPDATE (told, came, story, repeated, event), DELETE",
        "bulk_results": "SELECT, INSERT, DELETE",
        "kept_forms": "SELECT, INSERT, DELETE",
        "beginnings": "SELECT, INSERT, UPDATE (language, data, saved_at), DELETE",
        "api_tokens": "SELECT, INSERT, UPDATE (last_used_on, revoked_at), DELETE",
        "mail_choices": "SELECT, INSERT, UPDATE (own, work, language, reports), DELETE",
        "mails": "SELECT, INSERT, UPDATE (tries, next_at, sent_at, code), DELETE",
        "mail_state": "SELECT, INSERT, UPDATE (after_seq, told_on)",
        "webhooks": "SELECT, INSERT, UPDATE (after_seq, stopped_at), DELETE",
        "webhook_messages": "SELECT, INSERT, UPDATE (tries, next_at, status, code, taken_at), DELETE",
        "sessions": "SELECT, INSERT, UPDATE (seen_at, replaces), DELETE",
        "secrets": "SELECT, INSERT",
        "devices": "SELECT, INSERT, DELETE",
        "code_secrets": "SELECT, INSERT, UPDATE (last_step), DELETE",
        "recovery_codes": "SELECT, INSERT, DELETE",
        "passkeys": "SELECT, INSERT, UPDATE (sign_count, used_at), DELETE",
        "ceremonies": "SELECT, INSERT, DELETE",
        "saved_filters": "SELECT, INSERT, DELETE",
        "timing_cases": "SELECT, INSERT, UPDATE, DELETE",
        "timing_tasks": "SELECT, INSERT, UPDATE, DELETE",
        "timing_steps": "SELECT, INSERT, UPDATE, DELETE",
        "timing_groups": "SELECT, INSERT, DELETE",
        "timing_sums": "SELECT, INSERT, UPDATE, DELETE",
        "monitoring_months": "SELECT, INSERT",
        "monitoring_reports": "SELECT, INSERT,"
        " UPDATE (norms, profile, tries, next_at, code, made_at, level, sealed_by, sha256, pdf), DELETE",
        "timing_state": "SELECT, INSERT, UPDATE (after_seq, rules)",
        "incidents": "SELECT, INSERT, UPDATE (resolved_at, resolved_by, message)",
        "procrastinate_jobs": "SELECT, INSERT, UPDATE, DELETE",
        "procrastinate_events": "SELECT, INSERT",
        "procrastinate_periodic_defers": "SELECT, INSERT, UPDATE, DELETE",
        "procrastinate_workers": "SELECT, INSERT, UPDATE, DELETE",
    }
)

# Whoever is a member of a role can become it, whatever is inherited. And whatever schema it owns, or can make
# tables in, it can put before ours by a setting of its own.
_WITH = (
    "WITH o AS (SELECT o.* FROM pg_roles r JOIN pg_roles o ON pg_has_role(r.oid, o.oid, 'MEMBER')"
    " WHERE r.rolname = :role), s AS (SELECT * FROM pg_namespace"
    " WHERE nspname <> 'information_schema' AND NOT starts_with(nspname, 'pg_')) "
)
# What would let a role undo a guard, whatever rights on tables it is given; null when there is no such role.
_MIGHTY = text(
    f"{_WITH} SELECT CASE"  # noqa: S608  a constant of this module
    " WHEN EXISTS (SELECT 1 FROM o WHERE rolsuper"
    "  OR rolname IN ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files'))"
    "  THEN 'may do everything'"
    " WHEN EXISTS (SELECT 1 FROM o WHERE rolcreaterole) THEN 'makes roles'"
    " WHEN EXISTS (SELECT 1 FROM o JOIN pg_database ON datdba = o.oid WHERE datname = current_database())"
    "  THEN 'owns the database'"
    " WHEN EXISTS (SELECT 1 FROM o JOIN s ON nspowner = o.oid) THEN 'owns the schema '"
    "  || (SELECT min(nspname) FROM o JOIN s ON nspowner = o.oid)"
    " WHEN EXISTS (SELECT 1 FROM o JOIN pg_class ON relowner = o.oid"
    "  WHERE relnamespace = current_schema()::regnamespace) THEN 'owns the tables'"
    " WHEN EXISTS (SELECT 1 FROM o JOIN pg_proc ON proowner = o.oid"
    "  WHERE pronamespace = current_schema()::regnamespace) THEN 'owns functions'"
    " WHEN EXISTS (SELECT 1 FROM o WHERE has_database_privilege(o.oid, current_database(), 'CREATE'))"
    "  THEN 'may make schemas'"
    " ELSE '' END FROM pg_roles WHERE rolname = :role"
)
# Of version 15 and later: before, only a superuser may.
_SETTABLE = text("SELECT to_regprocedure('has_parameter_privilege(name, text, text)') IS NOT NULL")
_SETS = text(
    f"{_WITH} SELECT bool_or(has_parameter_privilege(o.oid, 'session_replication_role', 'SET')) FROM o"  # noqa: S608  a constant of this module
)
_MAKES = text(
    f"{_WITH} SELECT DISTINCT nspname FROM o JOIN s ON has_schema_privilege(o.oid, s.oid, 'CREATE')"  # noqa: S608  a constant of this module
)
_MAY = text(f"{_WITH} SELECT bool_or(has_any_column_privilege(o.oid, :table, :right)) FROM o")  # noqa: S608  a constant of this module
_MAY_WHOLLY = text(f"{_WITH} SELECT bool_or(has_table_privilege(o.oid, :table, :right)) FROM o")  # noqa: S608  a constant of this module
_LACKS = text(
    "SELECT right_ || ' on ' || name FROM unnest(CAST(:tables AS text[]), CAST(:columns AS text[]),"
    " CAST(:rights AS text[])) AS wanted (name, column_, right_) WHERE NOT CASE WHEN column_ = ''"
    " THEN has_table_privilege(name, right_) ELSE has_column_privilege(name, column_, right_) END"
    " UNION ALL SELECT 'USAGE on ' || s.relname FROM pg_class s JOIN pg_depend d ON d.objid = s.oid"
    " AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
    " JOIN pg_class t ON t.oid = d.refobjid AND t.relname = ANY (CAST(:tables AS text[]))"
    " WHERE CASE WHEN s.relkind = 'S' AND s.relnamespace = current_schema()::regnamespace"
    " THEN NOT has_sequence_privilege(s.oid, 'USAGE') END"
    " LIMIT 1"
)
_OWNER = text(
    "SELECT pg_get_userbyid(relowner) = current_user, current_user FROM pg_class"
    " WHERE oid = 'log_head'::regclass"
)


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


def require_bound(session: Session) -> bool:
    """Refuse a session's role that could undo what protects the log; false where it is the owner itself.

    Raises RoleUnfit.
    """
    owns, role = session.execute(_OWNER).one()
    if owns:
        return False
    require_fit(session, role)
    _require_no_more(session, role)
    return True


def require_enough(session: Session) -> None:
    """Refuse a session's role that lacks a right which the program needs. Raises RoleUnfit."""
    wanted = [
        (table, column, right)
        for table, rights in RIGHTS.items()
        for right, columns in re.findall(r"(\w+)(?: \(([^)]*)\))?", rights)
        for column in columns.split(", ")
    ]
    tables, columns, rights = (list(each) for each in zip(*wanted, strict=True))
    asked = {"tables": tables, "columns": columns, "rights": rights}
    lacks = session.execute(_LACKS, asked).scalar()
    if lacks is not None:
        raise RoleUnfit(
            f"The application's role lacks a right that it needs: {lacks}.",
            hint="Have the owner of the tables give it its rights: `paraaf upgrade`, as"
            " PARAAF_DATABASE_OWNER, with PARAAF_DATABASE_ROLE.",
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
    _require_no_more(session, role)


def _require_no_more(session: Session, role: str) -> None:
    """Refuse a role that has a right besides those that we give. Raises RoleUnfit."""
    for right in _too_much(session, role):
        raise RoleUnfit(
            f"The role {role!r} still has a right that the program does not need: {right}.",
            hint="Take it away: as whoever gave it, from PUBLIC or from a role that this one is a member of.",
        )


def _too_much(session: Session, role: str) -> Iterator[str]:
    """What the role may do by other ways than our grants, of what could undo a guard."""
    for schema in session.execute(_MAKES, {"role": role}).scalars():
        yield f"CREATE on the schema {schema}"
    for table, rights in RIGHTS.items():
        for right in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"):
            asked = {"role": role, "table": table, "right": right}
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
