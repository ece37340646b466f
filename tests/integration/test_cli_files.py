"""Files that commands write: whole or not at all, and nothing overwritten unasked."""

import os
from pathlib import Path

import pytest

from cli.errors import InputUnreadable, OutputRefused
from cli.files import read_input, require_room, write_whole
from documents.register import SAMPLE
from tests.command_line import Terminal


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


def test_the_register_is_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(tmp_path / "data", capsys)
    assert terminal.office("people", "--register", SAMPLE).status == 0
    assert (tmp_path / "data" / "hr_register.csv").stat().st_mode & 0o777 == 0o600


def test_the_demo_does_not_play_in_an_office_with_people_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.csv"
    own.write_text(SAMPLE.read_text().replace("P024", "Q024"))
    terminal = Terminal(tmp_path / "data", capsys)
    assert terminal.office("people", "--register", own).status == 0
    said = terminal.office("demo", "--requests", "1")
    assert said.status == 1
    assert "people of its own" in said.err
    (tmp_path / "data" / "hr_register.csv").write_bytes(SAMPLE.read_bytes())  # the database still knows
    assert "people of its own" in terminal.office("demo", "--requests", "1").err


def test_a_data_folder_below_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    terminal = Terminal(tmp_path / "file" / "data", capsys)
    said = terminal.office(
        "sign", tmp_path / "file", "-o", tmp_path / "o.pdf", "--profile", "organisation-seal"
    )
    assert said.status == 1
    assert "paraaf:" in said.err
