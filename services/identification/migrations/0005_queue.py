"""What the queue is filtered by, and the orders it is read in."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "identification_0005"
down_revision = "identification_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and indexes; what is to be done already has neither until a rebuild."""
    for column in _columns():
        op.add_column("work_item", column)
    tail = ["priority", "due_on", "stream_id", "step", "level"]
    op.create_index("work_item_village", "work_item", ["division", *tail])
    op.create_index("work_item_order", "work_item", tail)


def downgrade() -> None:
    """Read models are rebuilt, not rolled back."""
    op.drop_index("work_item_order", "work_item")
    op.drop_index("work_item_village", "work_item")
    for column in _columns():
        op.drop_column("work_item", column.name)


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("source", sa.Text),
        sa.Column("green_channel", sa.Boolean),
        sa.Column("officers", ARRAY(sa.Text)),
    ]
