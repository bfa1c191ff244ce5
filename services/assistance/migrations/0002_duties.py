"""What figures and duties are counted from: clocks as columns, withdrawn plans, ledger reviews."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "assistance_0002"
down_revision = "assistance_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; rebuilding the read models fills what was recorded before."""
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "delegation",
        sa.Column("stream_id", UUID(), primary_key=True),
        sa.Column("county", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
    )
    op.create_index("delegation_holder", "delegation", ["holder", "county"])


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    op.drop_table("delegation")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)


def _columns() -> dict[str, tuple["sa.Column[object]", ...]]:
    def truth(name: str) -> "sa.Column[object]":
        return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())

    return {
        "plan": (
            truth("withdrawn"),
            truth("incomplete"),
            sa.Column("first_due_on", sa.Date),
            sa.Column("plan_due_on", sa.Date),
            sa.Column("help_due_on", sa.Date),
            sa.Column("refresh_due_on", sa.Date),
        ),
        "measure": (sa.Column("start_due_on", sa.Date),),
        "no_labour": (sa.Column("due_on", sa.Date),),
        "ledger": (
            sa.Column("since", sa.Date),
            sa.Column("reviewed_on", sa.Date),
            truth("mass_relapse_risk"),
            sa.Column("due_on", sa.Date),
        ),
    }
