"""What may be printed of each month, decided once."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; a worker fills it."""
    op.create_table(
        "monitoring_months",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("norms", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("month", "norms", name=op.f("pk_monitoring_months")),
    )
