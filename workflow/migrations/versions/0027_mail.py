"""Addresses of people, how often they want mail, and the mail that was made."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the column and the tables."""
    op.add_column("people", sa.Column("email", sa.Text(), nullable=True))
    op.create_table(
        "mail_choices",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("own", sa.Text(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_mail_choices_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_mail_choices")),
    )
    op.create_table(
        "mails",
        sa.Column("id", BIG, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("request_id", BIG, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_mails_person_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_mails_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index(op.f("ix_mails_person_id"), "mails", ["person_id"])
    op.create_index(op.f("ix_mails_request_id"), "mails", ["request_id"])
    op.create_index(
        "ix_mails_next_at",
        "mails",
        ["next_at"],
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "mail_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("after_seq", BIG, nullable=False),
        sa.Column("told_on", sa.Date(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_mail_state_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_state")),
    )
