"""How the database's files stood when something was destroyed; indexes of columns that name stored files.

PostgreSQL samples the values of columns (ANALYZE), and keeps the samples of a table that has become empty. So
it samples none of what is personal in tables that may become empty, and loses what it has of them: giving a
column the type that it has does no more than that.
"""

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
NOT_SAMPLED = {
    "hands": ("person_id",),
    "drafts": ("person_id", "data"),
    "commands": ("actor", "key", "body_sha256", "answer"),
    "substitutes": ("principal_id", "substitute_id"),
}
TYPES = {"data": "json", "answer": "json"}


def upgrade() -> None:
    """Make them."""
    op.add_column("retention", sa.Column("unclean_seq", sa.BigInteger(), nullable=True))
    op.add_column("retention", sa.Column("unclean_mark", sa.JSON(), nullable=True))
    for table, column in NAMING:
        op.create_index(f"ix_{table}_{column}", table, [column])
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in NOT_SAMPLED.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {TYPES.get(column, 'text')}")
