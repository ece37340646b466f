"""What waits after a restore, apart from what waits when the clock went forward; the look before that."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; a wait of either kind that an earlier release began ends at its time."""
    for name in ("steady_at", "restored_until"):
        op.add_column("retention", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
