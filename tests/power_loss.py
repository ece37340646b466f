"""What may be on the disk after a power cut: a recorded run, and the states that it can leave behind.

`record` runs a program under strace and reads from its log what was done to the files below a folder: writes,
sizes, names, fsyncs, and acknowledgements (what the program wrote to a file outside of the folder). `Disk`
plays that forward and keeps apart what was fsynced and what was not; `Disk.crash` gives one state.

The model is as mean as POSIX allows and as ALICE (Pillai et al., OSDI 2014) and CrashMonkey (Mohan et al.,
OSDI 2018) have it. Of what was written since a file's last fsync anything may be there: all, none, a part in
order, or any sectors, with or without the file's new size. Of the names made, changed or removed in a folder
since the folder's last fsync the same, but each rename wholly or not (between two folders until one of the
two is fsynced); the fsync of a file is not one of its name. What was fsynced is there. A write leaves bytes
beside it alone, and a sector is written whole.

SQLite's `-shm` file is memory that processes share, and rebuilt on opening: it is left out.
"""

import json
import os
import random
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = 0
"""The inode of the recorded folder."""
SECTORS = (512, 4096)
VARIANTS = ("nothing", "everything", "in order", "names only", "data only", "sectors", "any")
_TRACED = (
    "openat,open,creat,openat2,close,dup,dup2,dup3,lseek,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,"
    "fallocate,copy_file_range,sendfile,splice,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,"
    "unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,sync_file_range,msync,mmap,clone,clone3,fork,vfork"
)
_LONGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class Write:
    """Bytes at a place of a file. `start` and `end` are lines of the log, here and below."""

    start: int
    end: int
    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class Resize:
    """A new size of a file."""

    start: int
    end: int
    inode: int
    size: int


@dataclass(frozen=True)
class Rename:
    """Names that change together: folder, name, and what it names from then on."""

    start: int
    end: int
    changes: tuple[tuple[int, str, int | None], ...]


@dataclass(frozen=True)
class Sync:
    """The fsync of a file or folder: what had ended when it began is on the disk when it ends."""

    start: int
    end: int
    inode: int


@dataclass(frozen=True)
class Acknowledged:
    """What the program said is done."""

    start: int
    said: Any


Operation = Write | Resize | Rename | Sync | Acknowledged


@dataclass
class Recording:
    """A run: what was there before, and the operations in the order in which they took effect."""

    folders: set[int]
    names: dict[int, dict[str, int]]
    contents: dict[int, bytes]
    operations: list[Operation]


def record(
    command: Sequence[str], folder: Path, said: Path, *, environ: Mapping[str, str], log: Path
) -> Recording:
    """Run a program to its end under strace; what it appends to the file `said`, a JSON text a line, it
    acknowledges. Fails when the program does, or does what this does not understand.
    """
    folder, said = folder.resolve(), said.resolve()
    reader = _Reader(folder, said)
    options = [
        "-f",
        "--seccomp-bpf",
        "-y",
        "-xx",
        "-s",
        str(_LONGEST),
        "-e",
        f"trace={_TRACED}",
        "-e",
        "signal=none",
    ]
    done = subprocess.run(
        ["strace", *options, "-o", str(log), *command],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return reader.read(log)


# --- the log of strace

_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\w+|\?)(.*)", re.S)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_FILE = re.compile(r"(-?\w+)<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?")
_NOT_UNDERSTOOD = frozenset(
    {
        *("openat2", "truncate", "fallocate", "copy_file_range", "sendfile", "splice"),
        *("symlink", "symlinkat", "sync_file_range", "msync", "pwritev", "pwritev2"),
    }
)


@dataclass
class _Call:
    start: int
    end: int
    process: int
    name: str
    arguments: str
    result: int
    files: list[tuple[str, str]]
    """The descriptors among the arguments: number, and path."""
    texts: list[bytes]
    returned: str

    @property
    def descriptor(self) -> int:
        return int(self.arguments.split("<", 1)[0].split(",", 1)[0])


@dataclass
class _Opened:
    """A file that is open: its inode, and where a plain write goes."""

    inode: int
    offset: int
    append: bool


class _Reader:
    """Turns the log into operations, keeping the tree of names as the program sees it."""

    def __init__(self, folder: Path, said: Path) -> None:
        self._folder, self._said = str(folder), str(said)
        self._recording = Recording({ROOT}, {ROOT: {}}, {}, [])
        self._next = ROOT + 1
        self._take_in(folder, ROOT)
        recording = self._recording
        self._names = {inode: dict(names) for inode, names in recording.names.items()}
        self._sizes = {inode: len(content) for inode, content in recording.contents.items()}
        self._opened: dict[tuple[int, int], _Opened] = {}
        self._tables: dict[int, int] = {}  # thread → the process whose descriptors it shares

    def read(self, log: Path) -> Recording:
        for call in _calls(log):
            if call.name in ("clone", "clone3", "fork", "vfork"):
                if "CLONE_FILES" in call.arguments and call.result > 0:
                    self._tables[call.result] = self._table(call.process)
            elif call.result >= 0:
                self._call(call)
        self._recording.operations.sort(key=lambda each: each.end if isinstance(each, Sync) else each.start)
        return self._recording

    def _take_in(self, folder: Path, inode: int) -> None:
        """What is there before the run is on the disk."""
        for path in folder.iterdir():
            number = self._number()
            self._recording.names[inode][path.name] = number
            if path.is_dir():
                self._recording.folders.add(number)
                self._recording.names[number] = {}
                self._take_in(path, number)
            else:
                self._recording.contents[number] = path.read_bytes()

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _table(self, process: int) -> int:
        return self._tables.get(process, process)

    def _call(self, call: _Call) -> None:
        action = getattr(self, f"_do_{call.name}", None)
        if action is not None:
            action(call)
        elif call.name in _NOT_UNDERSTOOD and any(self._holds(path) for _, path in call.files):
            raise AssertionError(f"this is not understood: {call.name}({call.arguments[:300]})")

    # --- names

    def _holds(self, path: str) -> bool:
        counted = path == self._folder or path.startswith(self._folder + "/")
        return counted and not path.endswith("-shm")

    def _place(self, path: str) -> tuple[int, str]:
        """The folder's inode and the name in it."""
        parts = path[len(self._folder) + 1 :].split("/")
        inode = ROOT
        for part in parts[:-1]:
            inode = self._names[inode][part]
        return inode, parts[-1]

    def _inode(self, path: str) -> int:
        if path == self._folder:
            return ROOT
        folder, name = self._place(path)
        return self._names[folder][name]

    def _renamed(self, call: _Call, *changes: tuple[int, str, int | None]) -> None:
        for folder, name, inode in changes:
            if inode is None:
                self._names[folder].pop(name, None)
            else:
                self._names[folder][name] = inode
        self._recording.operations.append(Rename(call.start, call.end, changes))

    def _do_openat(self, call: _Call) -> None:
        path = _joined(call.files[0][1] if call.files else "/", call.texts[0])
        if not self._holds(path):
            return
        folder, name = self._place(path) if path != self._folder else (ROOT, "")
        inode = self._names[folder].get(name) if name else ROOT
        if inode is None:
            assert "O_CREAT" in call.arguments, path
            assert "O_TMPFILE" not in call.arguments, path
            inode = self._number()
            self._sizes[inode] = 0
            self._recording.contents[inode] = b""
            self._renamed(call, (folder, name, inode))
        elif "O_TRUNC" in call.arguments:
            self._resized(call, inode, 0)
        table = self._table(call.process)
        self._opened[table, call.result] = _Opened(inode, 0, "O_APPEND" in call.arguments)

    _do_open = _do_creat = _do_openat

    def _do_mkdir(self, call: _Call) -> None:
        path = _joined(call.files[0][1] if call.files else "/", call.texts[0])
        if self._holds(path):
            inode = self._number()
            self._recording.folders.add(inode)
            self._recording.names[inode] = {}
            self._names[inode] = {}
            self._renamed(call, (*self._place(path), inode))

    _do_mkdirat = _do_mkdir

    def _do_unlink(self, call: _Call) -> None:
        path = _joined(call.files[0][1] if call.files else "/", call.texts[0])
        if self._holds(path):
            self._renamed(call, (*self._place(path), None))

    _do_unlinkat = _do_rmdir = _do_unlink

    def _do_rename(self, call: _Call) -> None:
        source, target = self._two(call)
        if self._holds(source) or self._holds(target):
            inode = self._inode(source)  # from or to elsewhere is not understood: a KeyError
            self._renamed(call, (*self._place(source), None), (*self._place(target), inode))

    _do_renameat = _do_renameat2 = _do_rename

    def _do_link(self, call: _Call) -> None:
        source, target = self._two(call)
        if self._holds(target):
            self._renamed(call, (*self._place(target), self._inode(source)))

    _do_linkat = _do_link

    def _two(self, call: _Call) -> tuple[str, str]:
        at = [path for _, path in call.files] or ["/", "/"]
        return _joined(at[0], call.texts[0]), _joined(at[-1], call.texts[1])

    # --- contents

    def _file(self, call: _Call) -> _Opened | None:
        """The open file that a call is about, if it is one of ours."""
        if not call.files or not self._holds(call.files[0][1]):
            return None
        return self._opened[self._table(call.process), call.descriptor]

    def _do_write(self, call: _Call) -> None:
        if call.files and call.files[0][1] == self._said:
            self._recording.operations.append(Acknowledged(call.start, json.loads(call.texts[0])))
            return
        if (file := self._file(call)) is not None:
            offset = self._sizes[file.inode] if file.append else file.offset
            self._wrote(call, file.inode, offset)
            file.offset = offset + call.result

    _do_writev = _do_write

    def _do_pwrite64(self, call: _Call) -> None:
        if (file := self._file(call)) is not None:
            self._wrote(call, file.inode, int(call.arguments.rsplit(",", 1)[1]))

    def _wrote(self, call: _Call, inode: int, offset: int) -> None:
        data = b"".join(call.texts)[: call.result]
        assert len(data) == call.result, "strace cut a write short"
        self._sizes[inode] = max(self._sizes[inode], offset + len(data))
        self._recording.operations.append(Write(call.start, call.end, inode, offset, data))

    def _do_ftruncate(self, call: _Call) -> None:
        if (file := self._file(call)) is not None:
            self._resized(call, file.inode, int(call.arguments.rsplit(",", 1)[1]))

    def _resized(self, call: _Call, inode: int, size: int) -> None:
        if self._sizes[inode] != size:
            self._sizes[inode] = size
            self._recording.operations.append(Resize(call.start, call.end, inode, size))

    def _do_lseek(self, call: _Call) -> None:
        # nothing is known of a descriptor by fcntl, as that of a folder that is listed: a write is an error
        if (file := self._opened.get((self._table(call.process), call.descriptor))) is not None:
            file.offset = call.result

    def _do_fsync(self, call: _Call) -> None:
        if (file := self._file(call)) is not None:
            self._recording.operations.append(Sync(call.start, call.end, file.inode))

    _do_fdatasync = _do_fsync

    def _do_dup(self, call: _Call) -> None:
        if (file := self._file(call)) is not None:
            self._opened[self._table(call.process), call.result] = file

    _do_dup2 = _do_dup3 = _do_dup

    def _do_close(self, call: _Call) -> None:
        self._opened.pop((self._table(call.process), call.descriptor), None)

    def _do_mmap(self, call: _Call) -> None:
        shared = "MAP_SHARED" in call.arguments and "PROT_WRITE" in call.arguments
        assert not (shared and any(self._holds(path) for _, path in call.files)), "written through memory"


def _calls(log: Path) -> Iterator[_Call]:
    """The calls that ended, in the order of their ends, with the lines at which they began and ended."""
    begun: dict[int, tuple[int, str]] = {}
    with log.open(encoding="ascii") as lines:
        for number, line in enumerate(lines):
            matched = _LINE.match(line)
            assert matched is not None, line[:200]
            process, what = int(matched[1]), matched[2]
            if what.startswith(("+++", "---")):
                continue
            start = number
            if what.endswith("<unfinished ...>"):
                begun[process] = number, what.removesuffix("<unfinished ...>")
                if not what.startswith("close("):
                    continue
                # its number is free as it begins: another thread may be given it before this one is told
                what = begun[process][1].rstrip() + ") = 0"
            if what.startswith("<... "):
                start, first = begun.pop(process)
                if first.startswith("close("):
                    continue
                what = first + what.split("resumed>", 1)[1]
            if (call := _parsed(start, number, process, what)) is not None:
                yield call


def _parsed(start: int, end: int, process: int, what: str) -> _Call | None:
    matched = _CALL.match(what)
    assert matched is not None, what[:200]
    name, arguments, result, returned = matched.groups()
    if result == "?":  # it never came back
        return None
    files = [(number, _bytes(path).decode()) for number, path, _ in _FILE.findall(arguments)]
    texts = [_bytes(text) for text, _ in _TEXT.findall(arguments)]
    return _Call(start, end, process, name, arguments, int(result, 0), files, texts, returned)


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _joined(at: str, path: bytes) -> str:
    return os.path.normpath(Path(at) / path.decode())


# --- the disk


@dataclass
class State:
    """A tree of files, by their paths."""

    folders: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it into a folder that is empty."""
        for path in self.folders:
            (folder / path).mkdir(mode=0o700)
        for path, content in self.files.items():
            (folder / path).write_bytes(content)
            (folder / path).chmod(0o600)


class Disk:
    """What is surely on the disk and what is under way, after so many operations of a recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._contents = {inode: bytearray(content) for inode, content in recording.contents.items()}
        self._names = {inode: dict(names) for inode, names in recording.names.items()}
        self._data: list[Write | Resize] = []
        self._renames: list[Rename] = []
        self.done = 0
        self.acknowledged: list[Any] = []

    def advance(self, to: int) -> None:
        """Play forward until so many operations have been done."""
        while self.done < to:
            operation = self._recording.operations[self.done]
            self.done += 1
            match operation:
                case Write() | Resize():
                    self._data.append(operation)
                case Rename():
                    self._renames.append(operation)
                case Sync():
                    self._sync(operation)
                case Acknowledged():
                    self.acknowledged.append(operation.said)

    def _sync(self, sync: Sync) -> None:
        covered = [each for each in self._data if each.inode == sync.inode and each.end < sync.start]
        for each in covered:
            _apply(self._contents[sync.inode], each)
        gone = set(map(id, covered))
        self._data = [each for each in self._data if id(each) not in gone]
        self._renames = [left for each in self._renames if (left := self._synced(each, sync)) is not None]

    def _synced(self, rename: Rename, sync: Sync) -> Rename | None:
        """Put a folder's part of a change of names on the disk; what is left of it, for another folder."""
        if rename.end >= sync.start:
            return rename
        own = tuple(change for change in rename.changes if change[0] == sync.inode)
        left = tuple(change for change in rename.changes if change[0] != sync.inode)
        _name(self._names, replace(rename, changes=own))
        return replace(rename, changes=left) if left else None

    def crash(self, variant: str, chance: random.Random) -> State:
        """One state that a power cut can leave now. Variants: see VARIANTS."""
        contents = dict(self._contents)
        names = {inode: dict(entries) for inode, entries in self._names.items()}
        starts = [each.start for each in (*self._data, *self._renames)]
        moment = chance.choice(starts) if starts else 0
        for rename in self._kept_names(variant, moment, chance):
            _name(names, rename)
        for inode, pieces in self._kept_data(variant, moment, chance).items():
            contents[inode] = bytearray(contents[inode])
            for piece in pieces:
                _apply(contents[inode], piece)
        state = State()
        self._collect(state, names, contents, ROOT, "")
        return state

    def _collect(
        self,
        state: State,
        names: Mapping[int, Mapping[str, int]],
        contents: Mapping[int, bytearray],
        at: int,
        above: str,
    ) -> None:
        for name, inode in names[at].items():
            if inode in self._recording.folders:
                state.folders.append(above + name)
                self._collect(state, names, contents, inode, f"{above}{name}/")
            else:
                state.files[above + name] = bytes(contents[inode])

    def _kept_names(self, variant: str, moment: int, chance: random.Random) -> Iterable[Rename]:
        renames = self._renames
        match variant:
            case "nothing" | "data only":
                return []
            case "everything" | "names only":
                return renames
            case "any":
                return [each for each in renames if chance.random() < 0.5]
            case "in order":
                return [each for each in renames if each.start < moment]
        # "sectors": of each folder the first few, which is what a journal keeps
        folders = {folder for each in renames for folder, _, _ in each.changes}
        lengths = {folder: chance.randint(0, len(renames)) for folder in folders}
        seen = dict.fromkeys(folders, 0)
        kept = []
        for each in renames:
            own = {folder for folder, _, _ in each.changes}
            if all(seen[folder] < lengths[folder] for folder in own):
                kept.append(each)
            else:
                lengths.update(dict.fromkeys(own, 0))  # nothing after one that is missing
            for folder in own:
                seen[folder] += 1
        return kept

    def _kept_data(
        self, variant: str, moment: int, chance: random.Random
    ) -> Mapping[int, Sequence[Write | Resize]]:
        match variant:
            case "nothing" | "names only":
                kept: Iterable[Write | Resize] = []
            case "everything" | "data only":
                kept = self._data
            case "in order":
                kept = self._until(moment, chance)
            case _:
                kept = self._some_sectors(chance)
        files: dict[int, list[Write | Resize]] = {}
        for piece in kept:
            files.setdefault(piece.inode, []).append(piece)
        return files

    def _until(self, moment: int, chance: random.Random) -> Iterator[Write | Resize]:
        """All that was begun before a moment, and what was begun then: a write torn at any byte."""
        for each in self._data:
            if each.start < moment:
                yield each
            elif each.start == moment and isinstance(each, Write):
                torn = each.data[: chance.randint(0, len(each.data))]
                yield Write(each.start, each.end, each.inode, each.offset, torn)

    def _some_sectors(self, chance: random.Random) -> Iterator[Write | Resize]:
        """Any sectors of any writes; and the size that a file had got, with zeros where no data is."""
        likely = chance.choice((0.1, 0.5, 0.9))
        sizes: dict[int, int] = {}
        for each in self._data:
            if isinstance(each, Resize):
                if chance.random() < 0.5:
                    yield each
                continue
            sizes[each.inode] = max(sizes.get(each.inode, 0), each.offset + len(each.data))
            sector = chance.choice(SECTORS)
            for start, end in _pieces(each, sector):
                if chance.random() < likely:
                    yield Write(
                        each.start,
                        each.end,
                        each.inode,
                        start,
                        each.data[start - each.offset : end - each.offset],
                    )
        for inode, size in sizes.items():
            room = size - len(self._contents[inode])
            if room > 0 and chance.random() < 0.3:
                yield Write(0, 0, inode, size - 1, b"\0")


def _pieces(write: Write, sector: int) -> Iterator[tuple[int, int]]:
    """A write cut at the borders of sectors: from, to."""
    at, end = write.offset, write.offset + len(write.data)
    while at < end:
        border = min(end, (at // sector + 1) * sector)
        yield at, border
        at = border


def _apply(content: bytearray, operation: Write | Resize) -> None:
    size = operation.size if isinstance(operation, Resize) else operation.offset
    if len(content) < size:
        content.extend(bytes(size - len(content)))
    if isinstance(operation, Resize):
        del content[size:]
    else:
        content[size : size + len(operation.data)] = operation.data


def _name(names: dict[int, dict[str, int]], operation: Rename) -> None:
    for folder, name, inode in operation.changes:
        if inode is None:
            names[folder].pop(name, None)
        else:
            names[folder][name] = inode


def chance_of(seed: object) -> random.Random:
    """Chances that are the same again for the same seed."""
    return random.Random(str(seed))  # noqa: S311 (repeatable, no secret)


def crash_points(recording: Recording, states: int, chance: random.Random) -> list[tuple[int, str, int]]:
    """So many (operations done, variant, seed), sorted: half of them just before and after what decides
    (an fsync, an acknowledgement, a change of names), the others anywhere; all variants in turn. And the end
    of the run, with everything acknowledged, in each variant.
    """
    operations = recording.operations
    decisive = sorted(
        {
            point
            for number, each in enumerate(operations)
            if isinstance(each, Sync | Acknowledged | Rename)
            for point in (number, number + 1)
        }
    )
    points = [(len(operations), variant, chance.getrandbits(32)) for variant in VARIANTS]
    for number in range(states - len(points)):
        among: Sequence[int] = decisive if number % 2 else range(len(operations) + 1)
        place = (number // 2 * 2 + chance.random() * 2) / states  # spread over the whole run
        point = among[min(int(place * len(among)), len(among) - 1)]
        points.append((point, VARIANTS[number % len(VARIANTS)], chance.getrandbits(32)))
    return sorted(points)
