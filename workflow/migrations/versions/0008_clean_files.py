"""How the database's files stood when something was destroyed; indexes of columns that name stored files."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAMING = (
    ("documents", "rendered_sha256"),
    ("signatures", "source_sha256"),
    ("signatures", "signed_sha256"),
)


def upgrade() -> None:
    """Make them."""
    op.add_column("retention", sa.Column("unclean_seq", sa.BigInteger(), nullable=True))
    op.add_column("retention", sa.Column("unclean_mark", sa.JSON(), nullable=True))
    for table, column in NAMING:
        op.create_index(f"ix_{table}_{column}", table, [column])
