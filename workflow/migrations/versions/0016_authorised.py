"""How a person had a provider make a signature."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: empty for what was signed here."""
    op.add_column("signatures", sa.Column("authorised", sa.JSON(none_as_null=True), nullable=True))
