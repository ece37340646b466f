"""Renewed archive timestamps, and until when the newest one of a document's file holds."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "renewals",
        sa.Column("id", BIG, nullable=False),
        sa.Column("document_id", BIG, nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("holds_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_seq", BIG, nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_renewals_document_id")),
        sa.ForeignKeyConstraint(["event_seq"], ["events.seq"], name=op.f("fk_renewals_event_seq")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewals")),
        sa.UniqueConstraint(
            "document_id", "source_sha256", name=op.f("uq_renewals_document_id_source_sha256")
        ),
    )
    op.create_index(op.f("ix_renewals_source_sha256"), "renewals", ["source_sha256"])
    op.create_index(op.f("ix_renewals_sha256"), "renewals", ["sha256"])
    op.create_table(
        "archives",
        sa.Column("document_id", BIG, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("holds_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_archives_document_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_archives")),
    )
    op.create_index(op.f("ix_archives_holds_until"), "archives", ["holds_until"])
