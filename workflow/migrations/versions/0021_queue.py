"""What a queue is chosen and put in order by, beside the open tasks; filters that people keep.

What the tasks that are open say in the new columns is worked out by whoever migrates: workflow.open_tasks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OPEN = sa.text("closed_at IS NULL")
BESIDE = ("unit", "definition_sha256", "state", "claimed_by", "suspended_at", "named", "closed_at")
KEYS = ("request_id", "offered_at", "due_at", "near_at")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "saved_filters",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_saved_filters_person_id")),
        sa.PrimaryKeyConstraint("person_id", "name", name=op.f("pk_saved_filters")),
    )
    for name in ("unit", "definition_sha256", "named"):
        op.add_column("tasks", sa.Column(name, sa.Text(), nullable=True))
    for name in ("suspended_at", "due_at", "near_at"):
        op.add_column("tasks", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.drop_index("ix_tasks_open", "tasks")
    for name in ("due_at", "offered_at", "request_id"):
        columns = list(dict.fromkeys(("role", name, "id", *BESIDE, *KEYS)))
        _index(f"ix_tasks_open_{name}", "tasks", columns)
    _index("ix_tasks_held", "tasks", ["claimed_by"])
    for name in ("requester_id", "reference"):
        _index(f"ix_requests_open_{name}", "requests", [name], {name: "text_pattern_ops"})
    op.create_index("ix_requests_unit", "requests", ["unit", "id"])
    pattern = {"reference": "text_pattern_ops"}
    op.create_index("ix_requests_reference", "requests", ["reference"], postgresql_ops=pattern)
    lower = [sa.text("lower(name)") if not _on_server() else sa.text("lower(name) text_pattern_ops")]
    op.create_index("ix_people_lower_name", "people", lower)
    op.create_index("ix_people_name", "people", ["name"])


def _index(name: str, table: str, columns: list[str], ops: dict[str, str] | None = None) -> None:
    """An index of what is open."""
    op.create_index(name, table, columns, sqlite_where=OPEN, postgresql_where=OPEN, postgresql_ops=ops or {})


def _on_server() -> bool:
    return op.get_bind().dialect.name != "sqlite"
