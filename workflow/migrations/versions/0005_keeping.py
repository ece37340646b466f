"""Keeping and destroying: when a request was destroyed, holds, blobs still to be removed, the last look."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make them."""
    op.add_column("requests", sa.Column("destroyed_at", TIME, nullable=True))
    op.create_index(
        "ix_requests_kept",
        "requests",
        ["definition_sha256", "closed_at"],
        sqlite_where=sa.text("destroyed_at IS NULL"),
        postgresql_where=sa.text("destroyed_at IS NULL"),
    )
    op.create_table(
        "holds",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", TIME, nullable=True),
        sa.CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name=op.f("ck_holds_released")),
        sa.ForeignKeyConstraint(["placed_by"], ["people.id"], name=op.f("fk_holds_placed_by")),
        sa.ForeignKeyConstraint(["released_by"], ["people.id"], name=op.f("fk_holds_released_by")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_holds_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(
        "ix_holds_open",
        "holds",
        ["request_id"],
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "blob_removals",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("listed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob_removals")),
    )
    op.create_table(
        "retention",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looked_at", TIME, nullable=False),
        sa.Column("waits_until", TIME, nullable=True),
        sa.Column("unclean_since", TIME, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_retention_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention")),
    )
