"""The tables come from migrations, and are the ones the code expects; opening is safe and private."""

import re
import signal
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Select, bindparam, create_engine, inspect, literal, select, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from tests.databases import Database, fresh, intruder, only_postgresql, only_sqlite
from tests.postgresql import NOTHING, Server
from workflow.errors import Raced, StoreOutdated, StoreUnavailable
from workflow.people import NAMING
from workflow.store import Store, _pragmas
from workflow.tables import Base, CommandKey, Person, Substitute, UtcTime


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    store = Store.open(tmp_path, database.environ)
    yield store
    store.close()


without_expressions = pytest.mark.filterwarnings("ignore:.*expression-based index")
"""What is said of an index on SQLite that is not reflected; its text is compared."""


@without_expressions
def test_migrations_make_the_tables_that_the_code_expects(store: Store) -> None:
    with store.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    ours = set(Base.metadata.tables)
    names = [difference for difference in differences if _table_of(difference) in ours]
    assert not names


def _table_of(difference: object) -> str:
    for part in difference if isinstance(difference, tuple) else difference[0]:  # type: ignore[index]
        name = getattr(getattr(part, "table", part), "name", None)
        if name is not None:
            return str(name)
    return str(difference)


@without_expressions
def test_migrations_make_the_keys_and_indexes_that_the_code_expects(
    store: Store, database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With their conditions, of which a comparison of the tables says nothing."""
    place = tmp_path / "plain"
    place.mkdir()
    with fresh(database.kind, place, request, template=NOTHING) as other:
        url = URL.create("sqlite") if database.kind == "sqlite" else other.url
        engine = create_engine(url)
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
            expected = _definitions(connection)
        engine.dispose()
    with store.read() as session:
        found = _definitions(session.connection())
    assert len(expected) > 80
    assert found == expected


def _definitions(connection: Connection) -> set[tuple[str, str, str]]:
    """Table, name and text of every key, check and index of our tables."""
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_POSTGRESQL_DEFINITIONS)
        return {tuple(row) for row in rows if row[0] in Base.metadata.tables}
    rows = connection.execute(text("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index'"))
    indexes = {tuple(row) for row in rows if row[2] is not None}
    known = inspect(connection)
    constraints = set()
    for table in Base.metadata.tables:
        every = [
            {"kind": "pk", **known.get_pk_constraint(table)},
            *({"kind": "uq", **one} for one in known.get_unique_constraints(table)),
            *({"kind": "ck", **one} for one in known.get_check_constraints(table)),
            *({"kind": "fk", **one} for one in known.get_foreign_keys(table)),
        ]
        constraints |= {(table, str(one["name"]), str(one)) for one in every}
    return {one for one in indexes | constraints if one[0] in Base.metadata.tables}


_POSTGRESQL_DEFINITIONS = text(
    "SELECT t.relname, i.relname, pg_get_indexdef(i.oid) FROM pg_index x"
    " JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid"
    " WHERE t.relnamespace = 'public'::regnamespace"
    " UNION SELECT t.relname, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c"
    " JOIN pg_class t ON t.oid = c.conrelid WHERE t.relnamespace = 'public'::regnamespace"
)


def test_who_a_column_names_is_found_by_an_index(store: Store) -> None:
    """Else whoever removes people reads the tables whole, while everybody waits for the log."""
    named = {(column.table.name, column.name) for column in NAMING}
    for table in Base.metadata.tables.values():
        named |= {
            (table.name, key.parent.name) for key in table.foreign_keys if key.column is Person.table().c.id
        }
    assert len(named) >= 16
    with store.write() as session:
        if not store.embedded:  # a server reads a table of few rows whole
            session.execute(text("SET LOCAL enable_seqscan = off"))
        for table_name, column_name in sorted(named):
            column = Base.metadata.tables[table_name].c[column_name]
            asked = select(literal(1)).where(column == "P001")
            index = _index_used(session, str(asked.compile(compile_kwargs={"literal_binds": True})))
            assert _columns_of(session, table_name, index)[0] == column_name


def _index_used(session: Session, query: str) -> str:
    if session.connection().dialect.name == "postgresql":
        plan = "\n".join(session.execute(text(f"EXPLAIN {query}")).scalars())
        found = re.search(r"(?:Index (?:Only )?Scan using|Bitmap Index Scan on) (\w+)", plan)
    else:
        [plan] = [row.detail for row in session.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
        found = re.match(r"SEARCH \w+ USING (?:COVERING )?INDEX (\w+) ", plan)
    assert found, plan
    return found[1]


def _columns_of(session: Session, table: str, index: str) -> Sequence[str | None]:
    known = inspect(session.connection())
    indexes = {str(one["name"]): one["column_names"] for one in known.get_indexes(table)}
    return indexes.get(index) or known.get_pk_constraint(table)["constrained_columns"]


def test_opening_twice_changes_nothing(store: Store, tmp_path: Path, database: Database) -> None:
    with store.write() as session:
        session.add(Person(id="clerk", name="Clerk", unit="office"))
    Store.open(tmp_path, database.environ).close()
    with store.read() as session:
        assert session.get(Person, "clerk") is not None


def test_many_open_a_new_folder_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: Store.open(tmp_path, environ={}), range(8)))
    with stores[0].read() as session:
        assert session.execute(text("SELECT count(*) FROM log_head")).scalar() == 1
    for store in stores:
        store.close()


@only_sqlite
def test_file_is_its_owners_alone(store: Store) -> None:
    assert store.file is not None
    with store.write() as session:
        session.add(Person(id="clerk", name="Clerk", unit="office"))
        for file in store.file.parent.glob(f"{store.file.name}*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


@only_sqlite
def test_writes_are_durable_and_keys_are_held(store: Store) -> None:
    with store.write() as session:
        settings = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in PRAGMAS}
    assert settings == PRAGMAS


PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "secure_delete": 1,
}


@pytest.mark.parametrize("readonly", [True, False])
def test_wiping_is_asked_for_and_not_left_to_how_the_library_was_built(*, readonly: bool) -> None:
    asked: list[str] = []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.set_trace_callback(asked.append)
        _pragmas(readonly=readonly)(connection, None)
    assert "PRAGMA secure_delete=ON" in asked


def test_reading_cannot_write(store: Store) -> None:
    with store.read() as session, pytest.raises(DBAPIError, match=r"read-?only"):
        session.execute(text("DELETE FROM people"))


def test_what_leaves_by_an_exception_is_rolled_back(store: Store) -> None:
    with pytest.raises(RuntimeError):
        _add_clerk(store, then=RuntimeError())
    with store.read() as session:
        assert session.get(Person, "clerk") is None


def _add_clerk(store: Store, then: Exception | None = None) -> None:
    with store.write() as session:
        session.add(Person(id="clerk", name="Clerk", unit="office"))
        session.flush()
        if then is not None:
            raise then


def test_foreign_keys_are_held(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as session:
        session.add(
            CommandKey(
                actor="a",
                key="k",
                request_id=7,
                body_sha256="",
                answer={},
                recorded_at=datetime.now(UTC),
            )
        )


@pytest.mark.parametrize("broken", [{"substitute_id": "a"}, {"valid_until": date(2025, 1, 1)}])
def test_substitutes_are_others_for_a_time(store: Store, broken: dict[str, object]) -> None:
    day = date(2026, 1, 1)
    row = {"principal_id": "a", "substitute_id": "b", "valid_from": day, "valid_until": day} | broken
    with store.write() as session:
        session.add_all(Person(id=name, name=name, unit="office") for name in "ab")
        session.flush()
        session.add(Substitute(**row))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_times_come_back_aware_and_in_utc(store: Store) -> None:
    moment = datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    with store.read() as session:
        returned = session.scalar(_round_trip(moment))
    assert returned == moment
    assert returned is not None
    assert returned.utcoffset() == timedelta(0)


def test_naive_times_are_refused(store: Store) -> None:
    with pytest.raises(StatementError), store.write() as session:
        session.scalar(_round_trip(datetime(2026, 7, 1)))  # noqa: DTZ001


def _round_trip(moment: datetime) -> Select[tuple[datetime]]:
    return select(bindparam("moment", moment, type_=UtcTime()))


def test_a_later_release_is_told(store: Store, tmp_path: Path, database: Database) -> None:
    with intruder(store, guarded=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = 'later'")
    with pytest.raises(StoreOutdated, match="later release"):
        store.migrate()
    with pytest.raises(StoreOutdated, match="later release"):
        Store.open(tmp_path, database.environ)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"paraaf\.sqlite3"):
        Store.open(tmp_path / "file" / "data", environ={})


@only_sqlite
def test_a_locked_database_is_told(store: Store) -> None:
    impatient = Store(store.url, busy_timeout_ms=50)
    with store.write() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(StoreUnavailable, match="locked"):
            _add_clerk(impatient)
    impatient.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "paraaf.sqlite3").write_bytes(b"a letter to the office\n" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store.open(tmp_path, environ={})


@pytest.mark.parametrize(
    "url", ["a folder", "nosuch://clerk:hush@host/name", "mysql+mysqldb://clerk:hush@host/n"]
)
def test_a_url_that_cannot_be_used_is_told_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreUnavailable, match="PARAAF_DATABASE") as caught:
        Store.open(tmp_path, environ={"PARAAF_DATABASE": url})
    assert "hush" not in f"{caught.value} {caught.value.hint}"


def test_url_comes_from_the_environment(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    Store.open(tmp_path / "data", environ={"PARAAF_DATABASE": url}).close()
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "data").exists()


# --- what only a server does


@only_postgresql
def test_a_lock_is_waited_for_as_long_as_on_sqlite(store: Store) -> None:
    impatient = Store(store.url, busy_timeout_ms=100)
    with store.write() as session:
        session.execute(text("SELECT 1 FROM log_head FOR UPDATE"))
        with pytest.raises(StoreUnavailable, match="lock timeout"), impatient.write() as other:
            other.execute(text("SELECT 1 FROM log_head FOR UPDATE"))
    impatient.close()


@only_postgresql
def test_a_writer_that_stops_is_cut_off_before_those_who_wait_give_up(store: Store) -> None:
    sleepy, waiting = Store(store.url, busy_timeout_ms=300), Store(store.url, busy_timeout_ms=5000)

    def sleep() -> None:
        with sleepy.write() as session:
            session.execute(text("SELECT 1 FROM log_head FOR UPDATE"))
            with waiting.write() as other:  # got when the sleeper is cut off
                other.execute(text("SELECT 1 FROM log_head FOR UPDATE"))
            session.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable, match="idle-in-transaction"):
        sleep()
    sleepy.close()
    waiting.close()


@only_postgresql
def test_a_reader_sees_one_moment(store: Store) -> None:
    with store.read() as session:
        before = session.execute(text("SELECT count(*) FROM people")).scalar()
        _add_clerk(store)
        assert session.execute(text("SELECT count(*) FROM people")).scalar() == before


@only_postgresql
def test_two_who_wait_for_each_other_are_told_to_try_again(store: Store) -> None:
    with store.write() as session:
        session.add_all(Person(id=name, name=name, unit="office") for name in "ab")
    meeting = Barrier(2)

    def change(names: str) -> bool:
        try:
            with store.write() as session:
                for name in names:
                    session.execute(text("UPDATE people SET name = 'x' WHERE id = :id"), {"id": name})
                    if name == names[0]:
                        meeting.wait()
        except Raced:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(change, ["ab", "ba"])) == [False, True]


@only_postgresql
def test_a_server_that_is_started_again_is_found(store: Store, postgresql: Server) -> None:
    with store.read() as session:
        session.execute(text("SELECT 1"))
    postgresql.stop(signal.SIGQUIT)
    try:
        with pytest.raises(StoreUnavailable):
            _add_clerk(store)
    finally:
        postgresql.start()
    _add_clerk(store)
    with store.read() as session:
        assert session.get(Person, "clerk") is not None


@only_postgresql
def test_a_server_that_goes_away_in_mid_transaction_is_told(store: Store, postgresql: Server) -> None:
    def work() -> None:
        with store.write() as session:
            session.add(Person(id="clerk", name="Clerk", unit="office"))
            session.flush()
            postgresql.stop(signal.SIGQUIT)
            postgresql.start()

    with pytest.raises(StoreUnavailable):
        work()
    with store.read() as session:
        assert session.get(Person, "clerk") is None
