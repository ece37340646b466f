"""The monthly reports that an office seals and keeps."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; a worker fills it, and counts the months anew: what their stars may be is kept now."""
    op.execute("DELETE FROM monitoring_months")
    op.create_table(
        "monitoring_reports",
        sa.Column("id", BIG, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("month", "unit", "language", "norms", "profile")
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("level", "sealed_by", "sha256")),
        sa.Column("pdf", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(pdf IS NULL) = (made_at IS NULL) AND (pdf IS NULL) = (sha256 IS NULL)"
            " AND (pdf IS NULL) = (level IS NULL) AND (pdf IS NULL) = (sealed_by IS NULL)",
            name=op.f("ck_monitoring_reports_made"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitoring_reports")),
        sa.UniqueConstraint(
            "month", "unit", "language", name=op.f("uq_monitoring_reports_month_unit_language")
        ),
    )
