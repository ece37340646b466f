"""What there is to judge: files, folders and what is below them, archives, lists of names.

Everything comes one by one and in a stable order, so that a run needs no more memory for many files than for
few, and can be taken up where it stopped. Names in folders are in the order of their characters; an archive's
members in the order in which it lists them.
"""

import os
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from signing.verify.findings import Finding
from signing.verify.unread import too_large, unopened
from signing.verify.words import mark

ARCHIVE = ".zip"
_IN = "!/"  # between an archive's name and that of a member
_PDF = ".pdf"
_MOST_LISTED = 4096  # characters of a name in a list
_TAIL = 65_634  # bytes: where an archive's directory is told of
_DIRECTORY_MOST = 64 * 1024 * 1024
_END, _END_64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_LENGTH, _END_64_LENGTH, _LOCATOR_LENGTH = 22, 56, 20  # bytes, without what follows


@dataclass(frozen=True)
class Source:
    """A file to judge; `member` is its place in the directory of the archive `path`.

    With `content` it is that, and `path` is not looked at: what need not be on a disk never is.
    """

    name: str
    path: Path
    member: int | None = None
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Unjudged:
    """A name where there is nothing to judge, and why."""

    name: str
    finding: Finding


class ArchiveUnreadable(ValueError):
    """An archive whose directory can't be read, or is larger than any honest one; the message says why."""


def sources(paths: Iterable[Path]) -> Iterator[Source | Unjudged]:
    """Every file that the paths name. A file named by itself is judged whatever it is called."""
    for path in paths:
        try:
            folder = path.is_dir()
        except OSError as error:  # a name that is too long, say
            yield Unjudged(
                str(path), unopened("file_unreadable", mark("it cannot be opened ({why:word})"), error)
            )
            continue
        if folder:
            yield from _or_nothing(
                _inside(path), path, "folder_without_pdf", mark("the folder holds no PDF files")
            )
        elif path.suffix.lower() == ARCHIVE and _exists(path):
            yield from _archive(path)
        else:
            yield Source(str(path), path)


def listed(lines: Iterable[str]) -> Iterator[Path]:
    """The paths of a list, one a line; empty lines are passed over."""
    for line in lines:
        name = line.rstrip("\r\n")
        if name.strip():
            yield Path(name[:_MOST_LISTED])


def _or_nothing(
    found: Iterator[Source | Unjudged], path: Path, code: str, text: str
) -> Iterator[Source | Unjudged]:
    empty = True
    for one in found:
        empty = False
        yield one
    if empty:
        yield Unjudged(str(path), Finding(code, text))


def _inside(folder: Path) -> Iterator[Source | Unjudged]:
    """The PDFs and archives below a folder. Links to folders are not followed: they lead elsewhere, or round
    in a circle."""
    waiting = [(folder, True)]  # no recursion: folders may be nested as deeply as a path is long
    while waiting:
        path, is_folder = waiting.pop()
        if is_folder:
            try:
                with os.scandir(path) as entries:
                    names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
            except OSError as error:
                told = mark("the folder cannot be read ({why:word})")
                yield Unjudged(str(path), unopened("folder_unreadable", told, error))
                continue
            waiting += [(path / name, below) for name, below in reversed(names)]
        elif _leads_to_folder(path):
            yield Unjudged(str(path), Finding("folder_linked", "a link to a folder is not followed"))
        elif path.name.lower().endswith(_PDF):
            yield Source(str(path), path)
        elif path.name.lower().endswith(ARCHIVE):
            yield from _archive(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, say: who reads it says so
        return False


def _leads_to_folder(path: Path) -> bool:
    try:
        return path.is_symlink() and path.is_dir()
    except OSError:  # a link to a name that is too long, or to where nobody may look
        return False


def _archive(path: Path) -> Iterator[Source | Unjudged]:
    try:
        members = [
            Source(_named(path, member), path, place)
            for place, member in enumerate(directory(path))
            if member.filename.lower().endswith(_PDF) and not member.is_dir()
        ]
    except (ArchiveUnreadable, OSError) as error:
        told = mark("the archive cannot be read ({why:word})")
        yield Unjudged(str(path), unopened("archive_unreadable", told, error))
        return
    yield from _or_nothing(iter(members), path, "archive_without_pdf", mark("the archive holds no PDF files"))


def _named(path: Path, member: zipfile.ZipInfo) -> str:
    return f"{path}{_IN}{member.filename}"


def directory(path: Path) -> list[zipfile.ZipInfo]:
    """What an archive lists. Raises ArchiveUnreadable, OSError."""
    # a pipe would keep whoever opens it waiting, and a device has no end
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ArchiveUnreadable(mark("it is no file"))
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        if _directory_size(file.read(_TAIL)) > _DIRECTORY_MOST:
            raise ArchiveUnreadable(mark("its directory is larger than any honest one"))
        try:
            with zipfile.ZipFile(file) as archive:
                return archive.infolist()
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, EOFError) as error:
            raise ArchiveUnreadable(str(error) or type(error).__name__) from error


def _directory_size(tail: bytes) -> int:
    """How large the archive says that its directory is, in bytes: the largest of what a reader may believe.

    Source: APPNOTE.TXT, 4.3.14 to 4.3.16.
    """
    sizes = [0]
    for place in {tail.rfind(_END), len(tail) - _END_LENGTH}:
        if place < 0 or not tail.startswith(_END, place):
            continue
        sizes.append(int.from_bytes(tail[place + 12 : place + 16], "little"))
        before = tail[max(0, place - _END_64_LENGTH - _LOCATOR_LENGTH) : place]
        if before.startswith(_END_64) and before.startswith(_LOCATOR, _END_64_LENGTH):
            sizes[-1] = int.from_bytes(before[40:48], "little")
    return max(sizes)


def read_member(source: Source, most: int) -> bytes | Finding:
    """A member of an archive, at most so many bytes; a Finding says why it can't be read."""
    found = source.path.stat()
    archive = _opened(source.path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))
    members, place = archive.infolist(), source.member or 0
    if place >= len(members) or _named(source.path, members[place]) != source.name:
        return Finding("file_unreadable", "its archive was changed while it was being read")
    info = members[place]
    if info.flag_bits & 1:
        return Finding("file_encrypted", "the file is encrypted in its archive")
    if info.file_size > most:
        return too_large(most)
    with archive.open(info) as file:
        content = file.read(most + 1)
    if len(content) > most:
        return too_large(most)
    return content


@lru_cache(maxsize=1)
def _opened(path: Path, _version: tuple[int, ...]) -> zipfile.ZipFile:
    """An archive, kept open: reading its directory anew for each member takes longer the more it has."""
    return zipfile.ZipFile(path)
