"""What requests, tasks and steps took, read from the log as it grows."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; they fill from the log by themselves."""
    op.create_table(
        "timing_cases",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("definition_sha256", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.Column("by_program", sa.Boolean(), nullable=False),
        sa.Column("providers", sa.Text(), nullable=False),
        sa.Column("queue_us", sa.BigInteger(), nullable=False),
        sa.Column("desk_us", sa.BigInteger(), nullable=False),
        sa.Column("touch_us", sa.BigInteger(), nullable=False),
        sa.Column("suspended_us", sa.BigInteger(), nullable=False),
        sa.Column("queue_working_us", sa.BigInteger(), nullable=True),
        sa.Column("desk_working_us", sa.BigInteger(), nullable=True),
        sa.Column("touch_working_us", sa.BigInteger(), nullable=True),
        sa.Column("suspended_working_us", sa.BigInteger(), nullable=True),
        sa.Column("system_us", sa.BigInteger(), nullable=False),
        sa.Column("provider_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_timing_cases_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_timing_cases")),
    )
    op.create_index("ix_timing_cases_key_variant_opened_at", "timing_cases", ["key", "variant", "opened_at"])
    op.create_index("ix_timing_cases_opened_at", "timing_cases", ["opened_at"])
    op.create_index("ix_timing_cases_ended_at", "timing_cases", ["ended_at"])
    op.create_table(
        "timing_tasks",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=True),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.Column("queue_us", sa.BigInteger(), nullable=False),
        sa.Column("desk_us", sa.BigInteger(), nullable=False),
        sa.Column("touch_us", sa.BigInteger(), nullable=False),
        sa.Column("suspended_us", sa.BigInteger(), nullable=False),
        sa.Column("queue_working_us", sa.BigInteger(), nullable=True),
        sa.Column("desk_working_us", sa.BigInteger(), nullable=True),
        sa.Column("touch_working_us", sa.BigInteger(), nullable=True),
        sa.Column("suspended_working_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_timing_tasks_request_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_timing_tasks")),
    )
    op.create_index("ix_timing_tasks_request_id", "timing_tasks", ["request_id"])
    op.create_index("ix_timing_tasks_ended_at", "timing_tasks", ["ended_at"])
    op.create_table(
        "timing_steps",
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("key", "variant", "part", "step")),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("sum_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "key", "variant", "part", "step", "bucket", name=op.f("pk_timing_steps")
        ),
    )
    op.create_table(
        "timing_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_timing_state_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timing_state")),
    )
