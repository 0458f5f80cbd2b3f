"""What practices used, day by day, and the limit of what they spend."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

UNREPORTED = sa.text("reported_at IS NULL")


def upgrade() -> None:
    """Make the table and the columns."""
    op.add_column("sms_practice", sa.Column("spending_limit_micros", sa.BigInteger()))
    op.add_column("sms_practice", sa.Column("limit_exempt", sa.String(120)))
    op.create_table(
        "sms_usage",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("ends_at", AT, nullable=False),
        sa.Column("reported_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.UniqueConstraint("practice_id", "day", "kind"),
    )
    op.create_index(
        "ix_sms_usage_unreported",
        "sms_usage",
        ["id"],
        sqlite_where=UNREPORTED,
        postgresql_where=UNREPORTED,
    )


def downgrade() -> None:
    """Take back what upgrade made."""
    op.drop_table("sms_usage")
    op.drop_column("sms_practice", "limit_exempt")
    op.drop_column("sms_practice", "spending_limit_micros")
