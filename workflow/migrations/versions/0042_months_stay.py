"""Months are counted anew, and what is told of one stays as it is.

A month keeps the small counts of all months before it, by what these say is still to be kept. A month that
was changed would tell by subtraction what it hid.
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forget what was counted, which a worker counts again from the first month on, and make the guards."""
    op.execute("DELETE FROM monitoring_months")
    server = op.get_bind().dialect.name == "postgresql"
    for guard in POSTGRESQL_GUARDS if server else SQLITE_GUARDS:
        op.execute(guard)


# A BEFORE INSERT guard also stops INSERT OR REPLACE: migration 0001 says why.
SQLITE_GUARDS = (
    """CREATE TRIGGER monitoring_months_once BEFORE INSERT ON monitoring_months
    WHEN EXISTS (SELECT 1 FROM monitoring_months
      WHERE (month = NEW.month AND norms = NEW.norms) OR rowid = NEW.rowid)
    BEGIN SELECT RAISE(ABORT, 'months that were told are never replaced'); END""",
    """CREATE TRIGGER monitoring_months_no_update BEFORE UPDATE ON monitoring_months
    BEGIN SELECT RAISE(ABORT, 'months that were told are never changed'); END""",
    """CREATE TRIGGER monitoring_months_no_delete BEFORE DELETE ON monitoring_months
    BEGIN SELECT RAISE(ABORT, 'months that were told are never deleted'); END""",
)

POSTGRESQL_GUARDS = (
    "CREATE TRIGGER monitoring_months_no_update BEFORE UPDATE OR DELETE ON monitoring_months FOR EACH ROW "
    "EXECUTE FUNCTION paraaf_refuse('months that were told are never changed or deleted')",
    "CREATE TRIGGER monitoring_months_no_truncate BEFORE TRUNCATE ON monitoring_months FOR EACH STATEMENT "
    "EXECUTE FUNCTION paraaf_refuse('months that were told are never deleted')",
)
