"""Mail that says that a monthly report is there, for who wants it."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns; nobody has chosen it yet."""
    op.add_column("mail_choices", sa.Column("reports", sa.Text(), nullable=False, server_default="none"))
    op.add_column("mails", sa.Column("report_id", sa.BigInteger(), nullable=True))
