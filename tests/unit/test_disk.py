"""Files that get their names last, and folders of work that a killed process left."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disk import NOTE_BYTES_MAX, read_file, read_note, remove_left_behind, whole_file, work_folder


@pytest.fixture(params=["with links", "without links"])
def any_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disks with hard links, and without, such as exFAT or a network mount."""
    if request.param == "without links":

        def no_link(*_: Any, **__: Any) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_link)


def _pipe(path: Path) -> None:
    os.mkfifo(path)  # never gives a byte


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")  # never ends


@pytest.mark.parametrize("read", [read_file, read_note])
@pytest.mark.parametrize("make", [_pipe, _device, Path.mkdir])
def test_what_may_never_end_is_not_read(
    tmp_path: Path, make: Callable[[Path], None], read: Callable[[Path], object]
) -> None:
    make(tmp_path / "a")
    with pytest.raises(OSError, match="no file, but a pipe"):
        read(tmp_path / "a")


def test_a_note_is_short(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * NOTE_BYTES_MAX)
    assert len(read_note(tmp_path / "a")) == NOTE_BYTES_MAX
    (tmp_path / "a").write_bytes(b"x" * (NOTE_BYTES_MAX + 1))
    with pytest.raises(OSError, match="far longer"):
        read_note(tmp_path / "a")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("any_disk")
def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a", mode=0o640) as file:
        file.write(b"all")
        assert names(tmp_path) != ["a"]
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"all"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.usefixtures("any_disk")
def test_a_file_that_fails_half_way_is_gone(tmp_path: Path) -> None:
    def fail() -> None:
        with whole_file(tmp_path / "a") as file:
            file.write(b"half")
            raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        fail()
    assert names(tmp_path) == []


@pytest.mark.usefixtures("any_disk")
def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    def write(*, replace: bool) -> None:
        with whole_file(tmp_path / "a", replace=replace) as file:
            (tmp_path / "a").write_bytes(b"theirs")  # it appears meanwhile
            file.write(b"ours")

    with pytest.raises(FileExistsError):
        write(replace=False)
    assert (tmp_path / "a").read_bytes() == b"theirs"
    write(replace=True)
    assert (tmp_path / "a").read_bytes() == b"ours"
    assert names(tmp_path) == ["a"]


def test_another_fault_than_missing_links_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", broken)
    with pytest.raises(OSError, match="Input/output"), whole_file(tmp_path / "a") as file:
        file.write(b"all")
    assert names(tmp_path) == []


# --- folders of work

_AT_WORK = """
import sys; from pathlib import Path; from disk import work_folder
with work_folder(Path(sys.argv[1]), ".work-") as folder:
    (folder / "secret").write_text("key"); print(folder.name, flush=True); sys.stdin.read()
"""


@pytest.fixture
def worker(tmp_path: Path) -> "subprocess.Popen[str]":
    """Another process in the middle of its work."""
    process = subprocess.Popen(
        [sys.executable, "-c", _AT_WORK, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() in names(tmp_path)
    return process


def test_what_a_killed_process_left_is_removed_by_the_next(
    tmp_path: Path, worker: "subprocess.Popen[str]"
) -> None:
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    [left] = names(tmp_path)
    with work_folder(tmp_path, ".work-") as folder:
        assert names(tmp_path) == [folder.name]
        assert folder.name != left
        assert folder.stat().st_mode & 0o777 == 0o700
    assert names(tmp_path) == []


def test_what_somebody_is_at_work_in_is_left_alone(tmp_path: Path, worker: "subprocess.Popen[str]") -> None:
    [theirs] = names(tmp_path)
    assert remove_left_behind(tmp_path, ".work-") == 0
    with work_folder(tmp_path, ".work-"):
        assert (tmp_path / theirs / "secret").read_text() == "key"
    worker.communicate()
    assert names(tmp_path) == []


def test_only_folders_of_the_prefix_are_removed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / ".work-link").symlink_to(tmp_path / "target")
    (tmp_path / ".work-file").write_text("a letter")
    assert remove_left_behind(tmp_path, ".work-") == 0
    assert names(tmp_path) == [".work-file", ".work-link", "other", "target"]


def test_a_folder_that_is_taken_for_left_behind_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may look in the moment before the folder's maker has its lock."""
    import fcntl

    flock: Callable[..., None] = fcntl.flock
    swept = []

    def late(descriptor: int, how: int) -> None:
        if not swept:
            [folder] = tmp_path.iterdir()
            swept.append(folder)
            folder.rmdir()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with work_folder(tmp_path, ".work-") as folder:
        assert names(tmp_path) == [folder.name]
    assert swept
