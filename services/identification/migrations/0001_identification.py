"""The register, the policy book, the cases and the work queue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "identification_0001"
down_revision = None
branch_labels = ("identification",)
depends_on = ("store_0001", "vault_0001")


def upgrade() -> None:
    """Create the read models' tables in ``rm``, the first schema of the search path."""
    _register()
    _policy_book()
    _cases()
    _queue()


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    for table in ("work_item", "household_case", "policy_version", "household_token", "household"):
        op.drop_table(table)


def _register() -> None:
    op.create_table(
        "household",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("residence", sa.Text, nullable=False),
        sa.Column("hukou_place", sa.Text),
        sa.Column("history", sa.Text, nullable=False),
        sa.Column("relocated", sa.Boolean, nullable=False),
        sa.Column("moved_from", sa.Text),
        sa.Column("members", JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("household_division", "household", ["division", "stream_id"])
    op.create_table(
        "household_token",
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("stream_id", UUID(), nullable=False),
        sa.Column("member_id", UUID(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "token"),
    )
    op.create_index("household_token_once", "household_token", ["token"], unique=True)


def _policy_book() -> None:
    op.create_table(
        "policy_version",
        sa.Column("stream_id", UUID(), nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("effective_from", sa.Date, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "version"),
    )
    op.create_index("policy_version_version", "policy_version", ["version"], unique=True)


def _cases() -> None:
    op.create_table(
        "household_case",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("household_id", UUID(), nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("moved_from", sa.Text),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("identified_on", sa.Date),
        sa.Column("refusal", sa.Text),
        sa.Column("departed", sa.Boolean, nullable=False),
        sa.Column("tracked", sa.Boolean, nullable=False),
        sa.Column("green_channel", sa.Boolean, nullable=False),
        sa.Column("leads", ARRAY(UUID()), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("household_case_household", "household_case", ["household_id"])
    op.create_index("household_case_division", "household_case", ["division"])
    op.create_index(
        "household_case_one_active",
        "household_case",
        ["household_id"],
        unique=True,
        postgresql_where=sa.text("status in ('OPEN', 'IDENTIFIED')"),
    )


def _queue() -> None:
    op.create_table(
        "work_item",
        sa.Column("stream_id", UUID(), nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("household_id", UUID(), nullable=False),
        sa.Column("division", sa.Text, nullable=False),
        sa.Column("county", sa.Text, nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("ready_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("clock", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "step", "level"),
    )
    op.create_index(
        "work_item_queue",
        "work_item",
        ["county", "level", "priority", "due_on", "stream_id", "step"],
    )
