"""The bus's tables in a service's database: readers, positions, what has been seen, the parked."""

from alembic import context

from shared.store.script import script

revision = "bus_0001"
down_revision = None
branch_labels = ("bus",)
depends_on = "store_0001"

TABLES = """
create table es.reader (
    name text primary key,
    done pg_snapshot not null default '1:1:',
    upto pg_snapshot,
    pos bigint not null default 0,
    sent bigint not null default 0
);
create table es.consumed_partition (
    consumer text not null,
    topic text not null,
    part integer not null,
    next_offset bigint not null,
    received bigint not null default 0,
    primary key (consumer, topic, part)
);
create table es.consumed_stream (
    consumer text not null,
    stream_id uuid not null,
    topic text not null,
    version integer not null,
    primary key (consumer, stream_id)
);
create table es.parked (
    id uuid primary key,
    consumer text not null,
    topic text not null,
    part integer not null,
    off bigint not null,
    key uuid,
    stream_id uuid,
    version integer,
    type text,
    reason text not null,
    detail text not null,
    message jsonb not null,
    parked_at timestamptz not null default now(),
    replayed_at timestamptz
);
create unique index parked_once on es.parked (consumer, stream_id, version)
    where replayed_at is null;
create index parked_open on es.parked (consumer, topic, key) where replayed_at is null;
"""
GRANTS = """
grant select, insert, update, delete
    on es.reader, es.consumed_partition, es.consumed_stream to {writer};
grant select, insert, update on es.parked to {writer};
grant select on es.reader, es.consumed_partition, es.consumed_stream, es.parked to {reader};
"""


def upgrade() -> None:
    """Create the tables. What is parked is never deleted: a finding stays a finding."""
    script(TABLES)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """Without its positions a consumer would begin anew."""
    raise RuntimeError("the bus's tables have no way back")
