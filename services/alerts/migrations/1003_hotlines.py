"""A work order's number is its hotline's own: two hotlines may come to the same one."""

from alembic import op

revision = "leads_0002"
down_revision = "leads_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say whose number it is."""
    op.execute(
        "alter table rm.work_order add column hotline text collate \"C\" not null default ''"
    )
    op.execute("alter table rm.work_order alter column hotline drop default")
    op.execute("drop index rm.work_order_order_no")
    op.execute("create unique index work_order_order_no on rm.work_order (order_no, hotline)")


def downgrade() -> None:
    """There may be two orders of one number by now."""
    raise RuntimeError("the hotlines' numbers have no way back")
