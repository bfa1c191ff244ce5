"""The files a service keeps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "evidence_0001"
down_revision = None
branch_labels = ("evidence",)
depends_on = ("store_0001", "vault_0001")


def upgrade() -> None:
    """Create the table in ``rm``, the first schema of the search path."""
    op.create_table(
        "evidence",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("owner_id", UUID(), nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("kept_by", sa.Text, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("evidence_owner", "evidence", ["owner_id", "sha256"], unique=True)


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    op.drop_table("evidence")
