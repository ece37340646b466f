"""Stored files are one office's: another stores nothing among them, and removes nothing."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from documents.blobs import OWNER, BlobStore, Misplaced
from documents.errors import BlobsForeign
from documents.register import SAMPLE
from tests.command_line import Terminal
from tests.databases import add_lone_document
from workflow.office import Office
from workflow.tables import OfficeRow

CONTENT = b"%PDF a document of the first office"


def office_with(folder: Path, content: bytes) -> Office:
    """An office that stored a file, which its database names."""
    office = Office.open(folder, environ={})
    digest = office.blobs.put(content)
    with office.store.write() as session:
        add_lone_document(session, digest)
    return office


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Office]:
    with closing(office_with(tmp_path / "first", CONTENT)) as office:
        yield office


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Office]:
    with closing(office_with(tmp_path / "second", b"%PDF a document of the second office")) as office:
        yield office


def mounted(office: Office, other: Office) -> None:
    """The folder of an office's files becomes that of another's, while it is at work."""
    blobs = office.folder / "blobs"
    blobs.rename(office.folder / "own-blobs")
    blobs.symlink_to(other.folder / "blobs")


def everything(office: Office) -> dict[str, int]:
    files = (office.folder / "blobs").rglob("*")
    return {str(path): path.stat().st_size for path in files if path.is_file()}


CHANGES: dict[str, Callable[[Office, str], object]] = {
    "put": lambda office, _: office.blobs.put(b"of the second"),
    "delete": lambda office, digest: office.blobs.delete(digest),
    "remove strays": lambda office, digest: office.retention.remove_strays([digest]),
    "look": lambda office, _: list(office.scrub().findings()),
    "remove misplaced": lambda office, digest: office.blobs.remove_misplaced(
        Misplaced(digest, f"{digest[0]}/{digest}")
    ),
    "remove leftovers": lambda office, _: office.blobs.remove_leftovers(before=office.clock()),
    "try whether it can store": lambda office, _: office.blobs.require_writable(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_changes_among_another_office_s_files(first: Office, second: Office, change: str) -> None:
    mounted(second, first)
    leftover = first.folder / "blobs" / "0" / ".incoming-old"
    leftover.parent.mkdir(exist_ok=True)
    leftover.touch()
    os.utime(leftover, (0, 0))
    before = everything(first)
    with pytest.raises(BlobsForeign):
        CHANGES[change](second, next(first.blobs.stored()).sha256_hex)
    assert everything(first) == before


def test_an_office_does_not_open_with_another_office_s_files(
    first: Office, second: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    mounted(second, first)
    before = everything(first)
    terminal = Terminal(second.folder, capsys)
    for words in (
        ("worker", "--until-idle"),
        ("blobs", "scrub", "--remove-unreferenced"),
        ("retention", "--run"),
    ):
        said = terminal.office(*words)
        assert (said.status, "not this office's" in said.err) == (1, True)
    assert "not this office's" in terminal.office("check").out
    assert everything(first) == before


def test_files_of_an_earlier_release_are_taken_by_the_office_whose_they_are(
    first: Office, second: Office
) -> None:
    (first.folder / "blobs" / OWNER).unlink()
    mounted(second, first)
    for change in (CHANGES["put"], CHANGES["delete"]):
        with pytest.raises(BlobsForeign, match="not said whose they are"):
            change(second, next(first.blobs.stored()).sha256_hex)
    assert BlobStore(first.folder / "blobs").owner() == ""
    first.blobs.put(b"%PDF another")
    with pytest.raises(BlobsForeign, match="those of the office"):
        second.blobs.put(b"of the second")


def test_a_disk_that_is_not_mounted_is_not_taken_for_the_office_s_own(
    first: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mount point is an empty folder; only who brings files back may store in it."""
    terminal = Terminal(first.folder, capsys)
    saved = first.folder.parent / "saved.tar"
    assert terminal.office("backup", "-o", saved).status == 0
    blobs = first.folder / "blobs"
    blobs.rename(first.folder.parent / "the-disk")
    blobs.mkdir()
    for words in (("worker", "--until-idle"), ("backup", "-o", first.folder.parent / "none.tar")):
        said = terminal.office(*words)
        assert (said.status, "is mounted" in said.err) == (1, True)
    with pytest.raises(BlobsForeign):
        first.blobs.require_writable()
    assert list(blobs.rglob("*")) == []
    assert terminal.json("blobs", "restore", saved)["restored"]
    first.blobs.put(b"%PDF another")


def test_an_office_whose_database_is_replaced_under_it_stores_nothing_more(
    first: Office, second: Office
) -> None:
    with first.store.write() as session:
        session.execute(update(OfficeRow).values(name="b" * 32))
    with pytest.raises(BlobsForeign):
        first.blobs.put(b"of another office")


# --- a database that was named by mistake


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    terminal = Terminal(tmp_path / "data", capsys)
    assert terminal.office("people", "--register", SAMPLE).status == 0
    return terminal


def test_a_mistyped_database_is_not_made(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mistyped").mkdir()
    monkeypatch.setenv("PARAAF_DATABASE", f"sqlite:///{tmp_path}/mistyped/paraf.sqlite3")
    for words in (("check",), ("worker", "--until-idle"), ("retention",), ("people",), ("throughput",)):
        assert terminal.office(*words).status == 1
    assert not list((tmp_path / "mistyped").iterdir())


def test_an_empty_variable_names_no_database(
    terminal: Terminal, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "host").mkdir()
    (terminal.data / "authority").rename(tmp_path / "host" / "authority")
    monkeypatch.setenv("PARAAF_DATABASE", "")
    said = Terminal(tmp_path / "host", capsys).office("worker", "--until-idle")
    assert (said.status, "no database" in said.err) == (1, True)
    assert [path.name for path in (tmp_path / "host").iterdir()] == ["authority"]


def test_who_stands_in_is_not_written_into_another_office_s_database(
    terminal: Terminal, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Terminal(tmp_path / "other", capsys)
    assert other.office("people", "--register", SAMPLE).status == 0
    monkeypatch.setenv("PARAAF_DATABASE", f"sqlite:///{terminal.data}/paraaf.sqlite3")
    days = ("--from", "2026-12-01", "--until", "2026-12-14")
    for words in (
        ("--substitute", "P020", "--for", "P038", *days),
        ("--end-substitute", "P020", "--for", "P038"),
    ):
        said = other.office("people", *words)
        assert (said.status, "another office's" in said.err) == (1, True)


def test_an_office_without_a_name_tells_files_that_may_be_another_s(first: Office, second: Office) -> None:
    with second.store.write() as session:
        session.delete(session.get_one(OfficeRow, 1))
    (second.folder / "blobs" / OWNER).unlink()
    second.blobs.require_writable()
    mounted(second, first)
    (first.folder / "blobs" / OWNER).unlink()
    with pytest.raises(BlobsForeign, match="none of those that this office knows is there"):
        second.blobs.require_writable()
