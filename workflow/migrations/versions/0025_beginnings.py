"""What somebody has filled in of a request that they have not sent yet."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "beginnings",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_beginnings_person_id")),
        sa.PrimaryKeyConstraint("person_id", "key", "variant", name=op.f("pk_beginnings")),
    )
    op.create_index(op.f("ix_beginnings_saved_at"), "beginnings", ["saved_at"])
