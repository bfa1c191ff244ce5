"""Households that merge, and homes whose address changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "identification_0003"
down_revision = "identification_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; older households have neither until a rebuild."""
    op.add_column("household", sa.Column("home_id", UUID()))
    op.add_column("household", sa.Column("absorbed_into", UUID()))
    op.create_index(
        "household_absorbed_into",
        "household",
        ["absorbed_into"],
        postgresql_where=sa.text("absorbed_into is not null"),
    )


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    op.drop_column("household", "absorbed_into")
    op.drop_column("household", "home_id")
