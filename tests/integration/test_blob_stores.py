"""One contract for both stores of files, the folder and S3-compatible storage; and what only the latter does.

The storage is moto's server, see tests/object_storage.py.
"""

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from documents.blobs import Blobs, Content
from documents.errors import BlobCorrupt, BlobError, BlobLocked, BlobMissing, BlobsUnset, BlobUnlocked
from documents.object_storage import ObjectStorage, wanted
from documents.open_blobs import open_blobs
from documents.s3_requests import Access, Requests, signed
from problem import Problem
from tests.object_storage import Bucket, Storage
from tests.steps_office import Sample
from workflow.backup import make_backup
from workflow.office import Office
from workflow.references import require_stored
from workflow.restore import restore
from workflow.snapshot import RestoreRefused
from workflow.store import Store

pytestmark = pytest.mark.slow
ABSENT = hashlib.sha256(b"absent").hexdigest()


@dataclass(frozen=True)
class Place:
    """A store, the environment that leads to it, and how somebody else writes a file in it, by its place."""

    folder: Path
    environ: dict[str, str]
    add: Callable[[str, bytes], None]

    def change(self, digest: str, content: bytes) -> None:
        self.add(f"{digest[0]}/{digest}", content)

    @property
    def blobs(self) -> Blobs:
        return open_blobs(self.folder, self.environ)


def key_of(digest: str) -> str:
    return f"office/{digest[0]}/{digest}"


@pytest.fixture(params=["folder", "objects", "versioned objects"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":

        def add(place: str, content: bytes) -> None:
            path = tmp_path / "blobs" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            path.chmod(0o600)
            path.write_bytes(content)

        return Place(tmp_path, {}, add)
    storage: Storage = request.getfixturevalue("object_storage")
    bucket = storage.bucket()
    if request.param == "versioned objects":
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        assert bucket.requests.ask("PUT", query={"versioning": ""}, body=body).status == 200
    return Place(
        tmp_path, dict(bucket.environ), lambda place, content: bucket.change(f"office/{place}", content)
    )


# --- the contract


def test_what_was_put_is_got(place: Place) -> None:
    contents = [b"one", b"", b"two", b"one", bytes(3_000_000)]
    digests = place.blobs.put_many(contents)
    assert digests == [hashlib.sha256(content).hexdigest() for content in contents]
    assert [place.blobs.get(digest) for digest in digests] == contents
    assert [place.blobs.content(digest) for digest in digests] == [
        Content(digest, len(content)) for digest, content in zip(digests, contents, strict=True)
    ]
    assert place.blobs.put_many([]) == []


def test_what_is_not_there_is_missing(place: Place) -> None:
    digest = place.blobs.put(b"there")
    assert (place.blobs.exists(digest), place.blobs.exists(ABSENT)) == (True, False)
    for patient in (True, False):
        assert place.blobs.missing([digest, ABSENT], patient=patient) == [ABSENT]
    assert place.blobs.delete(ABSENT) is False
    for read in (place.blobs.get, place.blobs.content):
        with pytest.raises(BlobMissing):
            read(ABSENT)
    for ask in (place.blobs.get, place.blobs.exists, place.blobs.delete):
        with pytest.raises(BlobMissing):
            ask("../" + ABSENT)


def test_a_changed_file_is_never_handed_out_and_mended_when_it_is_put_again(place: Place) -> None:
    digest = place.blobs.put(b"as it was")
    place.change(digest, b"torn")
    with pytest.raises(BlobCorrupt):
        place.blobs.get(digest)
    assert place.blobs.content(digest) == Content(hashlib.sha256(b"torn").hexdigest(), 4)
    assert place.blobs.put(b"as it was") == digest
    assert place.blobs.get(digest) == b"as it was"


def test_what_is_deleted_is_gone_and_may_come_again(place: Place) -> None:
    digest, other = place.blobs.put_many([b"asked for", b"other"])
    place.blobs.put(b"asked for")
    assert place.blobs.delete(digest) is True
    assert place.blobs.delete(digest) is False
    assert (place.blobs.exists(digest), place.blobs.exists(other)) == (False, True)
    assert place.blobs.put(b"asked for") == digest
    assert place.blobs.get(digest) == b"asked for"


def test_all_that_is_stored_is_listed_once_with_its_time(place: Place) -> None:
    assert list(place.blobs.stored()) == []
    digests = place.blobs.put_many([b"%d" % number for number in range(20)])
    place.blobs.put(b"1")
    found = list(place.blobs.stored())
    assert sorted(one.sha256_hex for one in found) == sorted(digests)
    assert all(abs(one.stored_at - datetime.now(UTC)) < timedelta(minutes=10) for one in found)


def test_what_lies_elsewhere_than_it_belongs_is_told_and_can_be_removed(place: Place) -> None:
    digest, other = place.blobs.put_many([b"one", b"two"])
    places = [digest, f"blobs/{digest}", f"{other[0]}/more/{other}"]
    for each in places:
        place.add(each, b"astray")
    found = sorted(place.blobs.misplaced(), key=lambda one: one.place)
    assert [one.place for one in found] == sorted(places)
    assert {one.sha256_hex for one in found} == {digest, other}
    assert len(list(place.blobs.stored())) == 2
    for one in found:
        assert place.blobs.remove_misplaced(one) is True
        assert place.blobs.remove_misplaced(one) is False
    assert list(place.blobs.misplaced()) == []
    assert place.blobs.get(digest) == b"one"


def test_several_may_put_and_delete_at_once(place: Place) -> None:
    content, blobs = bytes(100_000), place.blobs
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: blobs.put(content), range(16)))) == 1
        [one] = blobs.stored()
        assert blobs.get(one.sha256_hex) == content
        gone = list(threads.map(lambda _: blobs.delete(one.sha256_hex), range(4)))
    assert True in gone
    assert not blobs.exists(one.sha256_hex)


def test_whose_files_these_are_is_said_once_unless_they_change_hands(place: Place) -> None:
    assert place.blobs.owner() == ""
    place.blobs.put(b"of before")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(place.blobs.claim, ("one", "two"))
    assert first == second == place.blobs.owner(patient=False)
    assert place.blobs.claim("three") == first
    assert place.blobs.claim("three", anew=True) == "three"
    assert place.blobs.claim("", anew=True) == ""
    assert place.blobs.claim("four") == "four"
    assert len(list(place.blobs.stored())) == 1
    assert not list(place.blobs.misplaced())


def test_it_tells_that_it_can_store_and_leaves_nothing(place: Place) -> None:
    place.blobs.require_writable()
    assert list(place.blobs.stored()) == []


_ENDLESS = """
import os, sys
from pathlib import Path
from documents.open_blobs import open_blobs
blobs = open_blobs(Path(sys.argv[1]), os.environ)
print("begun", flush=True)
for number in range(100_000):
    blobs.put_many([b"%d %d" % (number, part) * 20_000 for part in range(4)])
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_whole_files_or_none(place: Place) -> None:
    command = [sys.executable, "-c", _ENDLESS, str(place.folder)]
    environ = {**os.environ, **place.environ}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(3):
            assert writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    found = list(place.blobs.stored())
    assert len(found) >= 8  # two batches were acknowledged
    assert all(place.blobs.content(one.sha256_hex).sha256_hex == one.sha256_hex for one in found)
    place.blobs.remove_leftovers(before=datetime.now(UTC) + timedelta(minutes=1))
    assert len(list(place.blobs.stored())) == len(found)


def test_an_office_works_is_backed_up_and_restored_with_either(place: Place, tmp_path: Path) -> None:
    home = tmp_path / "office"
    home.mkdir(mode=0o700)
    sample = Sample.open(home, environ=place.environ)
    with closing(sample.office):
        number = sample.submit("A3")
        asyncio.run(sample.run_until("rendering", number))
        asyncio.run(sample.run_steps(sample.waiting(number)))
        [document] = sample.documents(number)
        assert not list(sample.office.scrub().findings())
        out = tmp_path / "backup.tar"
        office = sample.office
        made = make_backup(
            out, store=office.store, blobs=office.blobs, folder=home, now=office.clock, release="test"
        )
        assert (made.blobs, made.faults) == (1, ())
        pdf = office.blobs.get(document.current_sha256)
        office.blobs.delete(document.current_sha256)
        strange = office.blobs.put(b"of an office that works")
    again = tmp_path / "again"
    with closing(Store.unopened(again, {})) as store:
        restored = partial(
            restore,
            out,
            folder=again,
            store=store,
            blobs=lambda to: open_blobs(to, place.environ),
            now=datetime.now(UTC),
        )
        if place.environ:  # a bucket: a drill must not get its hands on a working office's files
            with pytest.raises(RestoreRefused, match="stored files already"):
                restored()
            assert not again.exists()
            assert not office.blobs.exists(document.current_sha256)
        restored(same_storage=True)
    with closing(Office.open(again, environ=place.environ)) as office:
        assert office.blobs.get(document.current_sha256) == pdf
        assert not list(office.scrub().findings())
        assert office.blobs.exists(strange) is bool(place.environ)


# --- locks


@pytest.fixture
def locking(object_storage: Storage) -> Bucket:
    return object_storage.bucket(lock_days=30, asked_days=30)


def test_a_locked_file_is_not_removed_before_its_day(locking: Bucket) -> None:
    blobs = ObjectStorage.open(locking.environ)
    digest = blobs.put(b"kept")
    blobs.put(b"kept")  # a version more
    with pytest.raises(BlobLocked):
        blobs.delete(digest)
    assert blobs.get(digest) == b"kept"
    assert len(locking.requests.versions(key_of(digest))) == 2
    locking.release(key_of(digest))
    assert blobs.delete(digest) is True
    assert locking.requests.versions(key_of(digest)) == []


def test_what_somebody_hid_is_destroyed_too(locking: Bucket) -> None:
    """A plain deletion only hides a file that has versions: a destruction must not stop at that."""
    blobs = ObjectStorage.open(locking.environ)
    digest = blobs.put(b"hidden")
    assert locking.requests.ask("DELETE", key_of(digest)).status == 204
    assert not blobs.exists(digest)
    with pytest.raises(BlobLocked):
        blobs.delete(digest)
    assert not blobs.exists(digest)  # the mark goes last
    locking.release(key_of(digest))
    assert blobs.delete(digest) is True
    assert locking.requests.versions(key_of(digest)) == []


def test_a_destruction_that_a_lock_refuses_is_tried_again(locking: Bucket, tmp_path: Path) -> None:
    with closing(Office.open(tmp_path, environ=locking.environ)) as office:
        digest = office.blobs.put(b"nobody's")
        with pytest.raises(BlobLocked):
            office.retention.remove_strays([digest])
        with pytest.raises(BlobLocked):
            office.retention.run(clock_is_right=True)
        assert office.retention.preview(days=1).files_left == 1
        locking.release(key_of(digest))
        assert office.retention.run(clock_is_right=True).files == 1
        assert locking.requests.versions(key_of(digest)) == []
        assert office.retention.preview(days=1).files_left == 0


@pytest.mark.parametrize(("lock_days", "asked_days"), [(None, 1), (29, 30)])
def test_an_office_does_not_start_on_a_bucket_that_locks_less_than_asked(
    object_storage: Storage, tmp_path: Path, lock_days: int | None, asked_days: int
) -> None:
    bucket = object_storage.bucket(lock_days=lock_days, asked_days=asked_days)
    with pytest.raises(BlobUnlocked):
        Office.open(tmp_path, environ=bucket.environ)


def test_an_office_does_not_start_on_a_bucket_that_locks_longer_than_is_kept(
    object_storage: Storage, tmp_path: Path
) -> None:
    bucket = object_storage.bucket(lock_days=100, asked_days=30)
    with pytest.raises(Problem) as caught:
        Office.open(tmp_path, environ=bucket.environ)
    assert caught.value.code == "workflow-lock-too-long"


def test_a_file_that_the_bucket_stopped_locking_is_not_taken_for_stored(locking: Bucket) -> None:
    blobs = ObjectStorage.open(locking.environ)
    lock = (
        b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
    )
    assert locking.requests.ask("PUT", query={"object-lock": ""}, body=lock).status == 200
    with pytest.raises(BlobUnlocked):
        blobs.put(b"unlocked")
    with pytest.raises(BlobUnlocked):
        blobs.require_writable()


# --- settings


class _Nothing:
    """What stands in for the client: whoever asks anything of it fails the test."""

    def __init__(self, *given: Any, **named: Any) -> None:
        raise AssertionError("a client was made")


@pytest.mark.parametrize(
    "changed",
    [
        {"PARAAF_BLOBS_KEY_ID": ""},
        {"PARAAF_BLOBS_SECRET": ""},
        {"PARAAF_BLOBS_SECRET": None},
        {"PARAAF_BLOBS": "bucket"},
        {"PARAAF_BLOBS": "s3://"},
        {"PARAAF_BLOBS": "s3://key:secret@bucket"},
        {"PARAAF_BLOBS": None},
        {"PARAAF_BLOBS_ENDPOINT": "127.0.0.1:9000"},
        {"PARAAF_BLOBS_LOCK_DAYS": "0"},
        {"PARAAF_BLOBS_LOCK_DAYS": "P30D"},
    ],
)
def test_settings_that_are_not_whole_are_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str | None]
) -> None:
    monkeypatch.setattr("documents.object_storage.S3Store", _Nothing)
    monkeypatch.setattr("documents.s3_requests.HTTPConnection", _Nothing)
    monkeypatch.setattr("documents.s3_requests.HTTPSConnection", _Nothing)
    # what the client would read by itself
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the environment")
    whole: dict[str, str | None] = {
        "PARAAF_BLOBS": "s3://bucket",
        "PARAAF_BLOBS_ENDPOINT": "http://127.0.0.1:9",
        "PARAAF_BLOBS_KEY_ID": "key",
        "PARAAF_BLOBS_SECRET": "secret",
        "PARAAF_BLOBS_LOCK_DAYS": "30",
    }
    environ = {name: value for name, value in {**whole, **changed}.items() if value is not None}
    with pytest.raises(BlobsUnset):
        open_blobs(tmp_path, environ)


def test_what_the_environment_says_of_another_account_changes_nothing(
    object_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT": "http://127.0.0.1:9",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_SESSION_TOKEN": "other",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_BUCKET": "other",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials",
    }.items():
        monkeypatch.setenv(name, value)
    blobs = ObjectStorage.open(object_storage.bucket().environ)
    assert blobs.get(blobs.put(b"where it belongs")) == b"where it belongs"


def test_storage_that_does_not_answer_is_an_error_of_ours_without_the_secret(tmp_path: Path) -> None:
    environ = {
        "PARAAF_BLOBS": "s3://bucket",
        "PARAAF_BLOBS_ENDPOINT": "http://127.0.0.1:9",  # nobody listens there
        "PARAAF_BLOBS_KEY_ID": "key",
        "PARAAF_BLOBS_SECRET": "very-secret",
    }
    with pytest.raises(BlobError) as caught:
        open_blobs(tmp_path, environ)
    assert "very-secret" not in f"{caught.value!r} {caught.value.hint}"
    assert "very-secret" not in repr(Access("e", "r", "b", "key", "very-secret"))


@pytest.mark.parametrize(
    "ask", [lambda blobs: blobs.delete("0" * 64), lambda blobs: require_stored(blobs, ["0" * 64])]
)
def test_who_holds_the_logs_lock_waits_once_and_shortly_for_a_storage_that_says_nothing(
    object_storage: Storage, monkeypatch: pytest.MonkeyPatch, ask: Callable[[ObjectStorage], object]
) -> None:
    """Whoever removes files, or records that a step stored one."""
    monkeypatch.setattr("documents.object_storage.IMPATIENT_TIMEOUT_S", 0.2)
    environ = dict(object_storage.bucket().environ)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls, and never answers
        environ["PARAAF_BLOBS_ENDPOINT"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(BlobError, match="can't be reached"):
            ask(ObjectStorage(wanted(environ)))
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()  # nobody called again


# --- signatures

EXAMPLE = Access(
    "https://examplebucket.s3.amazonaws.com",
    "us-east-1",
    "examplebucket",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
)


@pytest.mark.parametrize(
    ("path", "query", "headers", "signature"),
    [
        (
            "/test.txt",
            {},
            {"range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        ("/", {"lifecycle": ""}, {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "/",
            {"prefix": "J", "max-keys": "2"},
            {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_requests_are_signed_as_in_the_published_examples(
    path: str, query: dict[str, str], headers: dict[str, str], signature: str
) -> None:
    """Amazon S3 API Reference, "Signature Calculations for the Authorization Header", examples."""
    sent = {
        **headers,
        "host": "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": hashlib.sha256(b"").hexdigest(),
    }
    told = signed(EXAMPLE, "GET", path, query, sent, now=datetime(2013, 5, 24, tzinfo=UTC))
    assert told["authorization"].endswith(f"Signature={signature}")


def test_a_refusal_is_told_with_its_code(object_storage: Storage) -> None:
    nowhere = Requests(Access(object_storage.endpoint, "eu-west-1", "no-such-bucket", "key", "secret"))
    with pytest.raises(BlobError, match="404 NoSuchBucket"):
        nowhere.versions("x")
