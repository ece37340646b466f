"""In place of which other token a session's token was given, until it is taken up."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column; what is open was given in place of nothing."""
    op.add_column("sessions", sa.Column("replaces", sa.Text(), nullable=True))
