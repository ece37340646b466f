"""No samples of what is personal in tables that came since migration 0008, which says why."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

NOT_SAMPLED = {
    "drafts": {"remark": "text"},
    "bulk_results": {"name": "text", "person_id": "text", "story": "json"},
    "kept_forms": {"name": "text", "person_id": "text", "about": "text", "content": "json"},
}


def upgrade() -> None:
    """Lose what there is of them."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in NOT_SAMPLED.items():
        for column, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")
