"""Which reminders were told: a key, so that each is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "reminders",
        sa.Column("task_id", BIG, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("event_seq", BIG, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_reminders_task_id")),
        sa.ForeignKeyConstraint(["event_seq"], ["events.seq"], name=op.f("fk_reminders_event_seq")),
        sa.PrimaryKeyConstraint("task_id", "place", name=op.f("pk_reminders")),
    )
