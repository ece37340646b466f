"""Removes the blobs that are listed for it: each once in a run, and none for long while others wait.

The log's lock is held from the question who refers to a blob to its removal: who refers to one does it under
the lock, and asks there whether it is still stored. So a storage that says nothing must not be waited for:
the first failure ends a transaction, and failures that took long end the removals of a run. A lock that the
storage puts on a file is told at once, and is no failure of that kind.
"""

from collections.abc import Callable, Sequence
from time import monotonic

from sqlalchemy import delete, select

from documents.blobs import Blobs
from documents.errors import BlobError, BlobLocked
from workflow.eventlog import Appender
from workflow.faults import point
from workflow.references import referred_to
from workflow.store import Store
from workflow.tables import BlobRemoval

BLOBS = 25  # removed in one transaction: others wait for it, and object storage takes its time
PATIENCE_S = 10.0  # so long the failures of a run may have taken, all in all


class Removals:
    """What one run does about the list. `refused`: why a blob could not be removed."""

    def __init__(self, store: Store, blobs: Blobs, random_bytes: Callable[[int], bytes]) -> None:
        self._store = store
        self._blobs = blobs
        self._random_bytes = random_bytes
        self._tried: set[str] = set()
        self._after = ""  # how far along the list, which is read in the order of the digests
        self._failing_s = 0.0
        self.refused: BlobError | None = None

    def refuse(self, error: BlobError) -> None:
        """Keep why something could not be done; a lock, which ends by itself, only if there is no other."""
        if self.refused is None or isinstance(self.refused, BlobLocked):
            self.refused = error

    def remove(self) -> int:
        """Remove what is listed and was not tried in this run; how many went. What is refused stays."""
        removed, self._after = 0, ""
        while (some := self._next()) and self._failing_s < PATIENCE_S:
            removed += self._remove_some(some)
        if removed:
            point("destroy.blobs-removed")
        return removed

    def _next(self) -> list[str]:
        with self._store.read() as session:
            query = select(BlobRemoval.sha256).where(BlobRemoval.sha256 > self._after)
            return list(session.scalars(query.order_by(BlobRemoval.sha256).limit(BLOBS)))

    def _remove_some(self, listed: Sequence[str]) -> int:
        """Remove some of the listed blobs; one that a request refers to again is only taken off the list."""
        removed = 0
        with self._store.write() as session:
            Appender.lock(session, self._random_bytes)
            settled = referred_to(session, listed)
            for sha256_hex in sorted(set(listed) - settled - self._tried):
                # once more: a server takes the lock from who was stopped for long
                Appender.lock(session, self._random_bytes)
                self._tried.add(sha256_hex)
                self._after = sha256_hex
                began = monotonic()
                try:
                    removed += self._blobs.delete(sha256_hex)
                except BlobError as error:
                    self.refuse(error)
                    if not isinstance(error, BlobLocked):
                        self._failing_s += monotonic() - began
                        break
                else:
                    settled.add(sha256_hex)
                    point("destroy.blob-removed")
            else:
                self._after = listed[-1]
            session.execute(delete(BlobRemoval).where(BlobRemoval.sha256.in_(settled)))
        return removed
