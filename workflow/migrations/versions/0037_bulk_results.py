"""What came of it when somebody did the same with many requests."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "bulk_results",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("story", sa.JSON(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_bulk_results_person_id")),
        sa.PrimaryKeyConstraint("name", "request_id", name=op.f("pk_bulk_results")),
    )
    for column in ("request_id", "person_id", "done_at"):
        op.create_index(op.f(f"ix_bulk_results_{column}"), "bulk_results", [column])
