"""Every stored file is read again: what is missing, changed, cut short or needless is named, and whose it is.

What nothing refers to can be removed while workers work, also while one is stopped between storing and
recording: either its file stays, or its step is done again.
"""

import asyncio
import hashlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from certs.serve_authority import AuthorityServer
from documents.blobs import BlobStore, Misplaced
from documents.errors import BlobError, BlobLocked
from tests.command_line import Terminal
from tests.databases import Database
from tests.steps_office import Sample, wait_for, worker
from workflow import references, retention, scrub
from workflow.outcomes import Verdict
from workflow.removals import Removals
from workflow.retention import Retention
from workflow.scrub import Concerned, Finding
from workflow.tables import DocumentRow, Event

pytestmark = pytest.mark.slow


@pytest.fixture
def sample(tmp_path: Path, database: Database) -> Iterator[Sample]:
    sample = Sample.open(tmp_path, environ=database.environ)
    yield sample
    sample.office.close()


def rendered(sample: Sample) -> DocumentRow:
    """A document of a request of its own."""
    number = sample.submit("A3")
    asyncio.run(sample.run_until("rendering", number))
    asyncio.run(sample.run_steps(sample.waiting(number)))
    [document] = sample.documents(number)
    return document


def concerned(document: DocumentRow) -> tuple[Concerned, ...]:
    return (Concerned(document.request_id, document.name, document.revision_no),)


def path_of(sample: Sample, sha256: str) -> Path:
    return BlobStore(sample.office.folder / "blobs").path(sha256)


def write(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


def long_ago(sample: Sample, sha256: str) -> str:
    os.utime(path_of(sample, sha256), (0, 0))
    return sha256


def stray(sample: Sample, content: bytes = b"%PDF stray") -> str:
    return long_ago(sample, sample.office.blobs.put(content))


def test_what_is_wrong_is_named_with_the_documents_concerned(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (references, scrub):
        monkeypatch.setattr(module, "CHUNK", 2)  # so that there are several
    sound, gone, changed, cut, empty = (rendered(sample) for _ in range(5))
    files = {one.id: path_of(sample, one.current_sha256) for one in (gone, changed, cut, empty)}
    sizes = {key: path.stat().st_size for key, path in files.items()}
    files[gone.id].unlink()
    write(files[changed.id], bytes(sizes[changed.id]))
    write(files[cut.id], files[cut.id].read_bytes()[:-1])
    write(files[empty.id], b"")
    needless = stray(sample)
    sample.office.blobs.put(b"%PDF of a step that has not ended")
    looked = sample.office.scrub()
    found = {one.sha256: one for one in looked.findings()}
    assert found == {
        one.sha256: one
        for one in (
            Finding("missing", gone.current_sha256, None, sizes[gone.id], concerned(gone)),
            Finding(
                "changed", changed.current_sha256, sizes[changed.id], sizes[changed.id], concerned(changed)
            ),
            Finding("truncated", cut.current_sha256, sizes[cut.id] - 1, sizes[cut.id], concerned(cut)),
            Finding("truncated", empty.current_sha256, 0, sizes[empty.id], concerned(empty)),
            Finding("unreferenced", needless),
        )
    }
    assert (looked.files, looked.referred) == (6, 5)
    assert sound.current_sha256 not in found


def test_the_command_tells_and_removes_only_what_nothing_refers_to(
    sample: Sample, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(sample.office.folder, capsys)
    document, needless = rendered(sample), stray(sample)
    long_ago(sample, document.current_sha256)
    said = terminal.json("blobs", "scrub")
    assert (said["ok"], said["files"], said["unreferenced"], said["removed"]) == (True, 2, 1, 0)
    assert [one["sha256"] for one in said["findings"]] == [needless]
    assert terminal.json("blobs", "scrub", "--remove-unreferenced")["removed"] == 1
    assert not sample.office.blobs.exists(needless)
    [event] = sample.rows(Event, Event.type == retention.STRAYS_REMOVED)
    assert needless in event.record
    write(path_of(sample, document.current_sha256), b"%PDF-")
    told = terminal.office("blobs", "scrub", "--remove-unreferenced")
    assert told.status == 1
    assert f"truncated     {document.current_sha256}" in told.out
    assert f"request {document.request_id}, {document.name} 1" in told.out
    assert sample.office.blobs.exists(document.current_sha256)  # removing is no way to mend


@dataclass(frozen=True)
class Locking:
    """A store that lets nothing go yet."""

    store: BlobStore

    def remove_misplaced(self, one: Misplaced) -> bool:
        raise BlobLocked("The file is locked.")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_a_file_that_was_unpacked_by_hand_is_told_of_and_removed(
    sample: Sample, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the backup has it, or anywhere else below: nobody reads it, and no destruction would find it."""
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    terminal, folder = Terminal(sample.office.folder, capsys), sample.office.folder / "blobs"
    lost, sound, damaged = (rendered(sample) for _ in range(3))
    (folder / damaged.current_sha256).write_bytes(path_of(sample, damaged.current_sha256).read_bytes())
    write(path_of(sample, damaged.current_sha256), b"%PDF damaged")
    nobodys = hashlib.sha256(b"%PDF destroyed").hexdigest()
    path_of(sample, lost.current_sha256).rename(folder / lost.current_sha256)
    (folder / "blobs").mkdir()
    (folder / "blobs" / sound.current_sha256).write_bytes(b"%PDF sound")
    (folder / "0" / nobodys).parent.mkdir(exist_ok=True)
    astray = [folder / "blobs" / sound.current_sha256, folder / nobodys]
    astray[1].write_bytes(b"%PDF destroyed")
    said = terminal.office("blobs", "scrub", "--json")
    assert said.status == 1
    assert (said.json["missing"], said.json["misplaced"]) == (1, 4)
    found = {(one["what"], one["sha256"]) for one in said.json["findings"]}
    assert found == {
        ("missing", lost.current_sha256),
        ("truncated", damaged.current_sha256),
        *(
            ("misplaced", sha256)
            for sha256 in (lost.current_sha256, sound.current_sha256, damaged.current_sha256, nobodys)
        ),
    }
    locked = replace(sample.office, blobs=Locking(sample.office.blobs))  # type: ignore[arg-type]
    with pytest.raises(BlobLocked):
        locked.retention.run()
    assert sample.rows(Event, Event.type == retention.STRAYS_REMOVED) == []
    assert sample.office.retention.run().files == 2  # the destruction of every hour
    assert not any(path.exists() for path in astray)
    for one in (lost, damaged):
        assert (folder / one.current_sha256).exists()  # it may be the only one that is whole
    [event] = sample.rows(Event, Event.type == retention.STRAYS_REMOVED)
    assert nobodys in event.record


def test_the_command_brings_files_back_from_a_backup(
    sample: Sample,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(sample.office.folder, capsys)
    gone, changed, other = (rendered(sample).current_sha256 for _ in range(3))
    needless = stray(sample)
    with tempfile.TemporaryDirectory() as elsewhere:
        backup = Path(elsewhere) / "b.tar"
        terminal.json("backup", "-o", backup)
        assert terminal.json("blobs", "restore", backup)["restored"] == []
        path_of(sample, gone).unlink()
        path_of(sample, other).unlink()
        write(path_of(sample, changed), b"%PDF-")
        said = terminal.office("blobs", "restore", backup, gone, needless, "--json")
        assert said.status == 1
        assert said.json == {"restored": [gone], "unneeded": [needless], "absent": [], "refused": {}}
        assert terminal.json("blobs", "restore", backup)["restored"] == sorted([changed, other])
        for path in (path_of(sample, gone), path_of(sample, other)):
            path.unlink()
        path_of(sample, gone).mkdir()  # what can't be read, nor replaced, keeps no other from coming back
        said = terminal.office("blobs", "restore", backup, "--json")
        assert (said.status, said.json["restored"], list(said.json["refused"])) == (1, [other], [gone])
        path_of(sample, gone).rmdir()
        assert terminal.json("blobs", "restore", backup)["restored"] == [gone]
        late = rendered(sample).current_sha256
        assert terminal.office("blobs", "restore", backup, late).status == 1
        whole = terminal.office("blobs", "restore", backup, "--json")
        assert (whole.status, whole.json["absent"]) == (0, [])
        assert not [one for one in sample.office.scrub().findings() if one.what != "unreferenced"]
        path_of(sample, late).unlink()  # what the backup has not, nobody may take for mended
        write(path_of(sample, later := rendered(sample).current_sha256), b"%PDF-")
        said = terminal.office("blobs", "restore", backup, "--json")
        assert (said.status, said.json["restored"], said.json["absent"]) == (1, [], sorted([late, later]))
        told = terminal.office("blobs", "restore", backup).out
        assert "2 stored files are still missing or changed, and not in this backup" in told


@dataclass(frozen=True)
class Meddled:
    """A store where something happens once after a step stored its files, or once when it asks for them."""

    store: BlobStore
    after_put: list[Callable[[str], object]]
    when_asked: list[Callable[[str], object]]

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        digests = self.store.put_many(contents)
        while self.after_put:
            self.after_put.pop()(digests[0])
        return digests

    def missing(self, digests: Iterable[str], *, patient: bool = True) -> list[str]:
        asked = list(digests)
        while self.when_asked:
            self.when_asked.pop()(asked[0])
        return self.store.missing(asked, patient=patient)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def meddled(sample: Sample, *, after_put: Any = None, when_asked: Any = None) -> None:
    """Have the sample's office work with such a store."""
    blobs: Any = Meddled(
        sample.office.blobs,  # type: ignore[arg-type]
        [after_put] if after_put else [],
        [when_asked] if when_asked else [],
    )
    sample.office = replace(sample.office, blobs=blobs)


def removed_by_scrub(sample: Sample) -> int:
    """What `paraaf blobs scrub --remove-unreferenced` does, in an office of its own."""
    found = [one.sha256 for one in sample.office.scrub().findings() if one.what == "unreferenced"]
    return sample.office.retention.remove_strays(found)


def test_a_step_that_was_stopped_between_storing_and_recording_is_done_again(sample: Sample) -> None:
    stored: list[str] = []

    def stopped_for_long(sha256: str) -> None:
        stored.append(long_ago(sample, sha256))
        assert removed_by_scrub(sample) == 1

    number = sample.submit("A3")
    asyncio.run(sample.run_until("rendering", number))
    meddled(sample, after_put=stopped_for_long)
    [outcome] = asyncio.run(sample.run_steps(sample.waiting(number)))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, BlobError.code)
    assert not sample.office.blobs.exists(stored[0])
    assert (sample.documents(number), sample.records(number, "document_rendered")) == ([], [])
    [outcome] = asyncio.run(sample.run_steps(sample.waiting(number)))
    assert outcome.verdict is Verdict.DONE
    [document] = sample.documents(number)
    assert sample.office.blobs.get(document.current_sha256)
    assert not list(sample.office.scrub().findings())


def remove_listed(retention: Retention, listed: list[str]) -> None:
    """Remove what is on the list already."""
    Removals(retention._store, retention._blobs, retention._random_bytes)._remove_some(listed)


@pytest.mark.parametrize("removal", [Retention.remove_strays, remove_listed])
def test_a_file_that_is_being_recorded_is_not_removed(sample: Sample, removal: Callable[..., object]) -> None:
    """Whoever removes, or has it on the list already, waits for the step's transaction, and asks after it."""
    removers: list[Thread] = []

    def remove(sha256: str) -> None:
        known_as_needless = [long_ago(sample, sha256)]
        remover = Thread(target=removal, args=(sample.office.retention, known_as_needless))
        remover.start()
        remover.join(0.3)  # time enough, if nothing held it
        removers.append(remover)

    number = sample.submit("A3")
    asyncio.run(sample.run_until("rendering", number))
    meddled(sample, when_asked=remove)
    [outcome] = asyncio.run(sample.run_steps(sample.waiting(number)))
    removers[0].join()
    assert outcome.verdict is Verdict.DONE
    [document] = sample.documents(number)
    assert sample.office.blobs.get(document.current_sha256)
    assert not sample.rows(Event, Event.type == retention.STRAYS_REMOVED)


def test_a_file_that_was_listed_is_kept_when_a_row_names_it_by_then(sample: Sample) -> None:
    """Listed, it waits for the removal: a step that stored the same bytes meanwhile may name it."""
    document = rendered(sample)
    with sample.office.store.write() as session:
        listed = {"sha256": document.current_sha256, "listed_at": sample.office.clock()}
        session.add(retention.BlobRemoval(**listed))
    needless = stray(sample)
    assert sample.office.retention.remove_strays([needless]) == 1
    assert sample.office.blobs.get(document.current_sha256)
    assert not sample.rows(retention.BlobRemoval)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_worker_that_is_stopped_before_it_records_signatures_signs_all_the_same(sample: Sample) -> None:
    """The process itself, by SIGSTOP; the value of a signature stays, only its file is made again."""
    with AuthorityServer(sample.office.authority.folder):
        number = sample.submit("A4")
        while sample.request(number).state != "sealing":
            sample.act([number])
            if sample.request(number).state == "rendering":
                asyncio.run(sample.run_until("rendering", number))
                asyncio.run(sample.run_steps(sample.waiting(number)))
        with worker(sample, stop_point="sign.stored") as stopped:
            wait_for(
                lambda: os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
            )
            for one in sample.office.blobs.stored():
                long_ago(sample, one.sha256_hex)
            assert removed_by_scrub(sample) == 1
            [before] = [row.value for row in sample.signatures(number)]
            os.kill(stopped.pid, signal.SIGCONT)
            assert stopped.wait(180) == 0
        assert [row.value for row in sample.signatures(number)] == [before]
        sample.act([number])
        asyncio.run(sample.work())
        sample.require_finished([number])
        assert not list(sample.office.scrub().findings())
