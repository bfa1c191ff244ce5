"""Who may approve, what departments did together, what was late; what the detectors look at."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "identification_0004"
down_revision = "identification_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; what was recorded before appears when the read models are rebuilt."""
    op.create_table(
        "delegation",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("revoked_on", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("delegation_holder", "delegation", ["division", "holder"])
    op.create_table(
        "coordination",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("held_on", sa.Date, nullable=False),
        sa.Column("data", JSONB, nullable=False),
    )
    op.create_index("coordination_division", "coordination", ["division", "stream_id"])
    _lapses()
    for column in _columns():
        op.add_column("household_case", column)


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    for name in ("lapse", "coordination", "delegation"):
        op.drop_table(name)
    for column in _columns():
        op.drop_column("household_case", column.name)


def _columns() -> list[sa.Column[Any]]:
    """Without a default: cases recorded before have none until the read models are rebuilt."""
    return [
        sa.Column("can_work", sa.Boolean),
        sa.Column("begun", ARRAY(sa.Text)),
        sa.Column("development", sa.Integer),
        sa.Column("elimination_mode", sa.Text),
        sa.Column("elimination_income", sa.BigInteger),
    ]


def _lapses() -> None:
    op.create_table(
        "lapse",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("told_to", ARRAY(sa.Text), nullable=False),
        sa.Column("lapses", JSONB, nullable=False),
    )
    op.create_index("lapse_division", "lapse", ["division", "stream_id"])
    op.create_index("lapse_told_to", "lapse", ["told_to"], postgresql_using="gin")
