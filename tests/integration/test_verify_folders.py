"""A batch says what it did not look at: folders that can't be listed, links, what is no archive."""

import os
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.trust import TrustStore
from signing.verify.bulk import verify_paths
from signing.verify.report import Indication
from signing.verify.sources import ArchiveUnreadable, Source, Unjudged, directory, read_member, sources
from tests.vectors.stock import plain_pdf


def codes(folder: Path) -> dict[str, str]:
    reports = list(verify_paths([folder], TrustStore((), (), ()), now=datetime.now(UTC)))
    assert {report.indication for report in reports} <= {Indication.INDETERMINATE}
    return {Path(report.name).name: report.findings[0].code for report in reports}


def test_folders_that_nobody_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.pdf").write_bytes(plain_pdf())
    (tmp_path / "link").symlink_to(tmp_path / "open", target_is_directory=True)
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    listed = os.scandir

    def refused(path: str | Path) -> object:  # the superuser, who may run this, can list everything
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert codes(tmp_path) == {
        "a.pdf": "no_signature",
        "link": "folder_linked",
        "round": "folder_linked",
        "shut": "folder_unreadable",
    }


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to("/dev/null"),  # as /dev/zero, which has no end
        os.mkfifo,
    ],
)
def test_what_is_no_file_is_no_archive_and_is_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "a.zip")
    (found,) = sources([tmp_path])
    assert isinstance(found, Unjudged)
    assert found.finding.code == "archive_unreadable"
    assert "it is no file" in found.finding.message


def test_a_link_that_nobody_can_follow_ends_no_run(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.zip"):
        (tmp_path / name).symlink_to("x" * 300)
    (tmp_path / "c.pdf").write_bytes(plain_pdf())
    assert codes(tmp_path) == {
        "a.pdf": "file_unreadable",
        "b.zip": "archive_unreadable",
        "c.pdf": "no_signature",
    }


def test_folders_are_nested_as_deeply_as_a_path_is_long(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1050):
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(os.open("a.pdf", os.O_CREAT, dir_fd=here))
    os.close(here)
    (tmp_path / "z.pdf").touch()
    try:
        found = [Path(each.name).relative_to(tmp_path) for each in sources([tmp_path])]
    finally:  # pytest's own way of tidying up gives up
        (tmp_path / Path(*("d",) * 1050, "a.pdf")).unlink()
        os.removedirs(tmp_path / Path(*("d",) * 1050))
    assert [(len(each.parts), each.name) for each in found] == [(1051, "a.pdf"), (1, "z.pdf")]


def test_no_member_of_a_changed_archive_is_judged_under_the_name_of_another(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.pdf": b"A", "b.pdf": b"B"})
    found = [each for each in sources([path]) if isinstance(each, Source)]
    assert [read_member(each, 9) for each in found] == [b"A", b"B"]
    path.unlink()
    zipped(path, {"b.pdf": b"B"})
    said = [read_member(each, 9) for each in found]
    assert [getattr(each, "code", None) for each in said] == ["file_unreadable", "file_unreadable"]


def test_an_archives_directory_is_read_once_not_once_a_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "a.zip", {f"{number}.pdf": b"A" for number in range(9)})
    found = [each for each in sources([path]) if isinstance(each, Source)]
    read = []

    class Counted(zipfile.ZipFile):
        def _RealGetContents(self) -> None:  # noqa: N802 (as zipfile has it)
            read.append(self)
            super()._RealGetContents()  # type: ignore[misc]

    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    assert [read_member(each, 9) for each in found] == [b"A"] * 9
    assert len(read) == 1


def test_the_size_of_an_archives_directory_is_not_taken_from_its_remark(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.pdf": b"A"})
    whole = path.read_bytes()
    end = bytearray(whole[-22:])
    end[12:16] = struct.pack("<L", 1 << 31)
    remark = b"PK\x06\x06" + bytes(60)  # of a directory of no bytes
    end[20:22] = struct.pack("<H", len(remark))
    path.write_bytes(whole[:-22] + end + remark)
    with pytest.raises(ArchiveUnreadable, match="larger than any honest one"):
        directory(path)
