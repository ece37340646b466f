"""A backup or a restore that is stopped leaves nothing; one that is killed leaves what the next removes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.main import main
from documents.register import SAMPLE
from tests.command_line import Terminal

ROOT = Path(__file__).resolve().parents[2]
# The command, stopped in the middle: after the copy of the database, before the last files.
STOPPED = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests under nohup has it ignored
import {module} as module
def wait(*_, **__): print("at work", flush=True); time.sleep(60)
module.{name} = wait
from cli.main import main
sys.exit(main(sys.argv[1:]))
"""
BACKUP = {"module": "workflow.backup", "name": "_other_files"}
RESTORE = {"module": "workflow.restore", "name": "_sync_tree"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("office") / "data"
    assert main(["people", "--register", str(SAMPLE), "--data", str(folder)]) == 0
    return folder


@contextmanager
def at_work(where: dict[str, str], *words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED.format(**where), *words], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_backup_that_is_stopped_leaves_nothing(office: Path, tmp_path: Path, how: signal.Signals) -> None:
    with at_work(BACKUP, "backup", "-o", tmp_path / "b.tar", "--data", office) as process:
        assert names(tmp_path) != []
        process.send_signal(how)
        assert process.wait(180) == 128 + how
    assert names(tmp_path) == []


def test_what_a_killed_backup_left_the_next_removes(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with at_work(BACKUP, "backup", "-o", tmp_path / "b.tar", "--data", office) as process:
        process.kill()
    [left] = names(tmp_path)
    assert left.startswith(".paraaf-backup-")
    assert (tmp_path / left).stat().st_mode & 0o077 == 0
    assert Terminal(office, capsys).office("backup", "-o", tmp_path / "b.tar").status == 0
    assert names(tmp_path) == ["b.tar"]


def test_a_backup_beside_one_that_is_at_work_does_not_disturb_it(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with at_work(BACKUP, "backup", "-o", tmp_path / "a.tar", "--data", office):
        [theirs] = names(tmp_path)
        assert Terminal(office, capsys).office("backup", "-o", tmp_path / "b.tar").status == 0
        assert names(tmp_path) == [theirs, "b.tar"]


@pytest.mark.parametrize("there", [False, True])
def test_a_restore_that_is_stopped_or_killed_can_be_repeated(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, there: bool
) -> None:
    assert Terminal(office, capsys).office("backup", "-o", tmp_path / "b.tar").status == 0
    folder = tmp_path / "again"
    if there:
        folder.mkdir()
    before = names(tmp_path)
    with at_work(RESTORE, "restore", tmp_path / "b.tar", "--data", folder) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(180) == 128 + signal.SIGTERM
    assert names(tmp_path) == before
    assert not there or names(folder) == []
    with at_work(RESTORE, "restore", tmp_path / "b.tar", "--data", folder) as process:
        process.kill()
    said = Terminal(folder, capsys).json("restore", tmp_path / "b.tar")
    assert said["log_ok"]
    assert names(tmp_path) == ["again", "b.tar"]
    assert not [name for name in names(folder) if name.startswith(".")]
