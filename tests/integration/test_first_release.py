"""An office that the first release made goes on: upgraded, verified, saved, restored, and set back."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest
from sqlalchemy import make_url

from tests.command_line import Said, Terminal
from tests.databases import KINDS, vacant
from tests.first_release import LATER, REVISION, FirstRelease, first_release
from tests.postgresql import binary
from workflow import checkup
from workflow.copies import FOLDER as COPIES
from workflow.identity import FILE as NAMED
from workflow.office import Office
from workflow.store import FILE, VARIABLE
from workflow.upgrade import OWNER, ROLE, owners_store

pytestmark = pytest.mark.slow


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FirstRelease]:
    with first_release(kind, tmp_path / "office", request) as old:
        yield old


class Typist:
    """Types commands as the tables' owner, or as who works there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def at(self, folder: Path, environ: Mapping[str, str]) -> Terminal:
        for name in (VARIABLE, OWNER, ROLE):
            self._monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            self._monkeypatch.setenv(name, value)
        return Terminal(folder, self._capsys)


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typist:
    return Typist(monkeypatch, capsys)


def well(said: Said) -> str:
    assert said.status == 0, said
    return said.out


def require_well(folder: Path, environ: Mapping[str, str]) -> None:
    """What a deep check says, at a time when the sample is young."""
    with closing(Office.open(folder, environ=environ, clock=lambda: LATER, make=False)) as office:
        found = list(checkup.deep(office))
        assert {one.area for one in found if one.state == "ok"} >= {"database", "log", "files"}
        assert [one for one in found if one.state != "ok"] == []


def test_it_holds_after_an_upgrade_and_its_backup_too(
    old: FirstRelease, kind: str, tmp_path: Path, typist: Typist, request: pytest.FixtureRequest
) -> None:
    well(typist.at(old.folder, old.place.owner).office("upgrade"))
    terminal = typist.at(old.folder, old.place.application)
    assert terminal.json("log", "verify")["ok"]
    require_well(old.folder, old.place.application)
    assert len(terminal.json("requests", "--as", "P020")["requests"]) == 2
    well(terminal.office("backup", "-o", tmp_path / "b.tar"))
    with vacant(kind, request) as place:
        assert typist.at(tmp_path / "again", place.owner).json("restore", tmp_path / "b.tar")["log_ok"]
        require_well(tmp_path / "again", place.application)


def test_it_is_saved_by_the_new_release_before_the_upgrade(
    old: FirstRelease, kind: str, tmp_path: Path, typist: Typist, request: pytest.FixtureRequest
) -> None:
    """On a server as its owner: it knew of no other role."""
    single = {VARIABLE: old.place.owner[OWNER]} if old.place.owner else {}
    said = typist.at(old.folder, single).json("backup", "-o", tmp_path / "b.tar")
    assert (said["files"], said["faults"]) == (4, [])
    with closing(owners_store(old.folder, old.place.owner)) as store:
        assert store.revision() == REVISION
    with vacant(kind, request) as place:
        again = typist.at(tmp_path / "again", place.owner)
        assert "paraaf upgrade" in again.office("restore", tmp_path / "b.tar").err
        well(again.office("upgrade"))
        assert typist.at(tmp_path / "again", place.application).json("log", "verify")["ok"]
        require_well(tmp_path / "again", place.application)


def test_the_copy_of_before_an_upgrade_leads_back(
    old: FirstRelease, kind: str, tmp_path: Path, typist: Typist, request: pytest.FixtureRequest
) -> None:
    """By the steps of docs/how-to/back-up-and-restore.md; then it can be upgraded once more."""
    well(typist.at(old.folder, old.place.owner).office("upgrade"))
    work_a_moment(old.folder, old.place.application)
    [copy] = (old.folder / COPIES).iterdir()
    if kind == "sqlite":
        for file in old.folder.glob(f"{FILE}*"):
            file.rename(tmp_path / file.name)
        copyfile(copy, old.folder / FILE)
    (old.folder / NAMED).unlink()
    with vacant(kind, request) as place:
        if kind == "postgresql":
            target = make_url(place.owner[OWNER]).set(drivername="postgresql").render_as_string()
            command = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
            subprocess.run([binary("pg_restore"), *command, "--dbname", target, copy], check=True)
        with closing(owners_store(old.folder, place.owner)) as store:
            assert store.revision() == REVISION  # what the old release needs
        well(typist.at(old.folder, place.owner).office("upgrade"))
        require_well(old.folder, place.application)
        work_a_moment(old.folder, place.application)


def work_a_moment(folder: Path, environ: Mapping[str, str]) -> None:
    """A worker starts, and says in folder and database whose they are."""
    with closing(Office.open(folder, environ=environ, clock=lambda: LATER)):
        assert (folder / NAMED).exists()
