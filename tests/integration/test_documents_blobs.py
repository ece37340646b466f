import hashlib
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from documents.blobs import BlobStore, Stored
from documents.errors import BlobCorrupt, BlobError, BlobMissing


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "deep" / "blobs")


def spoil(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


def test_what_was_put_is_got(store: BlobStore) -> None:
    contents = [b"", b"one", os.urandom(70_000)]
    digests = store.put_many(contents)
    assert digests == [hashlib.sha256(content).hexdigest() for content in contents]
    assert [store.get(digest) for digest in digests] == contents
    assert BlobStore(store.folder).get(digests[1]) == b"one"


def test_order_and_repeats_in_a_batch_are_kept(store: BlobStore) -> None:
    first, second, third = store.put_many([b"b", b"a", b"b"])
    assert first == third != second
    assert store.get(second) == b"a"


def test_an_empty_batch_stores_nothing(store: BlobStore) -> None:
    assert store.put_many([]) == []


def test_putting_again_leaves_the_file_alone(store: BlobStore) -> None:
    digest = store.put(b"same")
    before = store.path(digest).stat()
    assert store.put(b"same") == digest
    assert store.path(digest).stat().st_ino == before.st_ino


def test_only_the_owner_reads_and_nobody_writes(store: BlobStore) -> None:
    path = store.path(store.put(b"private"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_a_changed_file_is_never_handed_out(store: BlobStore) -> None:
    digest = store.put(b"as it was")
    spoil(store.path(digest), b"as it was!")
    with pytest.raises(BlobCorrupt) as caught:
        store.get(digest)
    assert caught.value.hint


def test_putting_again_mends_a_torn_file(store: BlobStore) -> None:
    digest = store.put(b"whole content")
    spoil(store.path(digest), b"whole")
    store.put(b"whole content")
    assert store.get(digest) == b"whole content"


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_not_there_is_missing(store: BlobStore, digest: str) -> None:
    with pytest.raises(BlobMissing):
        store.get(digest)


def test_exists_and_delete(store: BlobStore) -> None:
    digest = store.put(b"for three months")
    assert store.exists(digest)
    assert store.delete(digest) is True
    assert store.delete(digest) is False
    assert not store.exists(digest)
    with pytest.raises(BlobMissing):
        store.get(digest)


def test_a_failed_batch_leaves_no_file_at_all(store: BlobStore) -> None:
    store.put(b"a")
    contents = [b"1", b"2", b"3", b"4", b"5", b"6"]
    blocked = store.path(hashlib.sha256(b"4").hexdigest())
    blocked.parent.mkdir(exist_ok=True)
    (blocked / "in the way").mkdir(parents=True)
    with pytest.raises(BlobError):
        store.put_many(contents)
    assert not list(store.folder.glob("?/.incoming-*"))


def test_leftovers_of_a_crash_are_swept_when_old(store: BlobStore) -> None:
    digest = store.put(b"kept")
    left = store.path(digest).parent / ".incoming-abc"
    left.write_bytes(b"torn")
    now = datetime.now(UTC)
    assert store.remove_leftovers(before=now - timedelta(hours=1)) == 0
    assert store.remove_leftovers(before=now + timedelta(seconds=5)) == 1
    assert not left.exists()
    assert store.get(digest) == b"kept"


def test_a_leftover_that_is_gone_when_it_is_looked_at_stops_no_sweep(store: BlobStore) -> None:
    folder = store.path(store.put(b"kept")).parent
    (folder / ".incoming-gone").symlink_to("nowhere")
    assert store.remove_leftovers(before=datetime.now(UTC)) == 0


def test_all_is_synced_before_it_is_acknowledged(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each new file is synced before any rename, and each touched folder once, after all renames."""
    store.put_many([bytes([n]) for n in range(200)])  # makes the folders
    steps: list[tuple[str, str]] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        place = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(("folder" if place.is_dir() else "file", str(place)))
        fsync(descriptor)

    def watched_replace(self: Path, target: Path) -> Path:
        steps.append(("rename", str(self)))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    digests = store.put_many([b"x" * n for n in range(1000, 1050)])
    touched = {str(store.path(digest).parent) for digest in digests}
    assert [kind for kind, _ in steps] == ["file"] * 50 + ["rename"] * 50 + ["folder"] * len(touched)
    assert {path for kind, path in steps if kind == "file"} == {
        path for kind, path in steps if kind == "rename"
    }
    assert {path for kind, path in steps if kind == "folder"} == touched


def test_two_writers_of_the_same_content_do_not_meet(store: BlobStore) -> None:
    contents = [os.urandom(2000) for _ in range(20)]
    writers = [threading.Thread(target=store.put_many, args=(contents,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [store.get(hashlib.sha256(content).hexdigest()) for content in contents] == contents
    assert not list(store.folder.glob("?/.incoming-*"))


def test_folders_that_another_process_made_are_synced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their maker may have died before it synced them: nothing is acknowledged on its word."""
    digest = BlobStore(tmp_path / "deep" / "blobs").put(b"by another")
    synced: list[Path] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    store = BlobStore(tmp_path / "deep" / "blobs")
    assert store.put(b"by another") == digest
    assert {store.path(digest).parent, store.folder, tmp_path / "deep", tmp_path} <= set(synced)
    synced.clear()
    store.put(b"by another")
    assert synced == [store.path(digest).parent]


def test_a_removal_that_another_process_began_is_synced_too(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been killed between the removal and the sync: a power cut would bring the file back."""
    digest = store.put(b"destroyed")
    store.path(digest).unlink()
    synced: list[Path] = []
    monkeypatch.setattr("documents.blobs.sync", synced.append)
    assert store.delete(digest) is False
    assert synced == [store.path(digest).parent]
    monkeypatch.undo()
    assert BlobStore(store.folder / "never made").delete(digest) is False


def test_storing_again_counts_from_now_on(store: BlobStore) -> None:
    """A step may be about to refer to it: no sweep of what is old takes it away."""
    digest = store.put(b"asked for again")
    os.utime(store.path(digest), (0, 0))
    assert list(store.stored()) == [Stored(digest, datetime.fromtimestamp(0, UTC))]
    store.put(b"asked for again")
    [found] = store.stored()
    assert found.stored_at > datetime.now(UTC) - timedelta(hours=1)


def test_the_removal_of_leftovers_is_on_the_disk(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store.path(store.put(b"kept")).parent
    (folder / ".incoming-abc").write_bytes(b"torn")
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    assert store.remove_leftovers(before=datetime.now(UTC) + timedelta(seconds=5)) == 1
    assert synced == [str(folder)]
