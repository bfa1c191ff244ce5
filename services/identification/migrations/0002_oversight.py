"""What the detectors and the funnel look at, and the findings."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "identification_0002"
down_revision = "identification_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    for column in _columns():
        op.add_column("household_case", column)
    op.create_index("household_case_concluded", "household_case", ["concluded_on"])
    op.create_table(
        "finding",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("case_id", UUID()),
        sa.Column("household_id", UUID()),
        sa.Column("raised_on", sa.Date, nullable=False),
        sa.Column("figures", JSONB, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("answered_on", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("finding_division", "finding", ["division", "stream_id"])


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    op.drop_table("finding")
    for column in _columns():
        op.drop_column("household_case", column.name)


def _columns() -> list[sa.Column[Any]]:
    """Without a default: cases recorded before have none until the read models are rebuilt."""
    return [
        sa.Column("county", sa.Text),
        sa.Column("advice_row", sa.SmallInteger),
        sa.Column("risks", ARRAY(sa.Text)),
        sa.Column("labour_capable", sa.Boolean),
        sa.Column("measures", sa.Integer),
        sa.Column("late", sa.Boolean),
        sa.Column("concluded_on", sa.Date),
        sa.Column("eliminated_on", sa.Date),
    ]
