"""What somebody means to say with a draft is kept with it."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("drafts", sa.Column("remark", sa.Text(), nullable=True))
