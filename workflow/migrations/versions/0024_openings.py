"""Who opened which document, as it was then: where a profile asks for that before anybody signs."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "openings",
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_openings_document_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_openings_person_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_openings_request_id")),
        sa.PrimaryKeyConstraint("document_id", "sha256", "person_id", name=op.f("pk_openings")),
    )
    op.create_index(op.f("ix_openings_person_id"), "openings", ["person_id"])
    op.create_index(op.f("ix_openings_request_id"), "openings", ["request_id"])
