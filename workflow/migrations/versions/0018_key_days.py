"""How many signatures a key has made on a day."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; nothing in it is taken back or forgotten."""
    op.create_table(
        "key_days",
        sa.Column("key_sha256", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key_sha256", "day", name=op.f("pk_key_days")),
    )
    op.add_column("signatures", sa.Column("counted_on", sa.Date(), nullable=True))
