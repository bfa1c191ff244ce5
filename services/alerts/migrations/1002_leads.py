"""Leads show how they came, their evidence, and what of them lies in the vault."""

from alembic import op

revision = "leads_0001"
down_revision = None
branch_labels = ("leads",)
depends_on = ("alerts_0001",)

COLUMNS = """
alter table rm.lead
    add column channel text,
    add column evidence text[] not null default '{}',
    add column agent_id uuid,
    add column text_id uuid,
    add column note_id uuid
"""


def upgrade() -> None:
    """Add them; a rebuild fills them for leads there are."""
    op.execute(COLUMNS)
    op.execute("alter table rm.lead alter column evidence drop default")


def downgrade() -> None:
    """Take them away: they follow from the events."""
    op.execute(
        "alter table rm.lead drop column channel, drop column evidence, drop column agent_id,"
        " drop column text_id, drop column note_id"
    )
