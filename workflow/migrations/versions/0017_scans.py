"""Sealed copies of scans of what was signed on paper."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "scans",
        sa.Column("id", BIG, nullable=False),
        sa.Column("document_id", BIG, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("event_seq", BIG, nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_scans_document_id")),
        sa.ForeignKeyConstraint(["event_seq"], ["events.seq"], name=op.f("fk_scans_event_seq")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scans")),
        sa.UniqueConstraint("document_id", name=op.f("uq_scans_document_id")),
    )
    op.create_index(op.f("ix_scans_sha256"), "scans", ["sha256"])
