"""The embedded twin of Kafka: logs, their heads, the groups, and the one way to append."""

from alembic import context

from shared.store.script import script

revision = "log_0001"
down_revision = None
branch_labels = ("log",)
depends_on = None

TABLES = """
create schema bus;
create table bus.head (
    topic text not null,
    part integer not null,
    next_offset bigint not null default 0,
    primary key (topic, part)
);
create table bus.log (
    topic text not null,
    part integer not null,
    off bigint not null,
    key bytea not null,
    headers jsonb not null,
    value bytea not null,
    written_at timestamptz not null default now(),
    primary key (topic, part, off)
);
create table bus.member (
    group_name text not null,
    member uuid not null,
    topics text[] not null,
    joined_at timestamptz not null default now(),
    primary key (group_name, member)
);
"""
# One round trip for a whole batch of one topic. The heads are locked in one order, so that two
# writers wait for each other and never for ever; the messages keep the order they came in.
APPEND = """
create function bus.append(
    wanted text, parts integer[], keys bytea[], headers text[], contents bytea[]
) returns bigint language plpgsql as $$
declare
    written bigint;
begin
    perform from bus.head h where h.topic = wanted and h.part = any(parts)
        order by h.part for update;
    with numbered as (
        select p, k, a, c, row_number() over (partition by p order by n) - 1 as nth
          from unnest(parts, keys, headers, contents) with ordinality as u(p, k, a, c, n)
    ), added as (
        insert into bus.log (topic, part, off, key, headers, value)
        select wanted, p, h.next_offset + nth, k, a::jsonb, c
          from numbered join bus.head h on h.topic = wanted and h.part = p
        returning part
    ), counted as (
        select part, count(*) as amount from added group by part
    ), moved as (
        update bus.head h set next_offset = h.next_offset + amount
          from counted where h.topic = wanted and h.part = counted.part
        returning amount
    )
    select coalesce(sum(amount), 0) into written from moved;
    if written <> cardinality(parts) then
        raise exception 'topic % lacks one of the partitions %', wanted, parts
            using errcode = 'undefined_object';
    end if;
    perform pg_notify('bus_log', wanted);
    return written;
end $$;
"""
GRANTS = """
do $$
declare wanted text;
begin
    foreach wanted in array array['{writer}', '{reader}'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;  -- another database's migration was first: roles belong to the cluster
            end;
        end if;
    end loop;
end $$;
grant usage on schema bus to {writer}, {reader};
grant select, insert, update on bus.head to {writer};
grant select, insert on bus.log to {writer};
grant select, insert, delete on bus.member to {writer};
grant select on all tables in schema bus to {reader};
"""


def upgrade() -> None:
    """Create everything; the roles are shared by the cluster and may exist already."""
    script(TABLES)
    script(APPEND)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """A log is never dropped."""
    raise RuntimeError("the embedded log has no way back")
