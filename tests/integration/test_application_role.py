"""A role that could undo what protects the log is refused; what everybody may is taken away."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from tests.postgresql import APPLICATION, NOTHING, Server, url_of
from workflow import checkup, readiness
from workflow.application_role import RoleUnfit, grant, require_bound
from workflow.errors import StoreUnavailable
from workflow.office import Office
from workflow.store import VARIABLE, Store

ROLE = "paraaf_suspect"


@pytest.fixture
def database(postgresql: Server) -> Iterator[str]:
    """A database with all tables, and a role that may log in."""
    with postgresql.database(NOTHING) as name:
        with closing(Store(url_of(postgresql.port, name))) as store:
            store.migrate()
        postgresql.run(f"CREATE ROLE {ROLE} LOGIN")
        postgresql.run(f"CREATE ROLE {ROLE}_group")
        try:
            yield name
        finally:
            for role in (ROLE, f"{ROLE}_group"):
                postgresql.run(f"REASSIGN OWNED BY {role} TO CURRENT_USER", name)
                postgresql.run(f"DROP OWNED BY {role}", name)
                postgresql.run(f"DROP OWNED BY {role}")
                with suppress(psycopg.errors.InsufficientPrivilege):
                    postgresql.run(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
                postgresql.run(f"DROP ROLE {role}")


def give(server: Server, database: str, role: str = ROLE) -> None:
    with closing(Store(url_of(server.port, database))) as store, store.write() as session:
        grant(session, role)


CLEAN = Path(__file__).parents[2] / "deploy" / "clean.sql"


def test_the_nightly_statement_fails_for_who_owns_nothing(postgresql: Server, database: str) -> None:
    psql = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(postgresql.port), "-d", database]
    give(postgresql, database)
    refused = subprocess.run([*psql, "-U", ROLE, "-f", CLEAN], capture_output=True, text=True, check=False)
    assert refused.returncode == 3
    assert f"{ROLE} does not own the tables" in refused.stderr
    owner = url_of(postgresql.port, database).username or ""
    cleaned = subprocess.run([*psql, "-U", owner, "-f", CLEAN], capture_output=True, text=True, check=False)
    assert (cleaned.returncode, cleaned.stderr) == (0, "")


MIGHTY = {
    "ALTER DATABASE {name} OWNER TO {role}": "owns the database",
    "ALTER SCHEMA public OWNER TO {role}": "owns the schema",
    "CREATE SCHEMA other AUTHORIZATION {role}": "owns the schema other",
    "ALTER ROLE {role} NOINHERIT; GRANT {role}_group TO {role};"
    " CREATE SCHEMA other AUTHORIZATION {role}_group": "owns the schema other",
    "CREATE SCHEMA other; GRANT CREATE ON SCHEMA other TO PUBLIC": "CREATE on the schema other",
    "ALTER ROLE {role} NOINHERIT; GRANT {role}_group TO {role};"
    " GRANT UPDATE ON events TO {role}_group": "UPDATE on events",
    "ALTER TABLE events OWNER TO {role}": "owns the tables",
    "ALTER FUNCTION paraaf_refuse OWNER TO {role}": "owns functions",
    "ALTER TABLE events OWNER TO {role}_group; GRANT {role}_group TO {role}": "owns the tables",
    "ALTER ROLE {role} SUPERUSER": "may do everything",
    "GRANT pg_write_all_data TO {role}": "may do everything",
    "ALTER ROLE {role} CREATEROLE": "makes roles",
    "GRANT CREATE ON DATABASE {name} TO {role}": "may make schemas",
    "GRANT SET ON PARAMETER session_replication_role TO {role}": "switches triggers off",
    "GRANT CREATE ON SCHEMA public TO {role}_group; GRANT {role}_group TO {role}": "CREATE on the schema",
    "GRANT UPDATE (type) ON events TO {role}_group; GRANT {role}_group TO {role}": "UPDATE on events",
    "GRANT TRIGGER ON bodies TO {role}_group; GRANT {role}_group TO {role}": "TRIGGER on bodies",
}


@pytest.mark.parametrize("given", MIGHTY)
def test_who_could_undo_it_is_refused(postgresql: Server, database: str, given: str) -> None:
    for statement in given.format(role=ROLE, name=database).split("; "):
        postgresql.run(statement, database)
    with pytest.raises(RoleUnfit, match=MIGHTY[given]) as caught:
        give(postgresql, database)
    assert caught.value.hint


def test_a_table_or_function_of_a_schema_before_ours_is_not_taken_for_ours(
    postgresql: Server, database: str
) -> None:
    """A schema of the role's own name comes first by default, and a session's own tables before all."""
    give(postgresql, database)
    for statement in (
        f"CREATE SCHEMA AUTHORIZATION {ROLE}",
        f"CREATE TABLE {ROLE}.events AS TABLE events",
        f"CREATE FUNCTION {ROLE}.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'theirs' $$",
    ):
        postgresql.run(statement, database)
    postgresql.run(f"GRANT SELECT ON {ROLE}.events TO {ROLE}", database)
    with closing(Store(url_of(postgresql.port, database, ROLE))) as store:
        for transaction in (store.read, store.write):
            with transaction() as session:
                assert session.scalar(text("SELECT 'events'::regclass = 'public.events'::regclass"))
                assert session.scalar(text("SELECT current_schema()")) == "public"
        with store.write() as session:
            session.execute(text("CREATE TEMP TABLE tasks (id int)"))
            assert session.scalar(text("SELECT 'tasks'::regclass = 'public.tasks'::regclass"))
        with pytest.raises(RoleUnfit, match=f"owns the schema {ROLE}"), store.read() as session:
            require_bound(session)
        postgresql.run(f"CREATE TABLE {ROLE}.log_head AS TABLE log_head", database)
    with (
        closing(Store(url_of(postgresql.port, database, ROLE))) as store,
        pytest.raises(StoreUnavailable, match="Several schemas"),
    ):
        store.revision()


PUBLIC = (
    "UPDATE events SET hash = 'x'",
    "TRUNCATE events CASCADE",
    "DELETE FROM anchors",
    "CREATE TABLE mine (id int)",
    "CREATE TRIGGER mine BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION paraaf_refuse()",
    "SELECT setval('incidents_id_seq', 1)",
)


def test_what_everybody_may_is_taken_away(postgresql: Server, database: str) -> None:
    for statement in (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO PUBLIC",
        "GRANT UPDATE (hash) ON events TO PUBLIC",
        f"GRANT CREATE ON SCHEMA public TO {ROLE}",
    ):
        postgresql.run(statement, database)
    give(postgresql, database)
    with postgresql.connection(database, ROLE) as connection:
        for statement in PUBLIC:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        connection.execute("SELECT count(*) FROM events")
        connection.execute("SELECT nextval('incidents_id_seq')")


def test_the_role_of_the_docs_is_fit(postgresql: Server, database: str) -> None:
    give(postgresql, database, APPLICATION)
    give(postgresql, database, APPLICATION)


@pytest.mark.parametrize(
    ("taken", "lacks"),
    [
        ("INSERT ON events", "INSERT on events"),
        ("SELECT ON documents", "SELECT on documents"),
        ("UPDATE (hash) ON log_head", "UPDATE on log_head"),
        ("ALL ON SEQUENCE documents_id_seq", "USAGE on documents_id_seq"),
    ],
)
def test_a_right_that_was_taken_away_is_missed(
    postgresql: Server, database: str, taken: str, lacks: str, tmp_path: Path
) -> None:
    """Whoever asks is told that the office can't work, before somebody finds out."""
    give(postgresql, database)
    url = url_of(postgresql.port, database, ROLE).render_as_string()
    with closing(Office.open(tmp_path, environ={VARIABLE: url})) as office:
        assert {one.name: one.code for one in readiness.checks(office)}["database"] == ""
        postgresql.run(f"REVOKE {taken} FROM {ROLE}", database)
        assert {one.name: one.code for one in readiness.checks(office)}["database"] == RoleUnfit.code
        told = [one for one in checkup.quick(office) if lacks in one.message]
    assert [one.state for one in told] == ["wrong"]
