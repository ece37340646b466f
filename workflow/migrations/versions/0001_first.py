"""The first tables, and the triggers that make the event log append-only.

Long on purpose: one statement a table. It stays as it is; later changes are migrations of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
GENESIS = "0" * 64


def upgrade() -> None:
    """Make everything."""
    _people()
    _requests()
    _work()
    _log()
    _documents()
    _signatures()
    head = sa.table("log_head", sa.column("id"), sa.column("seq"), sa.column("hash"))
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": GENESIS}])
    guards = POSTGRESQL_GUARDS if op.get_bind().dialect.name == "postgresql" else SQLITE_GUARDS
    for guard in guards:
        op.execute(guard.replace("{genesis}", GENESIS))


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "grants",
        sa.Column("id", BIG, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_grants_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(
        "uq_grants_all",
        "grants",
        ["person_id", "role"],
        unique=True,
        sqlite_where=sa.text("unit IS NULL"),
        postgresql_where=sa.text("unit IS NULL"),
    )
    op.create_index(
        "uq_grants_unit",
        "grants",
        ["person_id", "role", "unit"],
        unique=True,
        sqlite_where=sa.text("unit IS NOT NULL"),
        postgresql_where=sa.text("unit IS NOT NULL"),
    )
    op.create_table(
        "substitutes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("substitute_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.CheckConstraint("principal_id <> substitute_id", name=op.f("ck_substitutes_differ")),
        sa.CheckConstraint("valid_from <= valid_until", name=op.f("ck_substitutes_dates")),
        sa.ForeignKeyConstraint(["principal_id"], ["people.id"], name=op.f("fk_substitutes_principal_id")),
        sa.ForeignKeyConstraint(["substitute_id"], ["people.id"], name=op.f("fk_substitutes_substitute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_substitutes")),
    )
    op.create_index(op.f("ix_substitutes_substitute_id"), "substitutes", ["substitute_id"], unique=False)


def _requests() -> None:
    op.create_table(
        "definitions",
        sa.Column("sha256_hex", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256_hex", name=op.f("pk_definitions")),
    )
    op.create_table(
        "requests",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("definition_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("step_seq", BIG, nullable=False),
        sa.Column("requester_id", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("data_sha256", sa.Text(), nullable=False),
        sa.Column("suspended_at", TIME, nullable=True),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["definition_sha256"], ["definitions.sha256_hex"], name=op.f("fk_requests_definition_sha256")
        ),
        sa.ForeignKeyConstraint(["requester_id"], ["people.id"], name=op.f("fk_requests_requester_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_key_state", "requests", ["key", "state"], unique=False)
    op.create_index(op.f("ix_requests_requester_id"), "requests", ["requester_id"], unique=False)
    op.create_index(
        "uq_requests_reference",
        "requests",
        ["key", "requester_id", "reference"],
        unique=True,
        sqlite_where=sa.text("reference IS NOT NULL"),
        postgresql_where=sa.text("reference IS NOT NULL"),
    )


def _work() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("offered_at", TIME, nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_for", sa.Text(), nullable=True),
        sa.Column("claimed_at", TIME, nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("suspended_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("done_for", sa.Text(), nullable=True),
        sa.CheckConstraint("(claimed_by IS NULL) = (claimed_at IS NULL)", name=op.f("ck_tasks_claim")),
        sa.CheckConstraint("done_by IS NULL OR closed_at IS NOT NULL", name=op.f("ck_tasks_done")),
        sa.ForeignKeyConstraint(["claimed_by"], ["people.id"], name=op.f("fk_tasks_claimed_by")),
        sa.ForeignKeyConstraint(["claimed_for"], ["people.id"], name=op.f("fk_tasks_claimed_for")),
        sa.ForeignKeyConstraint(["done_by"], ["people.id"], name=op.f("fk_tasks_done_by")),
        sa.ForeignKeyConstraint(["done_for"], ["people.id"], name=op.f("fk_tasks_done_for")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_tasks_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_request_id_state", "tasks", ["request_id", "state"], unique=False)
    op.create_index("ix_tasks_role_closed_at", "tasks", ["role", "closed_at"], unique=False)
    op.create_index(
        "uq_tasks_open",
        "tasks",
        ["request_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "hands",
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_hands_person_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_hands_request_id")),
        sa.PrimaryKeyConstraint("request_id", "rule", "person_id", name=op.f("pk_hands")),
    )
    op.create_table(
        "drafts",
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("saved_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_drafts_person_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_drafts_request_id")),
        sa.PrimaryKeyConstraint("request_id", "state", "person_id", name=op.f("pk_drafts")),
    )
    op.create_table(
        "commands",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_commands_request_id")),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_commands")),
    )
    op.create_index(op.f("ix_commands_request_id"), "commands", ["request_id"], unique=False)


def _log() -> None:
    op.create_table(
        "events",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("request_id", BIG, nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_events_request_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_request_id"), "events", ["request_id"], unique=False)
    op.create_table(
        "bodies",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("erased_at", TIME, nullable=True),
        sa.CheckConstraint("(body IS NULL) = (erased_at IS NOT NULL)", name=op.f("ck_bodies_erased")),
        sa.CheckConstraint("(body IS NULL) = (salt IS NULL)", name=op.f("ck_bodies_salt")),
        sa.ForeignKeyConstraint(["seq"], ["events.seq"], name=op.f("fk_bodies_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_bodies")),
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
    )


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", BIG, nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("revision_no", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("verification_code", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("data_sha256", sa.Text(), nullable=False),
        sa.Column("rendered_sha256", sa.Text(), nullable=False),
        sa.Column("current_sha256", sa.Text(), nullable=False),
        sa.Column("level_reached", sa.Text(), nullable=True),
        sa.Column("created_seq", BIG, nullable=False),
        sa.ForeignKeyConstraint(["created_seq"], ["events.seq"], name=op.f("fk_documents_created_seq")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_documents_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint(
            "request_id", "name", "revision_no", name=op.f("uq_documents_request_id_name_revision_no")
        ),
        sa.UniqueConstraint("verification_code", name=op.f("uq_documents_verification_code")),
    )
    op.create_index(op.f("ix_documents_current_sha256"), "documents", ["current_sha256"], unique=False)
    op.create_index(op.f("ix_documents_number"), "documents", ["number"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("document_id", BIG, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("delivered_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_deliveries_document_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_deliveries_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("document_id", "channel", name=op.f("uq_deliveries_document_id_channel")),
    )
    op.create_index(op.f("ix_deliveries_request_id"), "deliveries", ["request_id"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("id", BIG, nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step_seq", BIG, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("resolved_at", TIME, nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_incidents_request_id")),
        sa.ForeignKeyConstraint(["resolved_by"], ["people.id"], name=op.f("fk_incidents_resolved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(
        "uq_incidents_open",
        "incidents",
        ["request_id"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )


def _signatures() -> None:
    op.create_table(
        "signatures",
        sa.Column("id", BIG, nullable=False),
        sa.Column("document_id", BIG, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("level_asked", sa.Text(), nullable=False),
        sa.Column("signer_kind", sa.Text(), nullable=False),
        sa.Column("signer_id", sa.Text(), nullable=False),
        sa.Column("certificate_sha256", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("revision", sa.LargeBinary(), nullable=False),
        sa.Column("byte_range", sa.JSON(), nullable=False),
        sa.Column("signed_attributes", sa.LargeBinary(), nullable=False),
        sa.Column("digest_algorithm", sa.Text(), nullable=False),
        sa.Column("prepared", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("signed_sha256", sa.Text(), nullable=True),
        sa.Column("level_reached", sa.Text(), nullable=True),
        sa.Column("event_seq", BIG, nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_signatures_document_id")),
        sa.ForeignKeyConstraint(["event_seq"], ["events.seq"], name=op.f("fk_signatures_event_seq")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signatures")),
        sa.UniqueConstraint("document_id", "field", name=op.f("uq_signatures_document_id_field")),
    )


# A BEFORE INSERT guard also stops INSERT OR REPLACE, which deletes the old row without asking the other
# triggers unless recursive_triggers is on.
SQLITE_GUARDS = (
    """CREATE TRIGGER events_append_only BEFORE INSERT ON events
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
      OR NEW.prev_hash IS NOT coalesce((SELECT hash FROM events WHERE seq = NEW.seq - 1), '{genesis}')
    BEGIN SELECT RAISE(ABORT, 'events are appended in order'); END""",
    """CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    """CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END""",
    """CREATE TRIGGER bodies_once BEFORE INSERT ON bodies
    WHEN EXISTS (SELECT 1 FROM bodies WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'bodies are never replaced'); END""",
    """CREATE TRIGGER bodies_only_erased BEFORE UPDATE ON bodies
    WHEN NEW.seq IS NOT OLD.seq OR NEW.body IS NOT NULL OR OLD.body IS NULL
    BEGIN SELECT RAISE(ABORT, 'bodies are never changed, only erased'); END""",
    """CREATE TRIGGER bodies_no_delete BEFORE DELETE ON bodies
    BEGIN SELECT RAISE(ABORT, 'bodies are never deleted, only erased'); END""",
    """CREATE TRIGGER log_head_single BEFORE INSERT ON log_head
    WHEN EXISTS (SELECT 1 FROM log_head)
    BEGIN SELECT RAISE(ABORT, 'the log has one head'); END""",
    """CREATE TRIGGER log_head_advances BEFORE UPDATE ON log_head
    WHEN NEW.id IS NOT OLD.id OR NEW.seq <= OLD.seq
      OR NEW.hash IS NOT (SELECT hash FROM events WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the head of the log only advances'); END""",
    """CREATE TRIGGER log_head_no_delete BEFORE DELETE ON log_head
    BEGIN SELECT RAISE(ABORT, 'the head of the log is never deleted'); END""",
)

POSTGRESQL_GUARDS = (
    "CREATE FUNCTION paraaf_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$",
    """CREATE FUNCTION paraaf_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.seq IS DISTINCT FROM (SELECT coalesce(max(seq), 0) + 1 FROM events)
      OR NEW.prev_hash IS DISTINCT FROM
        coalesce((SELECT hash FROM events WHERE seq = NEW.seq - 1), '{genesis}') THEN
      RAISE EXCEPTION 'events are appended in order' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW; END $$""",
    """CREATE FUNCTION paraaf_head_advances() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.id IS DISTINCT FROM OLD.id OR NEW.seq <= OLD.seq
      OR NEW.hash IS DISTINCT FROM (SELECT hash FROM events WHERE seq = NEW.seq) THEN
      RAISE EXCEPTION 'the head of the log only advances' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW; END $$""",
    "CREATE TRIGGER events_append_only BEFORE INSERT ON events FOR EACH ROW "
    "EXECUTE FUNCTION paraaf_append_only()",
    "CREATE TRIGGER events_no_update BEFORE UPDATE OR DELETE ON events FOR EACH ROW "
    "EXECUTE FUNCTION paraaf_refuse('events are never changed or deleted')",
    "CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT "
    "EXECUTE FUNCTION paraaf_refuse('events are never deleted')",
    "CREATE TRIGGER bodies_only_erased BEFORE UPDATE ON bodies FOR EACH ROW "
    "WHEN (NEW.seq IS DISTINCT FROM OLD.seq OR NEW.body IS NOT NULL OR OLD.body IS NULL) "
    "EXECUTE FUNCTION paraaf_refuse('bodies are never changed, only erased')",
    "CREATE TRIGGER bodies_no_delete BEFORE DELETE ON bodies FOR EACH ROW "
    "EXECUTE FUNCTION paraaf_refuse('bodies are never deleted, only erased')",
    "CREATE TRIGGER bodies_no_truncate BEFORE TRUNCATE ON bodies FOR EACH STATEMENT "
    "EXECUTE FUNCTION paraaf_refuse('bodies are never deleted, only erased')",
    "CREATE TRIGGER log_head_advances BEFORE UPDATE ON log_head FOR EACH ROW "
    "EXECUTE FUNCTION paraaf_head_advances()",
    "CREATE TRIGGER log_head_no_delete BEFORE DELETE ON log_head FOR EACH ROW "
    "EXECUTE FUNCTION paraaf_refuse('the head of the log is never deleted')",
    "CREATE TRIGGER log_head_no_truncate BEFORE TRUNCATE ON log_head FOR EACH STATEMENT "
    "EXECUTE FUNCTION paraaf_refuse('the head of the log is never deleted')",
)
