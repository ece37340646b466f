"""One's own requests by their numbers: the newest are found without reading all that somebody ever asked."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Have the index of requesters know the order of their requests."""
    op.drop_index("ix_requests_requester_id", "requests")
    op.create_index("ix_requests_requester_id", "requests", ["requester_id", "id"])
