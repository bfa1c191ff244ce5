"""Who works in the villages and towns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "identification_0006"
down_revision = "identification_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "officer",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("officer_division", "officer", ["division"])
    op.create_index("officer_subject", "officer", ["subject", "known_at"])


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    op.drop_table("officer")
