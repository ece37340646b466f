"""Times by day and by month, so that no page reads every request there ever was."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; they fill from the log, which is read again from its beginning."""
    op.create_table(
        "timing_groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("definition_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timing_groups")),
    )
    op.create_table(
        "timing_sums",
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("sum_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["timing_groups.id"], name=op.f("fk_timing_sums_group_id")),
        sa.PrimaryKeyConstraint("figure", "day", "group_id", "state", "bucket", name=op.f("pk_timing_sums")),
    )
    op.create_index(
        "ix_timing_cases_open",
        "timing_cases",
        ["key", "unit"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.execute("UPDATE timing_state SET rules = 0")
