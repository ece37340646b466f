"""What the database itself refuses, held against what this release's migrations make: triggers with their
text, keys, checks, indexes, columns, functions.

Who may change the tables may drop a trigger or an index and leave every row as it is: then nothing is wrong
yet, and a second signature or a changed event is no longer refused. A SQLite file is compared with a database
that the same migrations make in memory. A role that owns nothing can make no tables on a server: what the
migrations make there stands in a file beside them, which a test holds to them (tests/declare_guards.py).
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from workflow.store import MIGRATIONS, Store
from workflow.tables import Base

DECLARED = MIGRATIONS / "guards_postgresql.json"
Guards = Mapping["Name", str]
"""Each with its text."""


class Name(NamedTuple):
    """What it is, what it is called, and the table that it is of; of a function "", it is of none."""

    kind: str
    name: str
    table: str

    def __str__(self) -> str:
        """As it is told to people."""
        alone = self.table in {"", self.name}
        return f"{self.kind} {self.name}" + ("" if alone else f" of {self.table}")


@dataclass(frozen=True)
class Difference:
    """A guard that is not as the release makes it."""

    name: Name
    what: Literal["missing", "changed", "foreign"]

    @property
    def weakens(self) -> bool:
        """Whether something is no longer refused, or done besides: an index that is not unique is for
        speed."""
        return self.name.kind != "index"

    @property
    def message(self) -> str:
        """What is to be told of it."""
        if self.what == "foreign":
            return f"There is a {self.name}, which this release does not make."
        how = "is missing" if self.what == "missing" else "is not as this release makes it"
        return f"The {self.name} {how}."


def differences(session: Session) -> Iterator[Difference]:
    """Every guard that is missing or changed, and whatever else stands on our tables."""
    found = guards_of(session.connection())
    due = _made_in_memory() if session.connection().dialect.name == "sqlite" else declared()
    tables = {name.table for name in due} - {""}
    for name in found:  # first: what somebody added may be at work at this moment
        # an office may add an index for its own reports, and tables of its own
        if name not in due and (name.table in tables or name.kind == "setting") and name.kind != "index":
            yield Difference(name, "foreign")
    there = {name.table for name in found}
    for name, own in due.items():
        if name not in found and (name.table in there or name.kind in {"table", "function"}):
            yield Difference(name, "missing")
        elif name in found and found[name] != own:
            yield Difference(name, "changed")


def lone_rows(session: Session) -> Iterator[str]:
    """How many rows refer to a row that is not there; a sentence for each two tables."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        broken: dict[tuple[str, str], int] = {}
        for row in connection.execute(text("PRAGMA foreign_key_check")):
            broken[row.table, row.parent] = broken.get((row.table, row.parent), 0) + 1
    else:
        broken = _broken_references(connection)
    for (table, parent), count in sorted(broken.items()):
        yield f"Rows of {table} that refer to a row of {parent} that is not there: {count}."


def guards_of(connection: Connection) -> Guards:
    """The guards that are there."""
    return _on_sqlite(connection) if connection.dialect.name == "sqlite" else _on_a_server(connection)


def declared() -> Guards:
    """What the migrations make on PostgreSQL, as the file beside them says."""
    kinds = json.loads(DECLARED.read_text(encoding="utf-8"))
    return {
        Name(kind, name, table): own
        for kind, tables in kinds.items()
        for table, named in tables.items()
        for name, own in named.items()
    }


@cache
def _made_in_memory() -> Guards:
    """What the migrations make in an SQLite file."""
    with closing(Store("sqlite://")) as store:
        store.migrate()
        with store.write() as session:  # a reader's database in memory would be another one
            return guards_of(session.connection())


def _on_sqlite(connection: Connection) -> Guards:
    found: dict[Name, str] = {}
    for kind, name, table, sql in connection.execute(_ON_SQLITE):
        own = _BLANKS.sub(" ", sql)  # of SQLite's own kinds alone: to it others are letters
        if kind == "table":
            for part, called, said in _parts_of_table(own):
                key = Name(part, called, table)
                found[key] = f"{found[key]}, {said}" if key in found else said
        else:
            unique = "unique " if own.upper().startswith("CREATE UNIQUE ") else ""
            found[Name(unique + kind, name, table)] = own
    return found


def _parts_of_table(sql: str) -> Iterator[tuple[str, str, str]]:
    """The columns and constraints of a CREATE TABLE, and what stands around them: kind, name, text."""
    head, _, rest = sql.partition("(")
    inner, _, tail = rest.rpartition(")")
    yield "table", head.split()[-1], f"{head.strip()} {tail.strip()}"
    if _COMMENT.search(_QUOTED.sub("", sql)):
        yield "comment", "comment", sql  # no migration writes one, and what is in it is no guard
    for part in _between_commas(inner):
        words = part.split()
        if words[0].upper() == "CONSTRAINT":
            yield "constraint", words[1], part
        else:
            yield "column", words[0], part


# What SQLite makes by itself: it can have no trigger of such a name, but for one that was smuggled in.
_ON_SQLITE = text(
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type NOT IN ('table', 'index')"
    " OR (name NOT LIKE 'sqlite\\_autoindex\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_stat_' ESCAPE '\\'"
    " AND name <> 'sqlite_sequence')"
)
_BLANKS = re.compile(r"[ \t\n\f\r]+")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]""")
_COMMENT = re.compile(r"--|/\*")


def _between_commas(inner: str) -> Iterator[str]:
    """Cut at the commas that stand in no brackets and no quotes."""
    depth, quote, part = 0, "", ""
    for sign in inner:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"`":
            quote = sign
        else:
            depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth and not quote:
            yield part.strip()
            part = ""
        else:
            part += sign
    yield part.strip()


def _on_a_server(connection: Connection) -> Guards:
    schema = connection.scalar(text("SELECT quote_ident(current_schema())"))
    found = {}
    for kind, name, table, own in connection.execute(_ON_A_SERVER):
        # a function's own search path names the schema that the tables happen to be in
        said = own.replace(f"search_path=pg_catalog, {schema},", "search_path=pg_catalog, SCHEMA,")
        found[Name(kind, name, table)] = said
    return found


# Of tables in the session's schema. What a foreign key does stands in triggers of the server's own, which can
# be switched off, too; a rule may have a statement do nothing, a policy may hide rows.
_ON_A_SERVER = text(
    "WITH t AS (SELECT * FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    " AND relkind IN ('r', 'p', 'v', 'm', 'f'))"
    " SELECT 'table', relname, relname, concat_ws(' ', relkind, relpersistence,"
    " CASE WHEN relrowsecurity THEN 'row security' END, CASE WHEN relhassubclass THEN 'inherited' END) FROM t"
    " UNION ALL SELECT 'column', attname, relname, concat_ws(' ', format_type(atttypid, atttypmod),"
    " CASE WHEN attnotnull THEN 'NOT NULL' END, pg_get_expr(adbin, adrelid), nullif(attidentity, ''),"
    " nullif(attgenerated, ''), CASE WHEN attcollation NOT IN (0, 'pg_catalog.default'::regcollation)"
    " THEN attcollation::regcollation::text END) FROM t JOIN pg_attribute a ON a.attrelid = t.oid"
    " LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum"
    " WHERE attnum > 0 AND NOT attisdropped"
    " UNION ALL SELECT 'setting', 'session_replication_role', '', current_setting('session_replication_role')"
    " WHERE current_setting('session_replication_role') <> 'origin'"
    " UNION ALL SELECT 'constraint', conname, relname, concat_ws(' ', pg_get_constraintdef(c.oid, true),"
    " CASE WHEN EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgconstraint = c.oid AND g.tgenabled <> 'O')"
    " THEN 'switched off' END) FROM t JOIN pg_constraint c ON c.conrelid = t.oid"
    " WHERE contype IN ('c', 'f', 'p', 'u', 'x')"
    " UNION ALL SELECT CASE WHEN indisunique THEN 'unique index' ELSE 'index' END, i.relname, t.relname,"
    " concat_ws(' ', pg_get_indexdef(i.oid, 0, true), CASE WHEN NOT indisvalid THEN 'invalid' END)"
    " FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid"
    " WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid AND c.conrelid = t.oid)"
    " UNION ALL SELECT 'trigger', tgname, relname, concat_ws(' ', pg_get_triggerdef(g.oid, true),"
    " CASE WHEN tgenabled <> 'O' THEN 'switched off' END)"
    " FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT tgisinternal"
    " UNION ALL SELECT 'rule', rulename, relname, pg_get_ruledef(r.oid, true)"
    " FROM t JOIN pg_rewrite r ON r.ev_class = t.oid WHERE rulename <> '_RETURN'"
    " UNION ALL SELECT 'policy', polname, relname, concat_ws(' ', polcmd, pg_get_expr(polqual, polrelid))"
    " FROM t JOIN pg_policy p ON p.polrelid = t.oid"
    " UNION ALL SELECT 'function', concat(proname, '(', pg_get_function_identity_arguments(p.oid), ')'), '',"
    " concat_ws(' ', lanname, CASE WHEN prosecdef THEN 'SECURITY DEFINER' END,"
    " array_to_string(proconfig, '; '), encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'))"
    " FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
    " WHERE pronamespace = current_schema()::regnamespace"
)


def _broken_references(connection: Connection) -> dict[tuple[str, str], int]:
    """Child table and parent table → how many rows of the child refer to none; those that do alone."""
    broken: dict[tuple[str, str], int] = {}
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            parent = key.column.table.alias()
            there = parent.c[key.column.name]
            query = (
                select(func.count())
                .select_from(table)
                .outerjoin(parent, there == key.parent)
                .where(key.parent.is_not(None), there.is_(None))
            )
            count = connection.scalar(query) or 0
            if count:
                pair = table.name, key.column.table.name
                broken[pair] = broken.get(pair, 0) + count
    return broken
