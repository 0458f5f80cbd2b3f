"""Choices of patients, the lines of their phones, and codes that verify them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and the columns."""
    op.add_column(
        "sms_practice",
        sa.Column("lookup", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("sms_phone", sa.Column("line_type", sa.String(16)))
    op.add_column("sms_phone", sa.Column("line_type_at", AT))
    op.add_column("sms_phone", sa.Column("kinds_off", sa.String(160)))
    op.add_column("sms_phone", sa.Column("language", sa.String(8)))
    op.add_column("sms_consent", sa.Column("scope", sa.String(24)))
    op.create_index(
        "ix_sms_consent_practice_id_patient_ref",
        "sms_consent",
        ["practice_id", "patient_ref"],
    )
    op.add_column("sms_task", sa.Column("deed", sa.String(16)))
    op.create_table(
        "sms_patient_choice",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("patient_ref", sa.String(64), nullable=False),
        sa.Column("kinds_off", sa.String(160), nullable=False),
        sa.Column("language", sa.String(8), nullable=True),
        sa.Column("changed_at", AT, nullable=False),
        sa.UniqueConstraint("practice_id", "patient_ref"),
    )
    op.create_table(
        "sms_code",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("phone_id", ID, sa.ForeignKey("sms_phone.id"), nullable=False),
        sa.Column("patient_ref", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("message_id", ID, sa.ForeignKey("sms_message.id"), nullable=True),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
    )
    for column in ("phone_id", "practice_id"):
        op.create_index(
            f"ix_sms_code_{column}_created_at", "sms_code", [column, "created_at"]
        )
    op.create_table(
        "sms_import",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("good", "known", "bad", "consents")
        ),
        sa.Column("attested", sa.Boolean(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(120), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("finished_at", AT, nullable=True),
    )
    op.create_index(
        "ix_sms_import_practice_id_created_at",
        "sms_import",
        ["practice_id", "created_at"],
    )


def downgrade() -> None:
    """Take back what upgrade made."""
    op.drop_table("sms_import")
    op.drop_table("sms_code")
    op.drop_table("sms_patient_choice")
    op.drop_column("sms_task", "deed")
    op.drop_index("ix_sms_consent_practice_id_patient_ref", "sms_consent")
    op.drop_column("sms_consent", "scope")
    for column in ("language", "kinds_off", "line_type_at", "line_type"):
        op.drop_column("sms_phone", column)
    op.drop_column("sms_practice", "lookup")
