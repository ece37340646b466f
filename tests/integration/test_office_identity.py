"""Database, folder and keys belong together: what is mixed is refused, and nothing is made or removed."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from secrets import token_bytes

import pytest

from documents.register import SAMPLE
from tests.command_line import Terminal
from tests.databases import NOW, Database, fresh, intruder, only_sqlite
from workflow.errors import StoreUnavailable
from workflow.eventlog import Appender
from workflow.identity import FILE, WrongOffice, settle, write_name
from workflow.office import Office
from workflow.store import FILE as SQLITE
from workflow.store import Store
from workflow.tables import Base, OfficeRow, RetentionRow


@pytest.fixture
def terminal(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A folder with an office, made as the how-to says."""
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    register = tmp_path / "staff.csv"
    register.write_bytes(SAMPLE.read_bytes())
    terminal = Terminal(tmp_path, capsys)
    assert terminal.office("people", "--register", register).status == 0
    return terminal


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.name.startswith(SQLITE)}


def other_office(folder: Path) -> Path:
    """Another office's folder, with keys of its own."""
    Office.open(folder, environ={}).close()
    return folder


def test_an_office_is_what_its_folder_says(terminal: Terminal) -> None:
    assert (terminal.data / FILE).stat().st_mode & 0o777 == 0o600
    assert terminal.office("queue", "--as", "P020").status == 0


@pytest.mark.parametrize("command", [("check",), ("worker", "--until-idle"), ("requests", "--as", "P020")])
def test_a_mistyped_folder_gets_no_keys(
    terminal: Terminal, tmp_path_factory: pytest.TempPathFactory, command: tuple[str, ...], database: Database
) -> None:
    wrong = tmp_path_factory.mktemp("mistyped") / "data"
    said = terminal(*command, "--data", wrong)
    assert said.status == 1
    assert str(wrong) in said.err
    assert not wrong.exists() or not everything(wrong)


@only_sqlite
def test_a_forgotten_database_is_asked_for(terminal: Terminal) -> None:
    (terminal.data / SQLITE).unlink()
    (terminal.data / "hr_register.csv").unlink()
    before = everything(terminal.data)
    for words in (
        ("check",),
        ("worker", "--until-idle"),
        ("requests", "--as", "P020"),
        ("people",),
        ("demo",),
    ):
        said = terminal.office(*words)
        assert said.status == 1
        assert f"that of an office whose database is not {terminal.data / SQLITE}" in said.err
        assert "PARAAF_DATABASE" in said.err
    file = Path(__file__).parents[1] / "vectors" / "files" / "action_added.pdf"
    said = terminal.office("verify", file)  # its verdict would say nothing of what this office issued
    assert "The office's register can't be asked" in said.err
    assert "PARAAF_DATABASE" in said.err
    (terminal.data / FILE).unlink()
    assert "restore into this folder cut off" in terminal.office("check").err
    assert everything(terminal.data) == before - {terminal.data / FILE}


def test_keys_of_another_office_are_refused(
    terminal: Terminal, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = other_office(tmp_path_factory.mktemp("other"))
    shutil.rmtree(terminal.data / "authority")
    shutil.copytree(other / "authority", terminal.data / "authority")
    said = terminal.office("check")
    assert said.status == 1
    assert "another office's" in said.out


def test_a_folder_without_its_keys_gets_no_new_ones(terminal: Terminal, tmp_path: Path) -> None:
    shutil.rmtree(terminal.data / "authority")
    for words in (("people", "--register", tmp_path / "staff.csv"), ("check",)):
        assert terminal.office(*words).status == 1
    assert not (terminal.data / "authority").exists()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_without_its_database_s_address_no_second_office_begins(
    terminal: Terminal, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in database.environ:
        monkeypatch.delenv(name)
    said = terminal.office("people", "--register", tmp_path / "staff.csv")
    assert said.status == 1
    assert "PARAAF_DATABASE" in said.err
    assert not (terminal.data / SQLITE).exists()


def test_an_empty_database_does_not_take_a_folder(
    terminal: Terminal,
    request: pytest.FixtureRequest,
    database: Database,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = terminal.data
    with fresh(database.kind, tmp_path_factory.mktemp("empty"), request) as empty:
        environ = dict(empty.environ) or {"PARAAF_DATABASE": f"sqlite:///{empty.url.database}"}
        for make in (True, False):
            with pytest.raises(WrongOffice, match="of no office yet"):
                Office.open(folder, environ=environ, make=make)


def test_files_are_not_called_nobody_s_where_the_database_names_none(
    terminal: Terminal, tmp_path: Path
) -> None:
    office = Office.open(tmp_path, make=False)
    digest = office.blobs.put(b"somebody's document")
    office.close()
    said = terminal.office("blobs", "scrub", "--remove-unreferenced")
    assert said.status == 1
    assert "refers to no file at all" in said.err
    assert office.blobs.exists(digest)


def test_an_office_of_before_gets_its_name_from_its_worker(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(tmp_path, capsys)
    unnamed = Office.open(tmp_path, environ=database.environ)
    unnamed.close()
    (tmp_path / FILE).unlink()
    assert terminal.office("worker", "--until-idle").status == 0
    assert (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("{"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_bytes(b"\xff"),
    ],
    ids=["not JSON", "not an object", "not text"],
)
def test_a_damaged_name_is_told(terminal: Terminal, spoil: Callable[[Path], object]) -> None:
    spoil(terminal.data / FILE)
    said = terminal.office("check")
    assert said.status == 1
    assert FILE in said.out


def made_meanwhile(store: Store, row: Base, then: Callable[[], object]) -> None:
    """Do something while another has made a table's one row, under the log's lock, and not committed."""
    with ThreadPoolExecutor(1) as pool:
        with store.write() as session:
            Appender.lock(session, token_bytes)
            session.add(row)
            session.flush()
            doing = pool.submit(then)
            with suppress(TimeoutError):
                doing.result(0.5)  # it has come to where it waits
        doing.result(20)


def test_who_settles_while_another_does_takes_the_name_that_is_there(
    tmp_path: Path, database: Database
) -> None:
    store = Store(database.url)
    row = OfficeRow(id=1, name="theirs", root_sha256="0" * 64, since=NOW)
    made_meanwhile(store, row, lambda: settle(store, tmp_path, "0" * 64, now=NOW))
    assert json.loads((tmp_path / FILE).read_text())["office"] == "theirs"
    store.close()


def test_who_stores_while_another_stores_the_first_file_is_no_stranger(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its looks at whose the files are and at what is there, the other has said and stored."""
    with closing(Office.open(tmp_path, environ=database.environ)) as office:
        office.settle()
        usual, looks = office.blobs.inner.owner, []

        def looked(*, patient: bool = True) -> str:
            looks.append(usual(patient=patient))
            if len(looks) == 1:
                monkeypatch.setattr(office.blobs.inner, "owner", usual)
                office.blobs.put(b"the other's")
                monkeypatch.setattr(office.blobs.inner, "owner", looked)
            return looks[-1]

        monkeypatch.setattr(office.blobs.inner, "owner", looked)
        sha256 = office.blobs.put(b"ours")
        assert looks[0] == ""
        assert office.blobs.get(sha256) == b"ours"


def test_who_looks_at_the_clock_for_the_first_time_while_another_does_waits(
    tmp_path: Path, database: Database
) -> None:
    office = Office.open(tmp_path / "office", environ=database.environ)
    row = RetentionRow(id=1, looked_at=office.clock())
    made_meanwhile(office.store, row, office.retention.run)
    office.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, database: Database) -> None:
    with (
        closing(Store.open(tmp_path, database.environ)) as store,
        pytest.raises(StoreUnavailable, match=r"office\.json can't be written: No such file"),
    ):
        settle(store, tmp_path / "gone", "0" * 64, now=NOW)


# --- a worker under whose hands the office changes


async def work_until_wrong(office: Office, change: Callable[[], object]) -> str:
    """What ends a worker after the change."""
    working = asyncio.ensure_future(office.work())
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(working), 1)
    change()
    with pytest.raises(WrongOffice) as said:
        await asyncio.wait_for(working, 180)
    return str(said.value)


@pytest.fixture
def worked(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr("workflow.jobs.ASKED_AGAIN_S", 0.1)
    with closing(Office.open(tmp_path, environ=database.environ)) as office:
        yield office


@pytest.mark.parametrize("folder_too", [False, True])
def test_a_worker_ends_when_the_database_becomes_another_office_s(worked: Office, folder_too: bool) -> None:
    name = "0123456789abcdef"

    def restored() -> None:
        with intruder(worked.store, guarded=True) as database:
            database.execute("UPDATE office SET name = ?", (name,))
        if folder_too:
            write_name(worked.folder, name, worked.authority.root_sha256)

    said = asyncio.run(work_until_wrong(worked, restored))
    assert ("became another office's" if folder_too else "the database is of the office") in said


@only_sqlite
def test_a_worker_ends_when_its_file_is_replaced(worked: Office) -> None:
    file = worked.store.file
    assert file is not None
    copy = file.with_name("copy")
    shutil.copy(file, copy)
    said = asyncio.run(work_until_wrong(worked, lambda: copy.replace(file)))
    assert "was removed or replaced" in said
