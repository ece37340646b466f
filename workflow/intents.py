"""What is kept of a signature while it is made: a row per document and field, `signatures`.

The row is written before the key is used, with the bytes to append to the document and the attributes to
sign: the intent. The first value over those attributes that is committed is the only one, for good. A row
without a value may be replaced when somebody else signs after all: its key was perhaps used, but nothing of
that was kept, and nothing left this process.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import JSON, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from signing.errors import PreparedMismatchError
from signing.prepared import Prepared
from signing.profile import Profile
from workflow.tables import SignatureRow

Place = tuple[int, str]
"""A document's id and the name of a signature field."""


@dataclass(frozen=True)
class Intent:
    """A signature that is prepared, and with a `value` signed: the row's content, as far as it is needed.

    `attempts` counts how often the key was, or may have been, used on it. `authorised` is how a person had a
    provider use it, where one did: "provider", "way", "repeated"; in microseconds by part, "us" of our
    machine, and "provider_us", this signature's share of the waits for the provider. `counted_on`: see
    `key_limits`.
    """

    place: Place
    profile: str
    signer_kind: str
    signer_id: str
    certificate_sha256: str
    prepared: Prepared
    attempts: int = 0
    value: bytes | None = None
    authorised: Mapping[str, Any] | None = None
    counted_on: date | None = None

    def same_wish(self, other: "Intent") -> bool:
        """Whether both are for the same signer and key, on the same document, at the same level."""
        return self.wish == other.wish

    def same_bytes(self, other: "Intent") -> bool:
        """Whether the same is signed: a value over one is a value over the other."""
        return (self.place, self.prepared.signed_attributes) == (
            other.place,
            other.prepared.signed_attributes,
        )

    def fits(self, *, profile: Profile, signer_id: str, certificate_sha256: str, source_sha256: str) -> bool:
        """Whether it is what would be prepared now, but for the time that it claims."""
        return self.wish == (profile.name, signer_id, certificate_sha256, source_sha256, profile.level)

    @property
    def wish(self) -> tuple[object, ...]:
        """Profile, signer, certificate, document and level."""
        prepared = self.prepared
        return (
            self.profile,
            self.signer_id,
            self.certificate_sha256,
            prepared.source_sha256,
            prepared.level,
        )


Kept = Intent | PreparedMismatchError
"""What a row holds; the error, when it has a value and can't be read."""


def recall(session: Session, places: Collection[Place], *, to_change: bool = False) -> dict[Place, Kept]:
    """Read what is kept for these places. A row without a value that can't be read counts as none.

    `to_change` locks the rows until the transaction ends, on a database that locks rows.
    """
    query = select(*_READ).where(_PLACE.in_(list(places))).order_by(*_PLACE_COLUMNS)
    rows = session.connection().execute(query.with_for_update() if to_change else query)
    found: dict[Place, Kept] = {}
    for row in rows:
        try:
            found[row.document_id, row.field] = _intent(row)
        except PreparedMismatchError as error:
            if row.value is not None:
                found[row.document_id, row.field] = error
    return found


def keep(session: Session, wanted: Sequence[Intent], *, uses: int = 1) -> list[Kept]:
    """Commit to intents, before their key is used: what holds from now on for each, in their order.

    `uses`: how often the key is used next; 0 where that is still to be asked for.

    What is there for the same wish stays, and so does whatever has a value; anything else is replaced. The
    caller holds the requests' rows (`still_current`): nobody else keeps an intent for them meanwhile.
    """
    there = recall(session, [intent.place for intent in wanted], to_change=True)
    held: list[Kept] = []
    fresh: list[Intent] = []
    again: list[dict[str, Any]] = []
    for intent in wanted:
        kept = there.get(intent.place)
        if kept is None or (isinstance(kept, Intent) and kept.value is None and not kept.same_wish(intent)):
            kept = replace(intent, attempts=uses)
            fresh.append(kept)
        elif isinstance(kept, Intent) and kept.value is None:
            kept = replace(kept, attempts=kept.attempts + uses)
            again.append({"b_document": kept.place[0], "b_field": kept.place[1]})
        held.append(kept)
    connection = session.connection()
    if again and uses:
        connection.execute(_USE_AGAIN, again)
    if fresh:
        places = [intent.place for intent in fresh]
        connection.execute(delete(_table).where(_PLACE.in_(places), _table.c.value.is_(None)))
        connection.execute(insert(_table), [_columns(intent) for intent in fresh])
    return held


def count_on(session: Session, counted: Mapping[Place, date]) -> None:
    """Note the day among whose signatures of their key these are counted, which hold no value."""
    rows = [
        {"b_document": place[0], "b_field": place[1], "b_day": counted[place]} for place in sorted(counted)
    ]
    if rows:
        session.connection().execute(_COUNT_ON, rows)


def use_again(session: Session, places: Collection[Place]) -> None:
    """Note that the key is about to be used on these, which hold no value."""
    rows = [{"b_document": document, "b_field": field} for document, field in sorted(places)]
    if rows:
        session.connection().execute(_USE_AGAIN, rows)


def keep_values(session: Session, signed: Sequence[Intent]) -> list[Intent | None]:
    """Commit to signature values: what holds from now on for each, in their order.

    Another worker's value over the same attributes wins if it came first. None: the row is another by now, so
    this value is nobody's.
    """
    rows = [
        {
            "b_document": intent.place[0],
            "b_field": intent.place[1],
            "b_attributes": intent.prepared.signed_attributes,
            "b_value": intent.value,
            "b_authorised": None if intent.authorised is None else dict(intent.authorised),
        }
        for intent in sorted(signed, key=lambda intent: intent.place)  # in one order: two workers never cross
    ]
    if session.connection().execute(_SIGN, rows).rowcount == len(rows):
        return list(signed)
    there = recall(session, [intent.place for intent in signed])
    return [_value_of(intent, there.get(intent.place)) for intent in signed]


def close(session: Session, signed: Sequence[Mapping[str, Any]]) -> None:
    """Note what became of signatures: b_document, b_field, b_sha256 of the file, b_level, b_seq."""
    if signed:
        session.connection().execute(_CLOSE, list(signed))


def _value_of(intent: Intent, kept: Kept | None) -> Intent | None:
    if not isinstance(kept, Intent) or kept.value is None:
        return None
    return kept if kept.prepared.signed_attributes == intent.prepared.signed_attributes else None


def _intent(row: Row[Any]) -> Intent:
    prepared = Prepared.from_columns(
        {
            "source_sha256": row.source_sha256,
            "field": row.field,
            "level": row.level_asked,
            "revision": row.revision,
            "byte_range": json.dumps(row.byte_range),
            "signed_attributes": row.signed_attributes,
            "digest_algorithm": row.digest_algorithm,
            "rest": json.dumps(row.prepared),
        }
    )
    return Intent(
        place=(row.document_id, row.field),
        profile=row.profile,
        signer_kind=row.signer_kind,
        signer_id=row.signer_id,
        certificate_sha256=row.certificate_sha256,
        prepared=prepared,
        attempts=row.attempts,
        value=row.value,
        authorised=row.authorised,
        counted_on=row.counted_on,
    )


def _columns(intent: Intent) -> dict[str, Any]:
    columns = intent.prepared.to_columns()
    return {
        "document_id": intent.place[0],
        "field": intent.place[1],
        "profile": intent.profile,
        "level_asked": columns["level"],
        "signer_kind": intent.signer_kind,
        "signer_id": intent.signer_id,
        "certificate_sha256": intent.certificate_sha256,
        "source_sha256": columns["source_sha256"],
        "revision": columns["revision"],
        "byte_range": json.loads(columns["byte_range"]),
        "signed_attributes": columns["signed_attributes"],
        "digest_algorithm": columns["digest_algorithm"],
        "prepared": json.loads(columns["rest"]),
        "attempts": intent.attempts,
    }


_table = SignatureRow.table()
_PLACE_COLUMNS = (_table.c.document_id, _table.c.field)
_PLACE = tuple_(*_PLACE_COLUMNS)
_READ = [
    _table.c[name]
    for name in (
        "document_id",
        "field",
        "profile",
        "level_asked",
        "signer_kind",
        "signer_id",
        "certificate_sha256",
        "source_sha256",
        "revision",
        "byte_range",
        "signed_attributes",
        "digest_algorithm",
        "prepared",
        "attempts",
        "value",
        "authorised",
        "counted_on",
    )
]
_HERE = (_table.c.document_id == bindparam("b_document"), _table.c.field == bindparam("b_field"))
_USE_AGAIN = update(_table).where(*_HERE).values(attempts=_table.c.attempts + 1)
_COUNT_ON = update(_table).where(*_HERE, _table.c.value.is_(None)).values(counted_on=bindparam("b_day"))
_SIGN = (
    update(_table)
    # the attributes, and not who signs: a row that was replaced meanwhile must not get this value
    .where(*_HERE, _table.c.signed_attributes == bindparam("b_attributes"), _table.c.value.is_(None))
    .values(value=bindparam("b_value"), authorised=bindparam("b_authorised", type_=JSON(none_as_null=True)))
)
_CLOSE = (
    update(_table)
    .where(*_HERE)
    .values(
        signed_sha256=bindparam("b_sha256"), level_reached=bindparam("b_level"), event_seq=bindparam("b_seq")
    )
)
