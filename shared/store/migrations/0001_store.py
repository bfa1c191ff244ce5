"""The event store: sealed events, idempotency, deadlines, the demo's clock; and the three roles."""

from alembic import context

from shared.store.script import script

revision = "store_0001"
down_revision = None
branch_labels = ("store",)
depends_on = None

EVENT = """
create schema es;
create schema rm;
create sequence es.event_pos cache 1;
create table es.event (
    stream_id uuid not null,
    version integer not null check (version > 0),
    pos bigint not null default nextval('es.event_pos'),
    tx xid8 not null default pg_current_xact_id(),
    event_id uuid not null,
    category text not null,
    type text not null,
    schema_version smallint not null,
    key uuid not null,
    region text not null,
    occurred_on date not null,
    recorded_at timestamptz not null,
    data jsonb not null,
    meta jsonb not null,
    primary key (stream_id, version)
);
create unique index event_pos_key on es.event (pos);
create index event_tx_pos on es.event (tx, pos);
create index event_key_pos on es.event (key, pos);

create function es.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'es.event is append-only: % refused', tg_op
        using errcode = 'insufficient_privilege';
end $$;
create trigger event_is_append_only before update or delete or truncate on es.event
    for each statement execute function es.refuse_change();
-- Also in a session that asks for triggers to be left out (session_replication_role = replica).
alter table es.event enable always trigger event_is_append_only;
"""
REST = """
create table es.idempotency (
    principal text not null,
    route text not null,
    key text not null,
    fingerprint bytea not null,
    receipt json not null,
    created_at timestamptz not null,
    primary key (principal, route, key)
);
create index idempotency_created_at on es.idempotency using brin (created_at);
create table es.deadline (
    stream_id uuid not null,
    kind text not null,
    category text not null,
    key uuid not null,
    region text not null,
    due_on date not null,
    next_on date,
    data jsonb not null,
    primary key (stream_id, kind)
);
create index deadline_next_on on es.deadline (next_on) where next_on is not null;
create index deadline_due_on on es.deadline (due_on);

create table es.demo_clock (
    one boolean primary key default true check (one),
    shift interval not null
);
insert into es.demo_clock (shift) values (interval '0');
"""
# The writer is the service: it may add events and never change one; their position and transaction
# are the server's to set, so that no writer can slip one in behind the relay. The reader may look.
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
grant usage on schema es, rm to {writer}, {reader};
grant usage on sequence es.event_pos to {writer};
grant select on es.event to {writer};
grant insert (stream_id, version, event_id, category, type, schema_version, key, region,
              occurred_on, recorded_at, data, meta) on es.event to {writer};
grant select, insert, update, delete on es.idempotency, es.deadline to {writer};
grant select, update on es.demo_clock to {writer};
grant select on all tables in schema es to {reader};
alter default privileges in schema rm grant select, insert, update, delete on tables to {writer};
alter default privileges in schema rm grant select on tables to {reader};
"""


def upgrade() -> None:
    """Create everything; the roles are shared by the cluster and may exist already."""
    roles = context.config.attributes["roles"]
    script(EVENT)
    script(REST)
    script(GRANTS.format(**roles))


def downgrade() -> None:
    """Events are never dropped."""
    raise RuntimeError("the event store has no way back")
