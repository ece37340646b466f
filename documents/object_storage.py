"""Files by the digest of their content in a bucket of S3-compatible storage, locked if the bucket locks.

The keys are a folder's: PREFIX/<first hex digit>/<sha256>. A file is put in one request, which the storage
checks against the content's digest: it is there whole, or not at all. What is there already is put again: the
same bytes, and on a bucket that locks a new lock. Every version of a file is removed when it is destroyed.

Credentials are given, or nothing is asked: a client without would look for them at a link-local address.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from documents.blobs import OWNER, Content, Misplaced, Stored, require_digest
from documents.errors import BlobCorrupt, BlobError, BlobLocked, BlobMissing, BlobsUnset, BlobUnlocked
from documents.open_blobs import LOCK_DAYS
from documents.open_blobs import VARIABLE as PLACE
from documents.s3_requests import Access, Requests

ENDPOINT = "PARAAF_BLOBS_ENDPOINT"
REGION = "PARAAF_BLOBS_REGION"
KEY_ID = "PARAAF_BLOBS_KEY_ID"
SECRET = "PARAAF_BLOBS_SECRET"  # noqa: S105 (a variable's name)
AT_ONCE = 16  # requests at a time
IMPATIENT_TIMEOUT_S = 5.0  # where others wait for who asks
_PIECE = 1024 * 1024  # bytes
_LOCK_SLACK = timedelta(hours=1)
"""So much shorter a lock may be found than was asked for: it began when the file was put."""


@dataclass(frozen=True)
class Wanted:
    """What the settings ask for."""

    access: Access
    prefix: str
    lock_days: int | None


def wanted(environ: Mapping[str, str]) -> Wanted:
    """Read the settings. Raises BlobsUnset when they are not whole."""
    place = urlsplit(environ[PLACE])
    if place.scheme != "s3" or not place.netloc or place.query or place.fragment or "@" in place.netloc:
        raise BlobsUnset(f"{PLACE} names no bucket.", hint="Write it like s3://bucket or s3://bucket/prefix.")
    if missing := [name for name in (KEY_ID, SECRET) if not environ.get(name)]:
        raise BlobsUnset(
            f"{PLACE} is set, and {' and '.join(missing)} not.",
            hint="Give the credentials by these variables: Paraaf looks for them nowhere else.",
        )
    region = environ.get(REGION) or "us-east-1"
    endpoint = (environ.get(ENDPOINT) or f"https://s3.{region}.amazonaws.com").rstrip("/")
    address = urlsplit(endpoint)
    if address.scheme not in ("https", "http") or not address.netloc or address.path or address.query:
        raise BlobsUnset(f"{ENDPOINT} is no address.", hint="Write it like https://storage.example:9000.")
    days = environ.get(LOCK_DAYS) or None
    if days is not None and not (days.isdecimal() and 0 < int(days) <= 36_500):
        raise BlobsUnset(
            f"{LOCK_DAYS} is no number of days.", hint="Write it like 30; leave it out for none."
        )
    access = Access(endpoint, region, place.netloc, environ[KEY_ID], environ[SECRET])
    return Wanted(access, place.path.strip("/"), int(days) if days else None)


class ObjectStorage:
    """Content-addressed files in one bucket. Several processes on several hosts may use it."""

    def __init__(self, wanted: Wanted) -> None:
        access = wanted.access
        self._wanted = wanted
        self._requests = Requests(access)
        self._impatient = Requests(access, timeout_s=IMPATIENT_TIMEOUT_S, tries=1)
        self._store = S3Store(
            access.bucket,
            prefix=wanted.prefix or None,
            # comes before whatever the environment of the process says
            credential_provider=_Given(access),
            endpoint=access.endpoint,
            region=access.region,
            virtual_hosted_style_request=False,
            skip_signature=False,
            client_options={
                "allow_http": access.endpoint.startswith("http:"),
                "connect_timeout": "5s",
                "timeout": "60s",
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=60)},
        )

    @classmethod
    def open(cls, environ: Mapping[str, str]) -> "ObjectStorage":
        """The storage that the settings name, once it has answered, and locks as it is asked to.

        Raises BlobsUnset, BlobUnlocked, BlobError.
        """
        made = cls(wanted(environ))
        made.require_writable()
        return made

    def put(self, content: bytes) -> str:
        """Store content and give its sha256_hex. Raises BlobError."""
        return self.put_many([content])[0]

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Store a batch and give the digests in the same order; all of it is stored, and locked if asked for.

        Raises BlobError, and BlobUnlocked when the storage did not lock a file.
        """
        digests = [hashlib.sha256(content).hexdigest() for content in contents]
        fresh = dict(zip(digests, contents, strict=True))
        _at_once(lambda digest: self._put(digest, fresh[digest]), fresh)
        return digests

    def _put(self, digest: str, content: bytes) -> None:
        version = self._requests.put(self._full_key(digest), content)
        if self._wanted.lock_days is None:
            return
        until, now = self._requests.locked_until(self._full_key(digest), version)
        if until is None or until < now + timedelta(days=self._wanted.lock_days) - _LOCK_SLACK:
            raise BlobUnlocked(
                f"The object storage did not lock the file {digest[:12]}… for {self._wanted.lock_days} days.",
                hint=f"Give the bucket a default retention of so many days, or change {LOCK_DAYS}.",
            )

    def get(self, sha256_hex: str) -> bytes:
        """Read content and check it against its digest. Raises BlobMissing, BlobCorrupt or BlobError."""
        key = _key(sha256_hex)
        with _told(sha256_hex):
            content = bytes(obstore.get(self._store, key).bytes())
        if hashlib.sha256(content).hexdigest() != sha256_hex:
            raise BlobCorrupt(
                f"The stored file {sha256_hex[:12]}… has changed since it was stored.",
                hint="Restore it from a backup, `paraaf blobs restore FILE.tar`, and find who changed it.",
            )
        return content

    def content(self, sha256_hex: str) -> Content:
        """Read a file piece by piece, and tell what is in it. Raises BlobMissing or BlobError."""
        key, digest, size = _key(sha256_hex), hashlib.sha256(), 0
        with _told(sha256_hex):
            for piece in obstore.get(self._store, key).stream(min_chunk_size=_PIECE):
                digest.update(piece)
                size += len(piece)
        return Content(digest.hexdigest(), size)

    def exists(self, sha256_hex: str) -> bool:
        """Say whether a file of this digest is there, without reading it. Raises BlobError."""
        key = _key(sha256_hex)
        try:
            with _told(sha256_hex):
                obstore.head(self._store, key)
        except BlobMissing:
            return False
        return True

    def missing(self, digests: Iterable[str], *, patient: bool = True) -> list[str]:
        """Those that are not there, without reading any. Raises BlobError."""
        asked = list(digests)
        there = _at_once(self.exists if patient else self._exists_at_once, asked)
        return [digest for digest, found in zip(asked, there, strict=True) if not found]

    def _exists_at_once(self, sha256_hex: str) -> bool:
        return self._impatient.exists(self._full_key(sha256_hex))

    def delete(self, sha256_hex: str) -> bool:
        """Destroy every version of a file; False when there was none.

        Nothing is tried twice, nor waited for long: whoever removes files has others wait meanwhile. Raises
        BlobLocked as long as the storage locks one, and BlobError.
        """
        return self._remove(sha256_hex, self._full_key(sha256_hex))

    def _remove(self, sha256_hex: str, key: str) -> bool:
        removed = False
        for version in self._impatient.versions(key):
            if not self._impatient.remove_version(key, version.id):
                raise self._kept(sha256_hex, key, version.id)
            removed = removed or not version.is_marker
        return removed

    def _kept(self, digest: str, key: str, version: str) -> BlobError:
        """Why a version was not removed."""
        until, now = self._impatient.locked_until(key, version)
        if until is not None and until > now:
            return BlobLocked(
                f"The object storage locks the stored file {digest[:12]}… until {until:%Y-%m-%d %H:%M} UTC.",
                hint="It is tried again by itself; have the bucket lock for less than the shortest keep.",
            )
        return BlobError(
            f"The object storage refuses to remove the stored file {digest[:12]}….",
            hint="Give the credentials the right s3:DeleteObjectVersion, and end a legal hold in the bucket.",
        )

    def stored(self) -> Iterator[Stored]:
        """Every file, one at a time, in no order; what comes or goes meanwhile may be left out."""
        for digest, key, since in self._listed():
            if key == _key(digest):
                yield Stored(digest, since)

    def misplaced(self) -> Iterator[Misplaced]:
        """Every file with a digest for its name that is not where it belongs. Raises BlobError."""
        for digest, key, _ in self._listed():
            if key != _key(digest):
                yield Misplaced(digest, key)

    def remove_misplaced(self, one: Misplaced) -> bool:
        """Destroy every version of such a file; False when there was none. Raises BlobLocked, BlobError."""
        return self._remove(one.sha256_hex, f"{self._wanted.prefix}/{one.place}".lstrip("/"))

    def _listed(self) -> Iterator[tuple[str, str, datetime]]:
        """What bears a digest for its name, its key behind the prefix, and since when it is there."""
        with _told(""):
            for some in obstore.list(self._store):
                for one in some:
                    digest = one["path"].rpartition("/")[2]
                    if _is_digest(digest):
                        yield digest, one["path"], one["last_modified"].astimezone(UTC)

    def require_writable(self) -> None:
        """Find out whether the storage answers these credentials, and locks as it is asked to.

        Nothing is written: a bucket that locks would keep it. Raises BlobUnlocked, BlobError.
        """
        days = self._wanted.lock_days
        if days is None:
            self._requests.versions(self._full_key("0" * 64))
            return
        lock = self._requests.default_lock()
        if lock is None or lock.days < days:
            said = "locks nothing by itself" if lock is None else f"locks for {lock.days} days"
            raise BlobUnlocked(
                f"{LOCK_DAYS} asks for {days} days, and the bucket {said}.",
                hint="Give the bucket object lock with a default retention, or change the setting.",
            )

    def lock_days(self) -> int:
        """For how many days the bucket locks what is put; asked when it has to. Raises BlobError.

        Else the right to ask is not needed, and a destruction that a lock refuses tells so.
        """
        lock = self._requests.default_lock() if self._wanted.lock_days else None
        return lock.days if lock else 0

    def remove_leftovers(self, *, before: datetime) -> int:
        """Remove nothing: a put is whole or not there."""
        del before
        return 0

    def owner(self, *, patient: bool = True) -> str:
        """The name of the office whose files these are, as is written beside them; "" where nothing is."""
        requests = self._requests if patient else self._impatient
        return requests.get(self._owner_key).decode(errors="replace").strip()

    def claim(self, office: str, *, anew: bool = False) -> str:
        """Write down whose files these are, unless that is said already; what is said then is stored."""
        said = f"{office}\n".encode()
        if not anew:
            self._requests.put_new(self._owner_key, said)  # of two at once the storage takes the first
        if anew or not self.owner():  # nobody was named anew
            self._requests.put(self._owner_key, said)
        return self.owner()

    @property
    def _owner_key(self) -> str:
        return f"{self._wanted.prefix}/{OWNER}".lstrip("/")

    def _full_key(self, digest: str) -> str:
        return f"{self._wanted.prefix}/{_key(digest)}".lstrip("/")


_KEY = "{}/{}"


class _Given:
    """The credentials as they were given; they do not expire."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def __call__(self) -> Any:
        return {
            "access_key_id": self._access.key_id,
            "secret_access_key": self._access.secret,
            "token": None,
            "expires_at": None,
        }


def _key(digest: str) -> str:
    return _KEY.format(require_digest(digest)[0], digest)


def _is_digest(text: str) -> bool:
    try:
        return bool(require_digest(text))
    except BlobMissing:
        return False


def _at_once(do: Callable[[str], Any], digests: Iterable[str]) -> list[Any]:
    """Do something for each, several at a time: most of it is waiting. Raises the first error."""
    each = list(digests)
    if len(each) < 2:
        return [do(digest) for digest in each]
    with ThreadPoolExecutor(min(AT_ONCE, len(each)), "storage") as threads:
        return list(threads.map(do, each))


@contextmanager
def _told(digest: str) -> Iterator[None]:
    """Turn what the client says into ours; without its words, which hold addresses."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise BlobMissing(
            f"No file {digest[:12]}… is stored.",
            hint="Is its request not destroyed, restore it from a backup: `paraaf blobs restore FILE.tar`. Or"
            " the bucket is not the right one.",
        ) from error
    except (BaseError, OSError) as error:
        raise BlobError(
            f"The object storage does not do what it was asked: {type(error).__name__}.",
            hint="Look at the storage, its address, the credentials and their rights (docs/settings.md).",
        ) from error
