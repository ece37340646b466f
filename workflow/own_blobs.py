"""The stored files of one office: before anything is stored or removed, the store must say that they are its.

A wrong mount, a link or a wrong setting would otherwise have an office remove what is referred to by nothing
in its own database, and is another's. The store keeps the office's name (documents.blobs: OWNER); an office
writes it there when it first stores something. A store without a name is taken for an office's own only when
one of the files that its database names is in it, or it is empty and the database names none: else it may be
a disk that is not mounted.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import select

from documents.blobs import Blobs, Content, Misplaced, Stored
from documents.errors import BlobsForeign
from workflow.errors import StoreUnavailable
from workflow.identity import named
from workflow.references import CHUNK, next_referred_to
from workflow.store import VARIABLE, Store
from workflow.tables import BlobRemoval

_SOME = 50
"""Files that are asked for at a time."""
_UNSAID = "it is not said whose they are, and none of those that this office knows is there"


class OwnBlobs:
    """A store of files as one office uses it. What stores or removes raises BlobsForeign beside the rest."""

    def __init__(self, blobs: Blobs, store: Store) -> None:
        self.inner = blobs
        self._store = store

    def require_not_foreign(self, *, patient: bool = True) -> str:
        """Refuse what is said to be another office's; what is said, "" when nothing is.

        Raises BlobsForeign, BlobError, StoreUnavailable.
        """
        said = self.inner.owner(patient=patient)
        if said:
            _require_same(said, self._own())
        return said

    def require_there(self, *, patient: bool = True, lost: bool = False) -> str:
        """Refuse a place that is not this office's, or that may be: a disk that is not mounted, say.

        `lost`: a person brings files back, so that all may be gone. Nothing is written. Gives what is said,
        and raises, as the other does.
        """
        said = self.require_not_foreign(patient=patient)
        if not said and self._own() and not self._may_be_ours(lost=lost):
            said = self.require_not_foreign(patient=patient)  # another thread or worker may have just said it
            if not said:
                raise _foreign(_UNSAID)
        return said

    def require_own(self, *, patient: bool = True, lost: bool = False) -> None:
        """Have it said, now or before, that these files are this office's. Raises as the others do."""
        if self.require_there(patient=patient, lost=lost):
            return
        own = self._own()
        if not own:
            raise _foreign(f"it is not said whose they are, and the database {_told(own)}")
        _require_same(self.inner.claim(own), own)

    def _own(self) -> str:
        """The office's name, as its database says now: another may have taken its place; "" while it has
        none."""
        with self._store.read() as session:
            row = named(session)
        return "" if row is None else row.name

    def _may_be_ours(self, *, lost: bool = False) -> bool:
        with self._store.read() as session:
            ours = next_referred_to(session, "")
            ours += session.scalars(select(BlobRemoval.sha256).limit(CHUNK))
        if lost or not ours:
            return next(self.inner.stored(), None) is None or self._holds_one(ours)
        return self._holds_one(ours)

    def _holds_one(self, ours: Sequence[str]) -> bool:
        some = (ours[start : start + _SOME] for start in range(0, len(ours), _SOME))
        return any(len(self.inner.missing(each)) < len(each) for each in some)

    def put(self, content: bytes) -> str:
        """As a store does."""
        return self.put_many([content])[0]

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """As a store does."""
        self.require_own()
        return self.inner.put_many(contents)

    def get(self, sha256_hex: str) -> bytes:
        """As a store does."""
        return self.inner.get(sha256_hex)

    def content(self, sha256_hex: str) -> Content:
        """As a store does."""
        return self.inner.content(sha256_hex)

    def exists(self, sha256_hex: str) -> bool:
        """As a store does."""
        return self.inner.exists(sha256_hex)

    def missing(self, digests: Iterable[str], *, patient: bool = True) -> list[str]:
        """As a store does."""
        return self.inner.missing(digests, patient=patient)

    def delete(self, sha256_hex: str) -> bool:
        """As a store does; nobody waits for long."""
        self.require_own(patient=False)
        return self.inner.delete(sha256_hex)

    def stored(self) -> Iterator[Stored]:
        """As a store does: what another office's are is not called forgotten, nor listed for removal."""
        self.require_not_foreign()
        return self.inner.stored()

    def misplaced(self) -> Iterator[Misplaced]:
        """As a store does, unless the files are another office's."""
        self.require_not_foreign()
        return self.inner.misplaced()

    def remove_misplaced(self, one: Misplaced) -> bool:
        """As a store does; nobody waits for long."""
        self.require_own(patient=False)
        return self.inner.remove_misplaced(one)

    def require_writable(self) -> None:
        """As a store does. That the database is away is told elsewhere.

        Nor need this office have its name yet, which a worker gives it: files that may be another's are told.
        """
        with suppress(StoreUnavailable):
            if not self.require_not_foreign() and not self._may_be_ours():
                raise _foreign(_UNSAID)
        self.inner.require_writable()

    def lock_days(self) -> int:
        """As a store does."""
        return self.inner.lock_days()

    def remove_leftovers(self, *, before: datetime) -> int:
        """As a store does."""
        self.require_not_foreign()
        return self.inner.remove_leftovers(before=before)

    def owner(self, *, patient: bool = True) -> str:
        """As a store does."""
        return self.inner.owner(patient=patient)

    def claim(self, office: str, *, anew: bool = False) -> str:
        """As a store does."""
        return self.inner.claim(office, anew=anew)


def _require_same(said: str, own: str) -> None:
    if said != own:
        raise _foreign(f"they are those of the office {said[:40]!a}, and the database {_told(own)}")


def _told(own: str) -> str:
    return f"is of the office {own}" if own else "of no office yet"


def _foreign(why: str) -> BlobsForeign:
    return BlobsForeign(
        f"The stored files are not this office's: {why}. Nothing was stored or removed.",
        hint=f"See that the folder blobs is mounted, and it, or PARAAF_BLOBS, and {VARIABLE} are the same"
        " office's. Are they"
        " after all, see “Whose files these are” in docs/how-to/back-up-and-restore.md.",
    )
