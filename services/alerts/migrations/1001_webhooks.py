"""Webhooks: where a hotline hears how its orders go on, and what waits to be delivered there."""

from alembic import context

from shared.store.script import script

revision = "webhooks_0001"
down_revision = None
branch_labels = ("webhooks",)
depends_on = ("alerts_0001",)

TABLES = """
create table rm.webhook (
    stream_id uuid primary key,
    version integer not null,
    owner text not null,
    division text collate "C" not null,
    host text not null,
    removed boolean not null
);
create index webhook_division on rm.webhook (division);
create schema hooks;
create table hooks.delivery (
    id uuid primary key,
    webhook_id uuid not null,
    event_id uuid not null,
    stream_id uuid not null,
    version integer not null,
    type text not null,
    body text not null,
    status text not null,
    tries integer not null,
    queued_at timestamptz not null,
    first_tried_at timestamptz,
    next_at timestamptz,
    last_tried_at timestamptz,
    last_status integer,
    last_error text not null
);
create unique index delivery_event on hooks.delivery (webhook_id, event_id);
create index delivery_due on hooks.delivery (webhook_id, next_at) where status = 'WAITING';
create index delivery_order on hooks.delivery (webhook_id, stream_id, version)
 where status = 'WAITING';
create index delivery_status on hooks.delivery (status, queued_at, id);
grant usage on schema hooks to {writer}, {reader};
grant select, insert, update, delete on hooks.delivery to {writer};
grant select on hooks.delivery to {reader};
"""


def upgrade() -> None:
    """Create them and give the writer what it needs."""
    script(TABLES.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """The way back is a restored backup: what waits to be delivered stands nowhere else."""
    raise RuntimeError("the webhooks have no way back")
