"""The tables. Long on purpose: one class a table, in the order in which a request meets them.

Times are aware and UTC. Rows of `events`, `bodies`, `log_head` and `anchors` are guarded by triggers
(migrations 0001 and 0004).
"""

from datetime import UTC, date, datetime
from typing import Any, ClassVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    column,
    func,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# SQLite counts up only an INTEGER primary key by itself.
BigInt = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite keeps no offset: there it is stored as UTC, and given back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; SQLite gets UTC without its offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without offset")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002  SQLAlchemy's signature
    ) -> datetime | None:
        """Give the offset back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; constraints have names, so that a migration can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: UtcTime(),
        bytes: LargeBinary(),
        dict[str, Any]: JSON(),
    }

    @classmethod
    def table(cls) -> Table:
        """The Core table, for statements over many rows."""
        return cast(Table, cls.__table__)


def named_in(table: str, column: str) -> Index:
    """An index by which it is found whom a column names, where it names anybody."""
    named = text(f"{column} IS NOT NULL")
    return Index(f"ix_{table}_{column}", column, sqlite_where=named, postgresql_where=named)


def open_in_order(*columns: str) -> Index:
    """An index in which the open tasks of a role are in an order, with what is asked of them beside it: a
    queue is read from it alone, and of what it leaves out no row is looked up."""
    beside = ("unit", "definition_sha256", "state", "claimed_by", "suspended_at", "named", "closed_at")
    keys = ("request_id", "offered_at", "due_at", "near_at")
    order = dict.fromkeys(("role", *columns, "id", *beside, *keys))
    still_open = text("closed_at IS NULL")
    name = f"ix_tasks_open_{columns[0]}"
    return Index(name, *order, sqlite_where=still_open, postgresql_where=still_open)


class Person(Base):
    """Somebody who may act or be acted for."""

    __tablename__ = "people"
    __table_args__ = (
        Index("ix_people_name", "name"),
        Index("ix_people_id", "id", postgresql_ops={"id": "text_pattern_ops"}),
        Index(
            "ix_people_lower_name",
            func.lower(column("name")).label("lower_name"),
            postgresql_ops={"lower_name": "text_pattern_ops"},
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    unit: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    email: Mapped[str | None]
    left_at: Mapped[datetime | None]
    """When a register first left them out; None while they work here."""


class Grant(Base):
    """A role that a person has, in one unit or (unit null) in all."""

    __tablename__ = "grants"
    __table_args__ = (
        # null is not equal to null: two indexes make one grant once
        Index(
            "uq_grants_unit",
            "person_id",
            "role",
            "unit",
            unique=True,
            sqlite_where=text("unit IS NOT NULL"),
            postgresql_where=text("unit IS NOT NULL"),
        ),
        Index(
            "uq_grants_all",
            "person_id",
            "role",
            unique=True,
            sqlite_where=text("unit IS NULL"),
            postgresql_where=text("unit IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    role: Mapped[str]
    unit: Mapped[str | None]
    source: Mapped[str] = mapped_column(default="register")
    """Who says so: the HR register, the groups with which somebody has signed in elsewhere, or (`office`) an
    administrator."""


class Substitute(Base):
    """Who may act for whom, in one role or (role null) in all, first and last day included."""

    __tablename__ = "substitutes"
    __table_args__ = (
        CheckConstraint("principal_id <> substitute_id", name="differ"),
        CheckConstraint("valid_from <= valid_until", name="dates"),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    principal_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    substitute_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    role: Mapped[str | None]
    valid_from: Mapped[date]
    valid_until: Mapped[date]


class DefinitionSource(Base):
    """The text of every definition that a request was ever started with."""

    __tablename__ = "definitions"

    sha256_hex: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    variant: Mapped[str]
    version: Mapped[int]
    source: Mapped[str]


class Request(Base):
    """One case. `version` rises with every event of it but those of its keeping; `step_seq` is the event that
    entered `state`. With `destroyed_at`, what was personal in it is gone (workflow.destruction)."""

    __tablename__ = "requests"
    __table_args__ = (
        Index(
            "uq_requests_reference",
            "key",
            "requester_id",
            "reference",
            unique=True,
            sqlite_where=text("reference IS NOT NULL"),
            postgresql_where=text("reference IS NOT NULL"),
        ),
        Index("ix_requests_key_state", "key", "state"),
        Index(
            "ix_requests_kept",
            "definition_sha256",
            "closed_at",
            sqlite_where=text("destroyed_at IS NULL"),
            postgresql_where=text("destroyed_at IS NULL"),
        ),
        Index("ix_requests_unit", "unit", "id"),
        Index("ix_requests_requester_id", "requester_id", "id"),
        Index("ix_requests_reference", "reference", postgresql_ops={"reference": "text_pattern_ops"}),
        # what waits where is found without what has ended
        Index(
            "ix_requests_open",
            "key",
            "variant",
            "state",
            "step_seq",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        # of an office's life, what is open is little: who looks for it reads no more than that
        *(
            Index(
                f"ix_requests_open_{name}",
                name,
                sqlite_where=text("closed_at IS NULL"),
                postgresql_where=text("closed_at IS NULL"),
                postgresql_ops={name: "text_pattern_ops"},
            )
            for name in ("requester_id", "reference")
        ),
    )

    # given out under the lock of log_head: numbers without gaps, known before the row is written
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    key: Mapped[str]
    variant: Mapped[str]
    definition_sha256: Mapped[str] = mapped_column(ForeignKey("definitions.sha256_hex"))
    state: Mapped[str]
    version: Mapped[int]
    step_seq: Mapped[int] = mapped_column(BigInt)
    requester_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    unit: Mapped[str]
    language: Mapped[str]
    reference: Mapped[str | None]
    data: Mapped[dict[str, Any]]
    data_sha256: Mapped[str]
    suspended_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    destroyed_at: Mapped[datetime | None]


class Task(Base):
    """A state's work for a person. `…_for` is the principal of a substitute; `done_by` moved it on.

    While it is open it says what its request does, so that a queue reads one table: `unit`,
    `definition_sha256`, `suspended_at`, and `named`, whom the document names for it. `due_at` and `near_at`
    follow from the state's `due` (see `due`). Closed, it says nothing of these.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        Index(
            "uq_tasks_open",
            "request_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_tasks_request_id_state", "request_id", "state"),
        Index("ix_tasks_role_closed_at", "role", "closed_at"),
        *(open_in_order(name) for name in ("due_at", "offered_at", "request_id")),
        open_in_order("unit", "due_at"),
        Index(
            "ix_tasks_held",
            "claimed_by",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        *(named_in("tasks", name) for name in ("claimed_by", "claimed_for", "done_by", "done_for")),
        CheckConstraint("(claimed_by IS NULL) = (claimed_at IS NULL)", name="claim"),
        CheckConstraint("done_by IS NULL OR closed_at IS NOT NULL", name="done"),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    """The sequence of the event that offered it."""
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"))
    state: Mapped[str]
    role: Mapped[str]
    offered_at: Mapped[datetime]
    unit: Mapped[str | None]
    definition_sha256: Mapped[str | None]
    named: Mapped[str | None]
    suspended_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    near_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    claimed_for: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    claimed_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    suspended_us: Mapped[int] = mapped_column(BigInteger(), default=0)
    closed_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    done_for: Mapped[str | None] = mapped_column(ForeignKey("people.id"))


class Reminder(Base):
    """A reminder or escalation that was told: which `after` of the task's state (from 0), once each."""

    __tablename__ = "reminders"

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_seq: Mapped[int] = mapped_column(ForeignKey("events.seq"))
    told_at: Mapped[datetime]


class Hand(Base):
    """Four eyes: a person has a hand in one of the two states of a rule, and so never in the other.

    `rule` names the two states in alphabetical order ("manager|review"); the key lets a person in once, and
    `state` says in which of the two.
    """

    __tablename__ = "hands"

    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    state: Mapped[str]


class Draft(Base):
    """What a person has typed in a state and not yet sent."""

    __tablename__ = "drafts"

    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    data: Mapped[dict[str, Any]]
    remark: Mapped[str | None]
    saved_at: Mapped[datetime]


class CommandKey(Base):
    """An actor's idempotency key with the digest of its command and the first answer."""

    __tablename__ = "commands"

    actor: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), index=True)
    body_sha256: Mapped[str]
    answer: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]


class Event(Base):
    """A fact: `record` is RFC 8785 JSON, `hash` its SHA-256, `prev_hash` that of the event before.

    The other columns repeat what the record says, as it says it: `recorded_at` is its text in UTC.
    """

    __tablename__ = "events"

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"), index=True)
    type: Mapped[str]
    recorded_at: Mapped[str]
    record: Mapped[str]
    prev_hash: Mapped[str]
    hash: Mapped[str]


class Body(Base):
    """An event's personal part (canonical JSON) and its salt. Erased: both null, `erased_at` set."""

    __tablename__ = "bodies"
    __table_args__ = (
        CheckConstraint("(body IS NULL) = (erased_at IS NOT NULL)", name="erased"),
        CheckConstraint("(body IS NULL) = (salt IS NULL)", name="salt"),
    )

    seq: Mapped[int] = mapped_column(ForeignKey("events.seq"), primary_key=True, autoincrement=False)
    salt: Mapped[bytes | None]
    body: Mapped[str | None]
    erased_at: Mapped[datetime | None]


class LogHead(Base):
    """The last event's sequence and hash: one row, which only advances. Its lock is the log's write lock."""

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInt)
    hash: Mapped[str]


class AnchorRow(Base):
    """A head of the log, sealed or timestamped; `proof` is the signature or token over `statement` (DER)."""

    __tablename__ = "anchors"
    __table_args__ = (CheckConstraint("kind IN ('timestamp', 'seal')", name="kind"),)

    sha256_hex: Mapped[str] = mapped_column(primary_key=True)
    """Digest of the proof."""
    seq: Mapped[int] = mapped_column(ForeignKey("events.seq"), index=True)
    hash: Mapped[str]
    kind: Mapped[str]
    made_at: Mapped[datetime]
    statement: Mapped[str]
    proof: Mapped[bytes]


class DocumentRow(Base):
    """One revision of a document of a request. Digests are SHA-256 in hex, and names of blobs."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("request_id", "name", "revision_no"),)

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"))
    name: Mapped[str]
    kind: Mapped[str]
    revision_no: Mapped[int]
    number: Mapped[str] = mapped_column(index=True)
    verification_code: Mapped[str] = mapped_column(unique=True)
    language: Mapped[str]
    issued_on: Mapped[date]
    valid_until: Mapped[date | None]
    data_sha256: Mapped[str]
    rendered_sha256: Mapped[str] = mapped_column(index=True)
    current_sha256: Mapped[str] = mapped_column(index=True)
    level_reached: Mapped[str | None]
    created_seq: Mapped[int] = mapped_column(ForeignKey("events.seq"))


class SignatureRow(Base):
    """A signature in the making or made: everything that the key is used on is here before it is used.

    `prepared` holds what the signing room needs beside the columns; `value` is the raw signature value;
    `authorised` says how a person had a provider make it. `counted_on`: the day among whose signatures it was
    counted, of a key with a limit.
    """

    __tablename__ = "signatures"
    __table_args__ = (UniqueConstraint("document_id", "field"),)

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    field: Mapped[str]
    profile: Mapped[str]
    level_asked: Mapped[str]
    signer_kind: Mapped[str]
    signer_id: Mapped[str]
    certificate_sha256: Mapped[str]
    source_sha256: Mapped[str] = mapped_column(index=True)
    revision: Mapped[bytes]
    byte_range: Mapped[list[int]] = mapped_column(JSON)
    signed_attributes: Mapped[bytes]
    digest_algorithm: Mapped[str]
    prepared: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(default=0)
    value: Mapped[bytes | None]
    authorised: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    counted_on: Mapped[date | None]
    signed_sha256: Mapped[str | None] = mapped_column(index=True)
    level_reached: Mapped[str | None]
    event_seq: Mapped[int | None] = mapped_column(ForeignKey("events.seq"))


class KeyDay(Base):
    """How many signatures a key has made on a day: see `key_limits`."""

    __tablename__ = "key_days"

    key_sha256: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int]


class RenewalRow(Base):
    """A new archive timestamp over a document's file: from which file to which, and until when it proves.

    One for each file that was renewed: nobody renews the same twice.
    """

    __tablename__ = "renewals"
    __table_args__ = (UniqueConstraint("document_id", "source_sha256"),)

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    source_sha256: Mapped[str] = mapped_column(index=True)
    sha256: Mapped[str] = mapped_column(index=True)
    stamped_at: Mapped[datetime]
    holds_until: Mapped[datetime]
    event_seq: Mapped[int] = mapped_column(ForeignKey("events.seq"))


class ArchiveRow(Base):
    """What was seen in a document's file: until when its newest archive timestamp holds.

    Nothing but a note, which is made anew for any other file: so that not all files are read each day.
    """

    __tablename__ = "archives"

    document_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("documents.id"), primary_key=True, autoincrement=False
    )
    sha256: Mapped[str]
    stamped_at: Mapped[datetime]
    holds_until: Mapped[datetime] = mapped_column(index=True)


class ScanRow(Base):
    """The copy of a document that was signed on paper, under the organisation's seal; one a document.

    It is no electronic signature of anybody: the document's own row says that none was made.
    """

    __tablename__ = "scans"
    __table_args__ = (UniqueConstraint("document_id"),)

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    sha256: Mapped[str] = mapped_column(index=True)
    pages: Mapped[int]
    event_seq: Mapped[int] = mapped_column(ForeignKey("events.seq"))


class Delivery(Base):
    """A document handed over, once per channel."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("document_id", "channel"),)

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    sha256: Mapped[str]
    channel: Mapped[str]
    delivered_at: Mapped[datetime]


class Incident(Base):
    """A step that used up its retries and waits for a person; one unresolved per request."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_incidents_open",
            "request_id",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        named_in("incidents", "resolved_by"),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"))
    state: Mapped[str]
    step_seq: Mapped[int] = mapped_column(BigInt)
    step: Mapped[str]
    code: Mapped[str]
    message: Mapped[str]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))


class Hold(Base):
    """A request that must not be destroyed, until somebody releases it; a request may have several."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name="released"),
        Index(
            "ix_holds_open",
            "request_id",
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
        named_in("holds", "released_by"),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    """The sequence of the event that placed it."""
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"))
    reason: Mapped[str]
    placed_by: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    placed_at: Mapped[datetime]
    released_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    released_at: Mapped[datetime | None]


class BlobRemoval(Base):
    """A blob of destroyed requests that is still to be removed; the row goes once the blob is gone."""

    __tablename__ = "blob_removals"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    listed_at: Mapped[datetime]


class RetentionRow(Base):
    """What retention knows from its last look: one row.

    `waits_until`: the clock had gone forward by days, and nothing is done before then that can't be undone;
    `steady_at`: the last look before that. `restored_until`: the office was restored, and nothing is
    destroyed before then. `unclean_since`: from then on rows were destroyed, and the database's files may
    still hold what they said; the last time with the event `unclean_seq`, when the files stood as
    `unclean_mark` says (Store.mark). `believed_seq`: the last event when a person said that the clock is
    right, whatever the times of the events up to it.
    """

    __tablename__ = "retention"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    looked_at: Mapped[datetime]
    waits_until: Mapped[datetime | None]
    unclean_since: Mapped[datetime | None]
    unclean_seq: Mapped[int | None] = mapped_column(BigInteger())
    unclean_mark: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    believed_seq: Mapped[int | None] = mapped_column(BigInteger())
    steady_at: Mapped[datetime | None]
    restored_until: Mapped[datetime | None]


class OfficeRow(Base):
    """Which office this is, since when: one row, see `identity`. `root_sha256` is its root certificate's."""

    __tablename__ = "office"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    root_sha256: Mapped[str]
    since: Mapped[datetime]


class ProfileCheck(Base):
    """What came of looking whether a signing profile can sign: see `preflight`.

    `code` is that of the trouble, "" for none; `message` names nobody. `settings_sha256` is over what was
    said of the profile. `ends_at`: when the certificate ends that signs.
    """

    __tablename__ = "profile_checks"

    profile: Mapped[str] = mapped_column(primary_key=True)
    settings_sha256: Mapped[str]
    checked_at: Mapped[datetime]
    code: Mapped[str]
    message: Mapped[str]
    may_pass: Mapped[bool]
    ends_at: Mapped[datetime | None]


class RateLimit(Base):
    """How often a provider was asked of late, by all workers: see `rate_limits`.

    `given` are the permits of the last period, `places` those who wait: [when, whose]; in microseconds since
    1970.
    """

    __tablename__ = "rate_limits"

    provider: Mapped[str] = mapped_column(primary_key=True)
    given: Mapped[list[int]] = mapped_column(JSON)
    places: Mapped[list[Any]] = mapped_column(JSON)


class AuthorityHealth(Base):
    """How a timestamp authority did, as all workers saw it: see `authority_health`.

    `failures` are those in a row; until `cool_until` it is left alone. `code` and `message` are the last
    trouble's, and name nobody.
    """

    __tablename__ = "authority_health"

    authority: Mapped[str] = mapped_column(primary_key=True)
    answered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failures: Mapped[int]
    cool_until: Mapped[datetime | None]
    code: Mapped[str]
    message: Mapped[str]


class PasswordRow(Base):
    """A person's password, as Argon2id in PHC's form. `own`: they chose it themselves; one that somebody gave
    them is good for choosing their own, and for nothing else. See `passwords`."""

    __tablename__ = "passwords"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    phc: Mapped[str]
    own: Mapped[bool]
    set_at: Mapped[datetime]


class Attempts(Base):
    """How often somebody tried in vain to show who they are, as all processes saw it: see `throttle`.

    `whose` is a person's number, or what of theirs is counted apart; what is nobody's is kept under one
    of few made-up ones.
    """

    __tablename__ = "attempts"

    whose: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    blocked_until: Mapped[datetime]


class ProofRow(Base):
    """That somebody showed a moment ago who they are, for one version of one request: see `proofs`.

    The row goes when it is used. Of what the person holds, only the digest is here.
    """

    __tablename__ = "proofs"

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    version: Mapped[int]
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    method: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """A token by which a program uses the API in a person's name: see `tokens`. Of the token itself only the
    digest is here; `scopes` with spaces between them."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    token_sha256: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str]
    scopes: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    last_used_on: Mapped[date | None]
    revoked_at: Mapped[datetime | None]


class SessionRow(Base):
    """Somebody who has signed in, and how; of what their browser holds, only the digest: see `sessions`."""

    __tablename__ = "sessions"

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    method: Mapped[str]
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    browser: Mapped[str] = mapped_column(default="")
    """In few words, for its owner's list."""
    id_token: Mapped[str] = mapped_column(default="")
    """With which who signed in elsewhere signs out there."""
    replaces: Mapped[str | None]
    """The digest of the token in whose place this one was given, until it is used for the first time."""


class SecretRow(Base):
    """A secret of this office, made at random when it was first needed: see `office_secrets`."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[bytes]


class Device(Base):
    """That a browser has signed somebody in before; of what it holds, only the digest: see `devices`."""

    __tablename__ = "devices"

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    seen_at: Mapped[datetime]


class CodeSecret(Base):
    """What a person's codes are made from, enciphered; codes up to `last_step` count no more: see `codes`."""

    __tablename__ = "code_secrets"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    secret: Mapped[bytes]
    last_step: Mapped[int] = mapped_column(BigInt)
    set_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code with which somebody signs in once who has lost what makes their codes, as Argon2id."""

    __tablename__ = "recovery_codes"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    phc: Mapped[str]


class PasskeyRow(Base):
    """A key of somebody's device, with which they sign in: see `passkeys`.

    `handle` is what their devices know them by.
    """

    __tablename__ = "passkeys"

    credential_id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    handle: Mapped[str]
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInt)
    name: Mapped[str]
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class CeremonyRow(Base):
    """A sign-in, or a change of how one signs in, that has begun and is answered once: see `ceremonies`."""

    __tablename__ = "ceremonies"

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    bound_sha256: Mapped[str]
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    data: Mapped[dict[str, Any]]
    made_at: Mapped[datetime] = mapped_column(index=True)


class Opening(Base):
    """That somebody opened a document, as the file of this digest: asked for where a profile says so."""

    __tablename__ = "openings"

    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), index=True)
    opened_at: Mapped[datetime]


class SigningRunRow(Base):
    """A go through a signing folder: `question` is what its person is asked, `events` how many there were,
    `turn` the last that changed its stage. The process that is at it says so anew before `held_until`."""

    __tablename__ = "signing_runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    stage: Mapped[str]
    gone: Mapped[int]
    question: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    events: Mapped[int]
    turn: Mapped[int]
    turned_at: Mapped[datetime] = mapped_column(index=True)
    held_until: Mapped[datetime | None]


class SigningRunItem(Base):
    """A document of such a go, in the state and version in which it was chosen: what came of it, told in
    `event`; `story` is why not."""

    __tablename__ = "signing_run_items"

    run_id: Mapped[str] = mapped_column(ForeignKey("signing_runs.id"), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), primary_key=True, index=True)
    place: Mapped[int]
    version: Mapped[int]
    state: Mapped[str]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    field: Mapped[str]
    told: Mapped[str]
    came: Mapped[str]
    story: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    repeated: Mapped[bool]
    event: Mapped[int]


class BulkResult(Base):
    """What came of one request of many with which somebody did the same: see `bulk_results`. A number may be
    that of no request: somebody asked for it."""

    __tablename__ = "bulk_results"

    name: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(BigInt, primary_key=True, index=True, autoincrement=False)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    place: Mapped[int]
    trigger: Mapped[str]
    state: Mapped[str]
    code: Mapped[str]
    story: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    done_at: Mapped[datetime] = mapped_column(index=True)


class KeptForm(Base):
    """What a form held that was answered with a question or a look; of a request, if it is about one: see
    `kept_forms`."""

    __tablename__ = "kept_forms"

    name: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    about: Mapped[str]
    request_id: Mapped[int | None] = mapped_column(BigInt, index=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    kept_at: Mapped[datetime] = mapped_column(index=True)


class WebhookRow(Base):
    """An address that is told of events, from after `after_seq` on; its secret is made from `salt`."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    url: Mapped[str]
    types: Mapped[list[str]] = mapped_column(JSON)
    salt: Mapped[bytes]
    after_seq: Mapped[int] = mapped_column(BigInt)
    added_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class WebhookMessage(Base):
    """An event that a webhook is told of: tried until it was taken, or `next_at` is null."""

    __tablename__ = "webhook_messages"
    __table_args__ = (
        Index(
            "ix_webhook_messages_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )

    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id"), primary_key=True, autoincrement=False)
    event_seq: Mapped[int] = mapped_column(ForeignKey("events.seq"), primary_key=True, autoincrement=False)
    tries: Mapped[int]
    next_at: Mapped[datetime | None]
    status: Mapped[int | None]
    code: Mapped[str]
    taken_at: Mapped[datetime | None]


class SavedFilterRow(Base):
    """A person's filter of their queue, under a name of their choice: see `saved_filters`."""

    __tablename__ = "saved_filters"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    query: Mapped[str]


class Beginning(Base):
    """What somebody has filled in of a request that they have not sent yet: see `beginnings`."""

    __tablename__ = "beginnings"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    variant: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str]
    data: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime] = mapped_column(index=True)


class MailChoice(Base):
    """How often a person wants mail, and in which language: see `mail_choices`."""

    __tablename__ = "mail_choices"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    own: Mapped[str]
    work: Mapped[str]
    language: Mapped[str]
    reports: Mapped[str]


class MailRow(Base):
    """Mail to a person, about one request, one monthly report, or (null) what waits for them or how they
    sign in: tried until it was sent, or `next_at` is null."""

    __tablename__ = "mails"
    __table_args__ = (
        Index(
            "ix_mails_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"), index=True)
    report_id: Mapped[int | None] = mapped_column(BigInt)
    kind: Mapped[str]
    made_at: Mapped[datetime]
    tries: Mapped[int]
    next_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    code: Mapped[str]


class MailState(Base):
    """Up to which event mail was made, and the last day on which people were told what waits: one row."""

    __tablename__ = "mail_state"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    after_seq: Mapped[int] = mapped_column(BigInt)
    told_on: Mapped[date | None]


class TimingCase(Base):
    """What a request took so far, read from its events (throughput.kept); nothing of it is said here alone.

    Times of people by the wall clock, and `…_working_us` of them in the office's hours: null where its
    calendar does not tell. What a task that is open has spent is not in them.
    """

    __tablename__ = "timing_cases"
    __table_args__ = (
        Index("ix_timing_cases_key_variant_opened_at", "key", "variant", "opened_at"),
        Index("ix_timing_cases_opened_at", "opened_at"),
        Index("ix_timing_cases_ended_at", "ended_at"),
        Index(
            "ix_timing_cases_open",
            "key",
            "unit",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), primary_key=True, autoincrement=False)
    key: Mapped[str]
    variant: Mapped[str]
    definition_sha256: Mapped[str]
    unit: Mapped[str | None]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    requested_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    returns: Mapped[int]
    contacts: Mapped[int]
    signatures: Mapped[int]
    by_program: Mapped[bool]
    providers: Mapped[str]
    queue_us: Mapped[int] = mapped_column(BigInteger)
    desk_us: Mapped[int] = mapped_column(BigInteger)
    touch_us: Mapped[int] = mapped_column(BigInteger)
    suspended_us: Mapped[int] = mapped_column(BigInteger)
    queue_working_us: Mapped[int | None] = mapped_column(BigInteger)
    desk_working_us: Mapped[int | None] = mapped_column(BigInteger)
    touch_working_us: Mapped[int | None] = mapped_column(BigInteger)
    suspended_working_us: Mapped[int | None] = mapped_column(BigInteger)
    system_us: Mapped[int] = mapped_column(BigInteger)
    provider_us: Mapped[int] = mapped_column(BigInteger)


class TimingTask(Base):
    """What a person's task took so far, by kind of wait; `kind` is what it is in `since` its last event."""

    __tablename__ = "timing_tasks"
    __table_args__ = (
        Index("ix_timing_tasks_request_id", "request_id"),
        Index("ix_timing_tasks_ended_at", "ended_at"),
    )

    number: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"))
    state: Mapped[str]
    offered_at: Mapped[datetime]
    since: Mapped[datetime]
    kind: Mapped[str]
    suspended: Mapped[bool]
    ended_at: Mapped[datetime | None]
    channel: Mapped[str]
    trigger: Mapped[str | None]
    returned: Mapped[bool]
    queue_us: Mapped[int] = mapped_column(BigInteger)
    desk_us: Mapped[int] = mapped_column(BigInteger)
    touch_us: Mapped[int] = mapped_column(BigInteger)
    suspended_us: Mapped[int] = mapped_column(BigInteger)
    queue_working_us: Mapped[int | None] = mapped_column(BigInteger)
    desk_working_us: Mapped[int | None] = mapped_column(BigInteger)
    touch_working_us: Mapped[int | None] = mapped_column(BigInteger)
    suspended_working_us: Mapped[int | None] = mapped_column(BigInteger)


class TimingStep(Base):
    """How often a step of the machine, or a wait for a provider, took how long: counts by day and by length.

    `bucket` is the length's: its bounds rise by 2 % (throughput.lengths.bucket).
    """

    __tablename__ = "timing_steps"

    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    variant: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger)
    sum_us: Mapped[int] = mapped_column(BigInteger)


class TimingGroup(Base):
    """Requests whose times are summed together: of one process, variant, unit and definition."""

    __tablename__ = "timing_groups"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str]
    variant: Mapped[str]
    unit: Mapped[str | None]
    definition_sha256: Mapped[str]


class MonitoringMonth(Base):
    """What may be printed of a month that is over, by some norms: hidden counts are not in it
    (throughput.monitor_kept).
    """

    __tablename__ = "monitoring_months"

    month: Mapped[str] = mapped_column(primary_key=True)
    norms: Mapped[str] = mapped_column(primary_key=True)
    told: Mapped[str]


class MonitoringReport(Base):
    """A monthly report that is due, or made: sealed, its file with it (throughput.monitor_reports).

    `unit` "" is all units together. Until it is made `pdf` is null, `next_at` says when it is tried (again),
    and `code` why the last try failed. `tries` counts those that were begun.
    """

    __tablename__ = "monitoring_reports"
    __table_args__ = (
        UniqueConstraint("month", "unit", "language"),
        CheckConstraint(
            "(pdf IS NULL) = (made_at IS NULL) AND (pdf IS NULL) = (sha256 IS NULL)"
            " AND (pdf IS NULL) = (level IS NULL) AND (pdf IS NULL) = (sealed_by IS NULL)",
            name="made",
        ),
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    month: Mapped[str]
    unit: Mapped[str]
    language: Mapped[str]
    norms: Mapped[str]
    profile: Mapped[str]
    tries: Mapped[int]
    next_at: Mapped[datetime]
    code: Mapped[str]
    made_at: Mapped[datetime | None]
    level: Mapped[str | None]
    sealed_by: Mapped[str | None]
    sha256: Mapped[str | None]
    pdf: Mapped[bytes | None]


class TimingSum(Base):
    """How often something took how long, or happened, in a group: by day or by month (throughput.kept_days).

    `day` is a month's first, or a week's Monday, for figures by month or by week; `bucket` is a length's
    (throughput.lengths.bucket), or what the figure says.
    """

    __tablename__ = "timing_sums"

    figure: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(
        ForeignKey("timing_groups.id"), primary_key=True, autoincrement=False
    )
    state: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger)
    sum_us: Mapped[int] = mapped_column(BigInteger)


class TimingState(Base):
    """Up to which event times were read, and by which rules: one row."""

    __tablename__ = "timing_state"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    after_seq: Mapped[int] = mapped_column(BigInt)
    rules: Mapped[int]
