"""The log: entries, tiles, heads, checkpoints; what guards them; and what is derived from them."""

from alembic import context

from shared.store.script import script

revision = "audit_0001"
down_revision = None
branch_labels = ("audit",)
depends_on = "store_0001"

LOG = """
create schema audit;
create table audit.log (
    log_id integer generated always as identity primary key,
    origin text not null,
    province text not null,
    year integer not null,
    opened_at timestamptz not null default clock_timestamp(),
    frozen_at timestamptz
);
create unique index log_origin_key on audit.log (origin);
create unique index log_province_year_key on audit.log (province, year);

create table audit.log_head (
    log_id integer primary key references audit.log,
    size bigint not null,
    edge bytea[] not null
) with (fillfactor = 50);

create table audit.entry (
    log_id integer not null,
    idx bigint not null,
    leaf bytea not null check (octet_length(leaf) between 1 and 65535),
    event_id uuid not null,
    service text not null,
    category text not null,
    type text not null,
    stream_id uuid not null,
    version integer not null,
    key uuid not null,
    region text not null,
    recorded_at timestamptz not null,
    actor text not null,
    actor_roles text[] not null,
    correlation_id uuid not null,
    primary key (log_id, idx)
) partition by list (log_id);
create unique index entry_event on audit.entry (event_id, log_id);
create index entry_stream on audit.entry (stream_id, version);
create index entry_key on audit.entry (key, idx);
create index entry_correlation on audit.entry (correlation_id, idx);
create index entry_actor on audit.entry (actor, idx);
create index entry_type on audit.entry (type, idx);
create index entry_region on audit.entry (region text_pattern_ops, idx);
create index entry_recorded_at on audit.entry (recorded_at);

create table audit.tile (
    log_id integer not null references audit.log,
    level smallint not null,
    n bigint not null,
    hashes bytea not null check (octet_length(hashes) = 8192),
    primary key (log_id, level, n)
);
-- Hashes do not compress.
alter table audit.tile alter column hashes set storage external;

create table audit.opening (
    log_id integer not null,
    idx bigint not null,
    field text not null,
    salt bytea not null check (octet_length(salt) = 16),
    value bytea not null,
    primary key (log_id, idx, field)
);
create table audit.checkpoint (
    log_id integer not null references audit.log,
    size bigint not null,
    root bytea not null check (octet_length(root) = 32),
    note bytea not null,
    vkey text not null,
    signed_at timestamptz not null,
    primary key (log_id, size)
);
create table audit.cosignature (
    log_id integer not null,
    size bigint not null,
    witness text not null,
    line text not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (log_id, size, witness),
    foreign key (log_id, size) references audit.checkpoint
);
"""
DERIVED = """
create table audit.audited (service text primary key, entries bigint not null)
    with (fillfactor = 50);

create table audit.finding (
    finding_id uuid primary key,
    kind text not null,
    subject text not null,
    detail jsonb not null,
    raised_at timestamptz not null,
    resolved_at timestamptz
);
create unique index finding_open on audit.finding (kind, subject) where resolved_at is null;

create table audit.access_read (
    read_id uuid primary key,
    at timestamptz not null,
    actor text not null,
    actor_division text not null,
    actor_roles text[] not null,
    route text not null,
    query jsonb not null,
    events uuid[] not null,
    keys uuid[] not null,
    request_id text not null
);
create index access_read_actor on audit.access_read (actor, at);
create index access_read_keys on audit.access_read using gin (keys);
create index access_read_at on audit.access_read (at);
"""
# A statement trigger on a partitioned table does not guard its partitions (TRUNCATE of one would
# empty it), so every partition gets its own when it is made, and the parent one as well.
SEAL = """
create function audit.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'insufficient_privilege';
end $$;
create function audit.seal(sealed regclass) returns void language plpgsql as $$
begin
    execute format('create trigger is_append_only before update or delete or truncate on %s'
                   ' for each statement execute function audit.refuse_change()', sealed);
end $$;
select audit.seal(name::regclass) from unnest(array['audit.entry', 'audit.tile', 'audit.opening',
    'audit.checkpoint', 'audit.cosignature', 'audit.access_read']) as name;

create function audit.freeze_once() returns trigger language plpgsql as $$
begin
    if old.frozen_at is not null
       or (new.log_id, new.origin, new.province, new.year, new.opened_at)
           is distinct from (old.log_id, old.origin, old.province, old.year, old.opened_at) then
        raise exception 'audit.log % is fixed', old.origin using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger only_freezes before update on audit.log
    for each row execute function audit.freeze_once();
create trigger is_never_removed before delete or truncate on audit.log
    for each statement execute function audit.refuse_change();
"""
# The writer owns nothing and cannot create partitions; it asks this function, which is the only
# way to open a log and to freeze the one before it.
TURN = """
create function audit.open_log(new_origin text, of_province text, of_year integer)
returns integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    opened integer;
    old record;
begin
    select log_id into opened from audit.log where province = of_province and year = of_year;
    if found then
        return opened;
    end if;
    if exists (select from audit.log where province = of_province and year > of_year) then
        raise exception 'the log of % for % is in the past', of_province, of_year;
    end if;
    for old in select log_id from audit.log where province = of_province and frozen_at is null loop
        update audit.log set frozen_at = clock_timestamp() where log_id = old.log_id;
        execute format('create trigger is_frozen before insert on audit.entry_%s'
                       ' for each row execute function audit.refuse_change()', old.log_id);
    end loop;
    insert into audit.log (origin, province, year) values (new_origin, of_province, of_year)
        returning log_id into opened;
    insert into audit.log_head (log_id, size, edge) values (opened, 0, '{}');
    execute format('create table audit.entry_%s partition of audit.entry for values in (%s)',
                   opened, opened);
    perform audit.seal(format('audit.entry_%s', opened)::regclass);
    return opened;
end $$;
revoke all on function audit.open_log(text, text, integer) from public;
"""
CORRECTIONS = """
create table rm.correction (
    stream_id uuid primary key,
    version integer not null,
    city text not null,
    kind text not null,
    status text not null,
    gate text,
    reason text not null,
    requested_on date not null,
    due_on date,
    content_sha256 text not null
);
create index correction_city on rm.correction (city, status);
create table rm.correction_target (
    stream_id uuid not null,
    target uuid not null,
    service text not null,
    version integer not null,
    to_version integer,
    is_open boolean not null,
    primary key (stream_id, target)
);
create unique index correction_target_open on rm.correction_target (target) where is_open;
"""
GRANTS = """
grant usage on schema audit to {writer}, {reader};
grant execute on function audit.open_log(text, text, integer) to {writer};
grant select on all tables in schema audit to {writer}, {reader};
grant insert on audit.entry, audit.tile, audit.opening, audit.checkpoint,
    audit.cosignature, audit.access_read to {writer};
grant update on audit.log_head to {writer};
grant insert, update on audit.audited, audit.finding to {writer};
grant select, insert, update, delete on rm.correction, rm.correction_target to {writer};
grant select on rm.correction, rm.correction_target to {reader};
"""


def upgrade() -> None:
    """Create everything. Partitions come with the logs they hold."""
    script(LOG)
    script(DERIVED)
    script(SEAL)
    script(TURN)
    script(CORRECTIONS)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """The log is never dropped."""
    raise RuntimeError("the audit log has no way back")
