"""Forms that are answered with a question or a look; and a sealed monthly report stays as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table and the guards."""
    op.create_table(
        "kept_forms",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("request_id", BIG, nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_kept_forms_person_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_kept_forms")),
    )
    for column in ("person_id", "request_id", "kept_at"):
        op.create_index(op.f(f"ix_kept_forms_{column}"), "kept_forms", [column])
    server = op.get_bind().dialect.name == "postgresql"
    for guard in POSTGRESQL_GUARDS if server else SQLITE_GUARDS:
        op.execute(guard)


# A BEFORE INSERT guard also stops INSERT OR REPLACE: migration 0001 says why.
SQLITE_GUARDS = (
    """CREATE TRIGGER monitoring_reports_once BEFORE INSERT ON monitoring_reports
    WHEN EXISTS (SELECT 1 FROM monitoring_reports WHERE pdf IS NOT NULL
      AND (id = NEW.id OR (month = NEW.month AND unit = NEW.unit AND language = NEW.language)))
    BEGIN SELECT RAISE(ABORT, 'sealed reports are never replaced'); END""",
    """CREATE TRIGGER monitoring_reports_no_update BEFORE UPDATE ON monitoring_reports
    WHEN OLD.pdf IS NOT NULL OR EXISTS (SELECT 1 FROM monitoring_reports WHERE pdf IS NOT NULL
      AND (id = NEW.id OR (month = NEW.month AND unit = NEW.unit AND language = NEW.language)))
    BEGIN SELECT RAISE(ABORT, 'sealed reports are never changed'); END""",
    """CREATE TRIGGER monitoring_reports_no_delete BEFORE DELETE ON monitoring_reports
    WHEN OLD.pdf IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'sealed reports are never deleted'); END""",
)

POSTGRESQL_GUARDS = (
    "CREATE TRIGGER monitoring_reports_no_update BEFORE UPDATE OR DELETE ON monitoring_reports FOR EACH ROW "
    "WHEN (OLD.pdf IS NOT NULL) "
    "EXECUTE FUNCTION paraaf_refuse('sealed reports are never changed or deleted')",
    "CREATE TRIGGER monitoring_reports_no_truncate BEFORE TRUNCATE ON monitoring_reports FOR EACH STATEMENT "
    "EXECUTE FUNCTION paraaf_refuse('sealed reports are never deleted')",
)
