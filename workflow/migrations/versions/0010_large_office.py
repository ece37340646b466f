"""Indexes of the columns that name people; when a person believed the clock; no anchor is replaced by number.

Whoever has left is removed once nothing names them: that is looked for in each of these columns, and looked
for again by the foreign keys at the removal.

SQLite gives a row of `anchors` a number of its own. REPLACE by that number would delete an anchor without
asking the guard of deleting, unless recursive_triggers is on; the keys of the other guarded tables are the
rows' numbers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAMING = (
    ("drafts", "person_id"),
    ("grants", "person_id"),
    ("hands", "person_id"),
    ("holds", "placed_by"),
    ("substitutes", "principal_id"),
)
MAY_NAME = (
    ("holds", "released_by"),
    ("incidents", "resolved_by"),
    ("tasks", "claimed_by"),
    ("tasks", "claimed_for"),
    ("tasks", "done_by"),
    ("tasks", "done_for"),
)
ANCHORS_FIT = """CREATE TRIGGER anchors_fit BEFORE INSERT ON anchors
    WHEN NEW.hash IS NOT (SELECT hash FROM events WHERE seq = NEW.seq)
      OR EXISTS (SELECT 1 FROM anchors WHERE sha256_hex = NEW.sha256_hex OR rowid = NEW.rowid)
    BEGIN SELECT RAISE(ABORT, 'an anchor names an event of the log, once'); END"""


def upgrade() -> None:
    """Make them."""
    for table, column in NAMING:
        op.create_index(f"ix_{table}_{column}", table, [column])
    for table, column in MAY_NAME:
        named = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_{table}_{column}", table, [column], sqlite_where=named, postgresql_where=named)
    op.add_column("retention", sa.Column("believed_seq", sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER anchors_fit")
        op.execute(ANCHORS_FIT)
