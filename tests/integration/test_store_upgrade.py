"""An older database is told of and brought up to date, content and all; the application role owns nothing."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from tests.command_line import Terminal
from tests.databases import NOW, Database, add_lone_document, as_owner, fresh
from tests.integration.engine_office import Office
from tests.postgresql import APPLICATION, NOTHING, OWNER, Server, url_of
from workflow.application_role import RIGHTS, RoleUnfit
from workflow.errors import RestoreUnfinished, StoreOutdated, StoreUnavailable
from workflow.eventlog import Appender
from workflow.logcheck import verify
from workflow.store import MIGRATIONS, Store, revisions
from workflow.tables import Base, Person, Request
from workflow.upgrade import upgrade

FIRST_RELEASE = "0002"


# As the first release wrote it: the tables' classes are those of this one.
HELD = (
    "INSERT INTO people (id, name, unit, active) VALUES ('p', 'P', 'u', true)",
    "INSERT INTO definitions (sha256_hex, key, variant, version, source) VALUES ('d', 'k', 'v', 1, '')",
    "INSERT INTO requests (id, key, variant, definition_sha256, state, version, step_seq, requester_id, unit,"
    " language, data, data_sha256, opened_at)"
    " VALUES (1, 'k', 'v', 'd', 's', 1, 1, 'p', 'u', 'en', '{}', '', '2026-11-20 09:00:00')",
)


def untouched(_store: Store, _revision: str) -> None:
    raise AssertionError("nothing was about to change")


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of the first release, with a request and its event in it."""
    with fresh(request.param, tmp_path, request, template=NOTHING) as database:
        if request.param == "sqlite":
            (tmp_path / "paraaf.sqlite3").unlink()
        with closing(Store(database.url)) as store:
            store.migrate(FIRST_RELEASE)
            with store.write() as session:
                for statement in HELD:
                    session.execute(text(statement))
                log = Appender.lock(session, bytes)
                log.append("noted", at=NOW, request_id=1, facts={}, body={"actor": "p"})
                log.write()
        yield database


def test_an_older_database_is_left_alone_and_told_of(old: Database, tmp_path: Path) -> None:
    for make in (True, False):
        with pytest.raises(StoreOutdated, match=f"at {FIRST_RELEASE}") as caught:
            Store.open(tmp_path, old.environ, make=make)
        assert "paraaf upgrade" in caught.value.hint
    with closing(Store(old.url)) as store:
        assert store.revision() == FIRST_RELEASE


def test_what_an_earlier_release_deleted_is_in_no_byte_of_the_file_after_the_upgrade(tmp_path: Path) -> None:
    """It wiped nothing."""
    marker, file = b"Qvxzkw-deleted", tmp_path / "paraaf.sqlite3"
    with closing(Store.unopened(tmp_path, {})) as store:
        store.migrate(FIRST_RELEASE)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("PRAGMA secure_delete=OFF")  # some libraries wipe by themselves
            other.execute("INSERT INTO people VALUES ('p', ?, 'u', true)", [marker.decode()])
            other.execute("DELETE FROM people")
        assert marker in in_all(tmp_path)
        store.migrate()
    assert marker not in in_all(tmp_path)


def in_all(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("paraaf.sqlite3*"))


def test_an_upgrade_keeps_what_is_there(old: Database, tmp_path: Path) -> None:
    seen = []
    done = upgrade(tmp_path, old.environ, before_upgrade=lambda _, revision: seen.append(revision))
    assert (done.before, done.after, seen) == (FIRST_RELEASE, revisions()[-1], [FIRST_RELEASE])
    with closing(Store.open(tmp_path, old.environ)) as store, store.read() as session:
        assert session.get(Person, "p") is not None
        assert session.get_one(Request, 1).opened_at == NOW
        assert verify(session, rows=False).ok
    again = upgrade(tmp_path, old.environ, before_upgrade=untouched)
    assert (again.before, again.after) == (again.after, done.after)


@pytest.mark.parametrize("old", ["postgresql"], indirect=True)  # SQLite samples nothing unless it is told to
def test_a_server_loses_its_samples_of_what_may_become_empty(old: Database, tmp_path: Path) -> None:
    """It would keep them: those of a table without rows are never made anew."""
    command = "INSERT INTO commands VALUES ('somebody', 'key', 1, 'digest', '{}', now())"
    sampled = text("SELECT attname FROM pg_stats WHERE tablename = 'commands' AND attname = 'actor'")
    with closing(Store(old.url)) as store:
        with store.write() as session:
            session.execute(text(command))
        as_owner(store, "ANALYZE")
        with store.read() as session:
            assert session.execute(sampled).all()
        upgrade(tmp_path, old.environ, before_upgrade=lambda *_: None)
        as_owner(store, "ANALYZE")
        with store.read() as session:
            assert not session.execute(sampled).all()


def test_what_is_raised_before_an_upgrade_stops_it(old: Database, tmp_path: Path) -> None:
    def no_room(_store: Store, _revision: str) -> None:
        raise StoreUnavailable("There is no room for a backup.")

    with pytest.raises(StoreUnavailable, match="no room"):
        upgrade(tmp_path, old.environ, before_upgrade=no_room)
    with closing(Store(old.url)) as store:
        assert store.revision() == FIRST_RELEASE


def test_the_command(
    old: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in old.environ.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(tmp_path, capsys)
    refused = terminal.office("people")
    assert refused.status == 1
    own = "Run `paraaf upgrade`."  # of a file nobody else is the owner
    assert {"sqlite": own}.get(
        old.kind, "Have the owner of the database run `paraaf upgrade`."
    ) in refused.err
    said = terminal.office("upgrade")
    newest = revisions()[-1]
    assert said.status == 0
    assert said.out == f"The tables were brought from {FIRST_RELEASE} to {newest}.\n"
    assert FIRST_RELEASE in said.err
    assert terminal.json("upgrade") == {"before": newest, "after": newest, "role": None}
    assert terminal.office("upgrade").out == f"The tables are at {newest} already.\n"
    assert terminal.office("people").status == 0


def test_the_files_of_migrations_bear_their_revisions() -> None:
    """The names are what an opened database is compared with; Alembic goes by what the files say."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(revisions()))


# --- the application role


@dataclass(frozen=True)
class Roles:
    """A database on the server that the owner has upgraded, and the environments of its two roles."""

    server: Server
    name: str

    @property
    def owner(self) -> Mapping[str, str]:
        url = url_of(self.server.port, self.name).render_as_string()
        return {"PARAAF_DATABASE_OWNER": url, "PARAAF_DATABASE_ROLE": APPLICATION}

    @property
    def application(self) -> Mapping[str, str]:
        return {"PARAAF_DATABASE": url_of(self.server.port, self.name, APPLICATION).render_as_string()}


@pytest.fixture
def roles(postgresql: Server, tmp_path: Path) -> Iterator[Roles]:
    with postgresql.database(NOTHING) as name:
        yield Roles(postgresql, name)


def test_a_server_has_its_tables_made_by_the_owner_alone(roles: Roles, tmp_path: Path) -> None:
    with pytest.raises(StoreOutdated, match="no tables yet"):
        Store.open(tmp_path, {"PARAAF_DATABASE": roles.owner["PARAAF_DATABASE_OWNER"]})
    with pytest.raises(StoreUnavailable, match="permission denied"):
        upgrade(tmp_path, roles.application, before_upgrade=untouched)
    (tmp_path / "authority").mkdir()
    (tmp_path / "authority" / "root.pem").write_text("")  # `paraaf sign` makes keys without any database
    done = upgrade(tmp_path, roles.owner, before_upgrade=untouched)
    assert (done.before, done.role) == (None, APPLICATION)
    with closing(Store.open(tmp_path, roles.application)) as store:
        assert store.revision() == done.after


@pytest.mark.parametrize("left", ["hr_register.csv", "blobs/0/of-a-file", "office.json"])
def test_no_tables_are_made_where_a_restore_was_cut_off(roles: Roles, tmp_path: Path, left: str) -> None:
    folder = tmp_path / "data"
    (folder / left).parent.mkdir(parents=True)
    (folder / left).touch()
    with pytest.raises(RestoreUnfinished, match="the database nothing"):
        upgrade(folder, roles.owner, before_upgrade=untouched)
    with pytest.raises(RestoreUnfinished, match="the database nothing"):
        Store.open(folder, {"PARAAF_DATABASE": roles.owner["PARAAF_DATABASE_OWNER"]})
    (folder / left).unlink()  # a mount that is empty is none of an office's files
    assert upgrade(folder, roles.owner, before_upgrade=untouched).before is None
    (folder / left).touch()  # once there are tables, a folder may be any host's
    assert upgrade(folder, roles.owner, before_upgrade=untouched).before is not None


@pytest.fixture
def store(roles: Roles, tmp_path: Path) -> Iterator[Store]:
    """As the application role, with a request, a document and an event."""
    upgrade(tmp_path, roles.owner, before_upgrade=untouched)
    with closing(Store.open(tmp_path, roles.application)) as store:
        with store.write() as session:
            add_lone_document(session)
        yield store


FORBIDDEN = [
    *(f"TRUNCATE {table}" for table in RIGHTS),
    *(f"DROP TABLE {table} CASCADE" for table in RIGHTS),
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in RIGHTS),
    "UPDATE events SET type = 'x'",
    "DELETE FROM events",
    "INSERT INTO events SELECT * FROM events ON CONFLICT (seq) DO UPDATE SET type = 'x'",
    "DELETE FROM bodies",
    "UPDATE bodies SET seq = 2",
    "DELETE FROM log_head",
    "UPDATE log_head SET id = 2",
    "INSERT INTO log_head VALUES (1, 0, '')",
    "DELETE FROM requests",
    "DELETE FROM tasks",
    "DELETE FROM documents",
    "UPDATE documents SET rendered_sha256 = 'x'",
    "UPDATE hands SET state = 'x'",
    "UPDATE commands SET answer = '{}'",
    "UPDATE definitions SET source = ''",
    "DELETE FROM incidents",
    "UPDATE alembic_version SET version_num = '0001'",
    "DROP TRIGGER events_no_update ON events",
    "CREATE OR REPLACE FUNCTION paraaf_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "SET session_replication_role = replica",
    "CREATE TABLE mine (id int)",
    "SELECT setval('incidents_id_seq', 1)",
    f"SET ROLE {OWNER}",
]


def test_the_application_role_may_not_undo_what_protects_the_log(store: Store) -> None:
    allowed = [statement for statement in FORBIDDEN if not _refused(store, statement)]
    assert not allowed


def _refused(store: Store, statement: str) -> bool:
    try:
        with store.write() as session:
            session.execute(text(statement))
    except StoreUnavailable as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


def test_rights_that_somebody_added_are_taken_away_again(store: Store, roles: Roles, tmp_path: Path) -> None:
    roles.server.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {APPLICATION}", roles.name)
    roles.server.run(f"GRANT UPDATE (type) ON events TO {APPLICATION}", roles.name)
    upgrade(tmp_path, roles.owner, before_upgrade=untouched)
    assert _refused(store, "UPDATE events SET type = 'x'")
    assert _refused(store, "TRUNCATE deliveries")


def test_every_table_has_its_rights(store: Store) -> None:
    with store.read() as session:
        there = set(inspect(session.connection()).get_table_names())
    assert there == set(RIGHTS)
    assert set(Base.metadata.tables) <= there


@pytest.mark.parametrize("role", [OWNER, "nobody_at_all", 'a"b', "member"])
def test_a_role_that_could_undo_it_is_refused(roles: Roles, tmp_path: Path, role: str) -> None:
    roles.server.run("DROP ROLE IF EXISTS member")
    roles.server.run(f"CREATE ROLE member LOGIN IN ROLE {OWNER}")
    with pytest.raises(RoleUnfit, match=role):
        upgrade(tmp_path, {**roles.owner, "PARAAF_DATABASE_ROLE": role}, before_upgrade=untouched)


def test_settings_that_make_no_sense_are_told(roles: Roles, tmp_path: Path) -> None:
    with pytest.raises(RoleUnfit, match="PARAAF_DATABASE_ROLE is not"):
        upgrade(tmp_path, {**roles.owner, "PARAAF_DATABASE_ROLE": ""}, before_upgrade=untouched)
    with pytest.raises(RoleUnfit, match="SQLite"):
        upgrade(tmp_path, {"PARAAF_DATABASE_ROLE": APPLICATION}, before_upgrade=untouched)


def test_the_engine_needs_no_more(roles: Roles, tmp_path: Path) -> None:
    upgrade(tmp_path, roles.owner, before_upgrade=untouched)
    office = Office.open(tmp_path, roles.application)
    number = office.to_sign("A1", temporary=True)
    office.do("claim", "signer", number)
    office.do("release", "signer", number)
    other = office.submit()
    office.do("save_draft", "manager", other, data={})
    office.do("suspend", "manager", other, remark="Because.")
    office.do("resume", "manager", other)
    office.do("withdraw", "employee", other)
    assert office.report().ok
    office.store.close()
