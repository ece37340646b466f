"""The copy that an upgrade makes first is of this database, whatever its folder is called, and has an end."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile

import pytest
from sqlalchemy import func, select

from tests.command_line import Terminal
from tests.databases import NOW, Database, add_lone_document, fresh
from tests.integration.test_store_upgrade import HELD
from tests.postgresql import NOTHING
from workflow.copies import FOLDER, copy_before_upgrade, remove_old_copies
from workflow.errors import StoreUnavailable
from workflow.snapshot import snapshot
from workflow.store import FILE, Store, revisions
from workflow.tables import Event

# What means something in a URI, or nearly.
NAMES = ["office%41", "office#1", "office?mode=memory", "50% off", "a;b&c=d", "é ü"]


@pytest.fixture(params=NAMES)
def store(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> Iterator[Store]:
    """An office in a folder of a name; beside it another's, which the name might be taken for."""
    for name in ("officeA", "office"):
        (tmp_path / name).mkdir()
        copyfile(migrated_file, tmp_path / name / FILE)
    folder = tmp_path / request.param
    folder.mkdir()
    copyfile(migrated_file, folder / FILE)
    with closing(Store.unopened(folder, {})) as store:
        with store.write() as session:
            add_lone_document(session)
        yield store


def test_a_copy_is_of_this_database(store: Store, tmp_path: Path) -> None:
    assert store.file is not None
    folder = store.file.parent
    with snapshot(store, folder / "copy") as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 1
    copy = copy_before_upgrade(store, folder, revisions()[-1], now=NOW)
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT seq FROM log_head").fetchall() == [(1,)]
    assert [path.name for path in (folder / FOLDER).iterdir()] == [copy.name]
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_copy_of_another_database_gets_no_name(store: Store, tmp_path: Path) -> None:
    """Such as one that somebody else has upgraded meanwhile."""
    with pytest.raises(StoreUnavailable, match="is not of the one at 0001") as caught:
        copy_before_upgrade(store, tmp_path, "0001", now=NOW)
    assert "not changed" in caught.value.hint
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_copies_stay_for_a_week_and_nothing_else_goes(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    assert remove_old_copies(tmp_path, now=now) == 0  # there never was an upgrade
    (tmp_path / FOLDER).mkdir()
    names = {days: f"{now - timedelta(days=days):%Y%m%dT%H%M%SZ}-0008-{FILE}" for days in (6, 8)}
    for days, name in ((6, names[6]), (8, names[8]), (8, "office.tar"), (8, f"my {FILE}")):
        file = tmp_path / FOLDER / name
        file.write_text("a copy")
        moment = (now - timedelta(days=days)).timestamp()
        os.utime(file, (moment, moment))
    (tmp_path / FOLDER / ".copying-killed").mkdir()
    (tmp_path / FOLDER / ".copying-killed" / FILE).write_text("half a copy")
    assert remove_old_copies(tmp_path, now=now) == 2
    there = {path.name for path in (tmp_path / FOLDER).iterdir()}
    assert there == {names[6], "office.tar", f"my {FILE}"}  # what somebody else put there stays


@pytest.fixture
def on_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of the first release on the server."""
    with fresh("postgresql", tmp_path, request, template=NOTHING) as database:
        with closing(Store(database.url)) as store:
            store.migrate("0002")
            with store.write() as session:
                for statement in HELD:
                    session.connection().exec_driver_sql(statement)
        yield database


def test_a_copy_goes_where_a_worker_tidies(
    on_server: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A database on a server is no reason to leave its copy in whatever folder the command is typed in."""
    for name, value in on_server.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PARAAF_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    said = Terminal(tmp_path, capsys)("upgrade")
    assert said.status == 1
    assert "PARAAF_DATA" in said.err
    assert list(tmp_path.iterdir()) == []
    with closing(Store(on_server.url)) as store:
        assert store.revision() == "0002"
    assert Terminal(tmp_path, capsys)("upgrade", "--data", "office").status == 0
    [copy] = (tmp_path / "office" / FOLDER).iterdir()
    assert copy.name.endswith("-0002-paraaf.dump")


def test_an_old_copy_that_cannot_be_removed_is_told_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, now = tmp_path / FOLDER, datetime.now(UTC)
    place.mkdir()
    names = [f"2020010{day}T000000Z-0001-paraaf.sqlite3" for day in (1, 2)]
    for name in names:
        (place / name).touch()
        os.utime(place / name, (0, 0))
    removing = Path.unlink

    def stuck(path: Path, **rest: bool) -> None:
        if path.name == names[0]:
            raise PermissionError(1, "Operation not permitted")
        removing(path, **rest)

    monkeypatch.setattr(Path, "unlink", stuck)
    with pytest.raises(StoreUnavailable, match="Operation not permitted"):
        remove_old_copies(tmp_path, now=now)
    assert [path.name for path in place.iterdir()] == names[:1]
