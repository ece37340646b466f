"""How many signatures one key may make a day, counted by all workers together: one row a key and day.

A limit is a safeguard: whoever gets hold of an office can't have it sign without end, and a mistake stops. So
a key that has made its number waits for the next day, and no other takes over meanwhile. Counted is each
signature that is prepared for the key, in the transaction that keeps the intent: before the key is used, and
once a day, however often it is used on the same intent after crashes; on another day it is counted anew. A
signature that was counted and never made leaves the day one fewer, never one more: but for what a worker had
in hand that was stopped just before midnight, and went on after it. The seal on a copy of a scan has no
intent: it is counted each time that it is about to be made.

The key is known by the SHA-256 of its public key: by another name, or with a renewed certificate, it is the
same. The day is that of the process's office; it is the worker's clock that tells it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from workflow.errors import WorkflowError
from workflow.store import Store
from workflow.tables import KeyDay

WARN_FROM = 0.8
"""The part of a day's number from which `paraaf check` warns."""

LONGEST_WAIT_S = 3600.0

_table = KeyDay.table()


class KeyLimitReached(WorkflowError):
    """A key has made as many signatures today as it may; `after_s` says when to ask again.

    Nothing has failed: a step that waits goes on then. What a person had in hand they do again.
    """

    code = "workflow-key-limit"
    impersonal = True

    def __init__(self, limit: "DailyLimit", *, after_s: float, by_hand: bool = False) -> None:
        goes_on = "Do it again tomorrow" if by_hand else "It goes on by itself tomorrow"
        super().__init__(
            f"The signer {limit.name!r} has made the {limit.a_day} signatures that it may make a day.",
            hint=f"{goes_on}; or raise a_day in signing.toml, and restart the workers.",
        )
        self.after_s = after_s


@dataclass(frozen=True)
class DailyLimit:
    """How many signatures a key may make a day: the signer's name, the number, the key's SHA-256."""

    name: str
    a_day: int
    key_sha256: str


def key_sha256(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate's public key (its SubjectPublicKeyInfo), in hexadecimal digits."""
    digest = Hash(SHA256())
    digest.update(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def make_row(store: Store, limit: DailyLimit, day: date) -> None:
    """Have the row there in which a key's signatures of a day are counted; a transaction of its own."""
    store.have_row(_table, {"key_sha256": limit.key_sha256, "day": day, "used": 0})


def take(session: Session, limit: DailyLimit, day: date, wanted: int) -> int:
    """Count up to `wanted` signatures of a key in the row that there is: how many it may make.

    Others wait until this transaction ends.
    """
    connection, here = session.connection(), _of(limit, day)
    used = int(connection.execute(select(_table.c.used).where(*here).with_for_update()).scalar_one())
    given = max(0, min(wanted, limit.a_day - used))
    if given:
        connection.execute(update(_table).where(*here).values(used=used + given))
    return given


def take_one(store: Store, limit: DailyLimit, now: datetime, zone: str, *, by_hand: bool = False) -> None:
    """Count one signature of a key that is about to be made; transactions of their own.

    Raises KeyLimitReached.
    """
    day = now.astimezone(ZoneInfo(zone)).date()
    make_row(store, limit, day)
    with store.write() as session:
        if not take(session, limit, day, 1):
            raise KeyLimitReached(limit, after_s=come_back_after_s(now, zone), by_hand=by_hand)


def _of(limit: DailyLimit, day: date) -> tuple[ColumnElement[bool], ...]:
    return _table.c.key_sha256 == limit.key_sha256, _table.c.day == day


def used(session: Session, keys: Iterable[str], day: date) -> dict[str, int]:
    """How many signatures keys have made on a day, by their SHA-256; none is not in it."""
    query = select(_table.c.key_sha256, _table.c.used).where(
        _table.c.key_sha256.in_(list(keys)), _table.c.day == day
    )
    return {row.key_sha256: row.used for row in session.connection().execute(query)}


def come_back_after_s(now: datetime, zone: str) -> float:
    """Seconds until the next day begins in a time zone; an hour at most: somebody may raise the limit."""
    there = now.astimezone(ZoneInfo(zone))
    begins = datetime.combine(there.date() + timedelta(days=1), time(), there.tzinfo)
    return min(LONGEST_WAIT_S, max(1.0, begins.timestamp() - now.timestamp()))
