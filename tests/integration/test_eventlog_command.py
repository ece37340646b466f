"""`paraaf log verify` as a person runs it."""

import argparse
import json
from contextlib import closing
from pathlib import Path

import pytest

from cli import log
from tests.databases import Database, intruder
from tests.integration.engine_office import Office
from workflow.errors import StoreUnavailable
from workflow.store import Store


@pytest.fixture
def data(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    office = Office.open(tmp_path, database.environ)
    office.to_sign()
    office.store.close()
    return tmp_path


def paraaf(*words: str) -> int:
    parser = argparse.ArgumentParser()
    log.add_parser(parser.add_subparsers())
    return log.run(parser.parse_args(["log", *words]))


def tamper(data: Path) -> None:
    with closing(Store.open(data)) as store, intruder(store, guarded=False) as database:
        database.execute("UPDATE events SET type = 'x' WHERE seq = 2")


def test_a_sound_log(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert paraaf("verify", "--data", str(data)) == 0
    first, anchored, last = capsys.readouterr().out.splitlines()
    assert first.startswith("4 events, 3 with a personal part; head 4:")
    assert anchored == "Not anchored: here the log only agrees with itself."
    assert last == "Nothing is wrong."
    head = first.rpartition(" ")[2]
    assert paraaf("verify", "--data", str(data), "--anchor", head) == 0
    assert paraaf("verify", "--data", str(data), "--anchor", "4:" + "0" * 64) == 1
    assert "event 4: anchor: " in capsys.readouterr().out


def test_a_tampered_log(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(data)
    assert paraaf("verify", "--data", str(data)) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "event 2: changed: It is not what its hash covers.",
        "The log was tampered with, from event 2 on.",
    ]
    assert paraaf("verify", "--data", str(data), "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["checked"], said["first_bad_seq"]) == (False, 4, 2)
    assert said["findings"][0]["fault"] == "changed"


def test_a_folder_without_a_log_is_no_sound_log(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no database"):
        paraaf("verify", "--data", str(tmp_path / "typo"))
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("text", ["", "5", "x:" + "0" * 64, "5:00", "-5:" + "0" * 64])
def test_an_anchor_has_a_form(text: str) -> None:
    with pytest.raises(SystemExit):
        paraaf("verify", f"--anchor={text}")
