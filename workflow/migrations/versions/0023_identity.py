"""What people sign in with beside passwords, and what keeps strangers from locking them out."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables; sessions that there are were opened by a browser that nobody noted."""
    op.add_column("sessions", sa.Column("browser", sa.Text(), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("id_token", sa.Text(), nullable=False, server_default=""))
    op.add_column("grants", sa.Column("source", sa.Text(), nullable=False, server_default="register"))
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.create_table(
        "devices",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_devices_person_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_person_id"), "devices", ["person_id"])
    _codes()
    _passkeys()
    _ceremonies()


def _codes() -> None:
    op.create_table(
        "code_secrets",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_code_secrets_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_code_secrets")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("phc", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_recovery_codes_person_id")),
        sa.PrimaryKeyConstraint("person_id", "place", name=op.f("pk_recovery_codes")),
    )


def _passkeys() -> None:
    op.create_table(
        "passkeys",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_passkeys_person_id")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_passkeys")),
    )
    op.create_index(op.f("ix_passkeys_person_id"), "passkeys", ["person_id"])


def _ceremonies() -> None:
    op.create_table(
        "ceremonies",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("bound_sha256", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_ceremonies_person_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_ceremonies")),
    )
    op.create_index(op.f("ix_ceremonies_person_id"), "ceremonies", ["person_id"])
    op.create_index(op.f("ix_ceremonies_made_at"), "ceremonies", ["made_at"])
