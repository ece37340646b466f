"""Months are counted anew: what each hides keeps what those before it hid, too."""

from alembic import op

revision = "0040"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forget what was counted: a worker counts it again, from the first month on."""
    op.execute("DELETE FROM monitoring_months")
