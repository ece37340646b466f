"""Anchors: heads of the log that were sealed or timestamped; added, never changed or removed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table and its guards."""
    op.create_table(
        "anchors",
        sa.Column("sha256_hex", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('timestamp', 'seal')", name=op.f("ck_anchors_kind")),
        sa.ForeignKeyConstraint(["seq"], ["events.seq"], name=op.f("fk_anchors_seq")),
        sa.PrimaryKeyConstraint("sha256_hex", name=op.f("pk_anchors")),
    )
    op.create_index(op.f("ix_anchors_seq"), "anchors", ["seq"], unique=False)
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        for guard in SQLITE_GUARDS:
            op.execute(guard)
        return
    for guard in POSTGRESQL_GUARDS:
        op.execute(guard)
    # no temporary table of a session's own stands in for the log: migration 0003
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    connection.exec_driver_sql(
        f"ALTER FUNCTION paraaf_anchor_fits() SET search_path = pg_catalog, {schema}, pg_temp"
    )


# A BEFORE INSERT guard also stops INSERT OR REPLACE: migration 0001 says why.
SQLITE_GUARDS = (
    """CREATE TRIGGER anchors_fit BEFORE INSERT ON anchors
    WHEN NEW.hash IS NOT (SELECT hash FROM events WHERE seq = NEW.seq)
      OR EXISTS (SELECT 1 FROM anchors WHERE sha256_hex = NEW.sha256_hex)
    BEGIN SELECT RAISE(ABORT, 'an anchor names an event of the log, once'); END""",
    """CREATE TRIGGER anchors_no_update BEFORE UPDATE ON anchors
    BEGIN SELECT RAISE(ABORT, 'anchors are never changed'); END""",
    """CREATE TRIGGER anchors_no_delete BEFORE DELETE ON anchors
    BEGIN SELECT RAISE(ABORT, 'anchors are never deleted'); END""",
)

POSTGRESQL_GUARDS = (
    """CREATE FUNCTION paraaf_anchor_fits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.hash IS DISTINCT FROM (SELECT hash FROM events WHERE seq = NEW.seq) THEN
      RAISE EXCEPTION 'an anchor names an event of the log' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW; END $$""",
    "CREATE TRIGGER anchors_fit BEFORE INSERT ON anchors FOR EACH ROW EXECUTE FUNCTION paraaf_anchor_fits()",
    "CREATE TRIGGER anchors_no_update BEFORE UPDATE OR DELETE ON anchors FOR EACH ROW "
    "EXECUTE FUNCTION paraaf_refuse('anchors are never changed or deleted')",
    "CREATE TRIGGER anchors_no_truncate BEFORE TRUNCATE ON anchors FOR EACH STATEMENT "
    "EXECUTE FUNCTION paraaf_refuse('anchors are never deleted')",
)
