"""One's own requests by their numbers: the newest are found without reading all that somebody ever asked."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

OPEN = "ix_requests_open_requester_id"


def upgrade() -> None:
    """Have the index of requesters know the order of their requests."""
    op.drop_index("ix_requests_requester_id", "requests")
    op.create_index("ix_requests_requester_id", "requests", ["requester_id", "id"])
    if op.get_bind().dialect.name == "sqlite":  # of two that serve, it takes the one that was made last
        op.drop_index(OPEN, "requests")
        op.create_index(OPEN, "requests", ["requester_id"], sqlite_where=sa.text("closed_at IS NULL"))
