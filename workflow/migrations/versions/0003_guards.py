"""Guards: a signature whose value is committed stays as it is; no temporary table stands in for the log.

A row of `signatures` may be changed and deleted until it has a value. From then on two changes are left:
noting once what became of it (the file, the level, the event), and emptying what is personal in it, all at
once and for good. The log's guards of migration 0001 stay; on PostgreSQL they look for `events` in the schema
of their table alone, because a temporary table of that name would come first.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MADE = (
    "id",
    "document_id",
    "field",
    "profile",
    "level_asked",
    "signer_kind",
    "source_sha256",
    "byte_range",
    "digest_algorithm",
    "attempts",
)
PERSONAL = ("signer_id", "certificate_sha256", "revision", "signed_attributes", "prepared", "value")
RESULT = ("signed_sha256", "level_reached", "event_seq")
BYTES = frozenset({"revision", "signed_attributes", "value"})
JSON = frozenset({"byte_range", "prepared"})


def upgrade() -> None:
    """Make the guards."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        for guard in _sqlite():
            op.execute(guard)
        return
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    for guard in _postgresql():
        connection.exec_driver_sql(guard)
    for function in ("append_only", "head_advances", "signature_stays"):
        connection.exec_driver_sql(
            f"ALTER FUNCTION paraaf_{function}() SET search_path = pg_catalog, {schema}, pg_temp"
        )


def _sqlite() -> tuple[str, ...]:
    def same(names: tuple[str, ...]) -> str:
        return " AND ".join(f"NEW.{name} IS OLD.{name}" for name in names)

    def empty(name: str) -> str:
        nothing = "x''" if name in BYTES else "'{}'" if name in JSON else "''"
        return f"NEW.{name} IS {nothing}"

    emptied = " AND ".join(map(empty, PERSONAL))
    # REPLACE deletes rows without asking the guard of deleting, unless recursive_triggers is on
    taken = (
        "EXISTS (SELECT 1 FROM signatures WHERE value IS NOT NULL AND"
        " (id = NEW.id OR (document_id = NEW.document_id AND field = NEW.field)){besides})"
    )
    refuse = "BEGIN SELECT RAISE(ABORT, 'a committed signature is never changed or deleted'); END"
    return (
        "CREATE TRIGGER signatures_once BEFORE INSERT ON signatures"
        f" WHEN {taken.format(besides='')} {refuse}",
        "CREATE TRIGGER signatures_no_replace BEFORE UPDATE ON signatures"
        f" WHEN {taken.format(besides=' AND id <> OLD.id')} {refuse}",
        "CREATE TRIGGER signatures_stay BEFORE UPDATE ON signatures WHEN OLD.value IS NOT NULL"
        f" AND NOT (OLD.event_seq IS NULL AND {same(MADE + PERSONAL)})"
        f" AND NOT ({emptied} AND {same(MADE + RESULT)}) {refuse}",
        "CREATE TRIGGER signatures_no_delete BEFORE DELETE ON signatures"
        f" WHEN OLD.value IS NOT NULL {refuse}",
    )


def _postgresql() -> tuple[str, ...]:
    def cast(name: str) -> str:
        return f"{name}::text" if name in JSON else name  # json has no equality

    def same(names: tuple[str, ...]) -> str:
        return " AND ".join(f"NEW.{cast(name)} IS NOT DISTINCT FROM OLD.{cast(name)}" for name in names)

    def empty(name: str) -> str:
        nothing = "''::bytea" if name in BYTES else "'{}'" if name in JSON else "''"
        return f"NEW.{cast(name)} IS NOT DISTINCT FROM {nothing}"

    emptied = " AND ".join(map(empty, PERSONAL))
    return (
        f"""CREATE FUNCTION paraaf_signature_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF OLD.event_seq IS NULL AND {same(MADE + PERSONAL)} OR {emptied} AND {same(MADE + RESULT)} THEN
          RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a committed signature is never changed or deleted'
          USING ERRCODE = 'restrict_violation'; END $$""",
        "CREATE TRIGGER signatures_stay BEFORE UPDATE ON signatures FOR EACH ROW"
        " WHEN (OLD.value IS NOT NULL) EXECUTE FUNCTION paraaf_signature_stays()",
        "CREATE TRIGGER signatures_no_delete BEFORE DELETE ON signatures FOR EACH ROW"
        " WHEN (OLD.value IS NOT NULL)"
        " EXECUTE FUNCTION paraaf_refuse('a committed signature is never changed or deleted')",
        "CREATE TRIGGER signatures_no_truncate BEFORE TRUNCATE ON signatures FOR EACH STATEMENT"
        " EXECUTE FUNCTION paraaf_refuse('a committed signature is never changed or deleted')",
    )
