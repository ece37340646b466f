"""Files that commands write: whole or not at all, and nothing overwritten unasked."""

import os
from pathlib import Path

import pytest

from cli.errors import InputUnreadable, OutputRefused
from cli.files import read_input, require_room, write_whole


def test_a_file_that_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "out.pdf"
    require_room(file, force=False)
    file.write_bytes(b"somebody else's")
    with pytest.raises(OutputRefused, match="has appeared meanwhile"):
        write_whole(file, b"ours", force=False)
    assert file.read_bytes() == b"somebody else's"
    assert os.listdir(tmp_path) == ["out.pdf"]  # noqa: PTH208


def test_force_puts_the_new_file_in_its_place(tmp_path: Path) -> None:
    file = tmp_path / "out.pdf"
    file.write_bytes(b"old")
    write_whole(file, b"new", force=True)
    assert (file.read_bytes(), len(list(tmp_path.iterdir()))) == (b"new", 1)


def test_a_new_file_has_the_rights_that_the_user_gives_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "out.pdf", b"new", force=False)
    finally:
        os.umask(before)
    assert (tmp_path / "out.pdf").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["missing/out.pdf", "file/out.pdf"])
def test_where_nothing_can_be_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputRefused):
        require_room(tmp_path / name, force=True)
    with pytest.raises(OutputRefused):
        write_whole(tmp_path / name, b"new", force=True)


def test_a_file_that_cant_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="No such file"):
        read_input(tmp_path / "missing")
    with pytest.raises(InputUnreadable, match="directory"):
        read_input(tmp_path)
