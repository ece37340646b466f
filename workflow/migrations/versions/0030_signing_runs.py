"""Goes through signing folders: what was chosen, what is asked, and what came of each."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "signing_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("question", sa.JSON(), nullable=True),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("turned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_signing_runs_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_runs")),
    )
    op.create_index(op.f("ix_signing_runs_person_id"), "signing_runs", ["person_id"])
    op.create_index(op.f("ix_signing_runs_turned_at"), "signing_runs", ["turned_at"])
    op.create_table(
        "signing_run_items",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("came", sa.Text(), nullable=False),
        sa.Column("story", sa.JSON(), nullable=True),
        sa.Column("repeated", sa.Boolean(), nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["signing_runs.id"], name=op.f("fk_signing_run_items_run_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_signing_run_items_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_signing_run_items_document_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "request_id", name=op.f("pk_signing_run_items")),
    )
    op.create_index(op.f("ix_signing_run_items_request_id"), "signing_run_items", ["request_id"])
    op.create_index(op.f("ix_signing_run_items_document_id"), "signing_run_items", ["document_id"])
