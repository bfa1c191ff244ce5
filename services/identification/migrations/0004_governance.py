"""Who may approve, what departments did together, and what was late or entered late."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

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


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    for name in ("lapse", "coordination", "delegation"):
        op.drop_table(name)


def _lapses() -> None:
    op.create_table(
        "lapse",
        sa.Column("stream_id", UUID(), nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("told_to", sa.Text, nullable=False),
        sa.Column("occurred_on", sa.Date, nullable=False),
        sa.Column("entered_on", sa.Date),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("stream_id", "number"),
    )
    op.create_index("lapse_told_to", "lapse", ["told_to", "stream_id"])
    op.create_index("lapse_division", "lapse", ["division", "stream_id"])
