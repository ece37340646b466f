"""When somebody left: they are kept for a while, in case a register left them out by mistake."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the time of those who have left already runs from now."""
    op.add_column("people", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))
    people = sa.table(
        "people",
        sa.column("active", sa.Boolean()),
        sa.column("left_at", sa.DateTime(timezone=True)),
    )
    op.execute(people.update().where(people.c.active.is_(False)).values(left_at=datetime.now(UTC)))
