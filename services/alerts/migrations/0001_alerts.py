"""Orders, leads and alerts as they are read; the register's tokens to match against."""

from alembic import context

from shared.store.script import script

revision = "alerts_0001"
down_revision = None
branch_labels = ("alerts",)
depends_on = ("store_0001",)

READ_MODELS = """
create table work_order (
    stream_id uuid primary key,
    order_no text not null,
    version integer not null,
    kind text not null,
    division text collate "C" not null,
    unit text collate "C" not null,
    confidential boolean not null,
    called_on date not null,
    status text not null,
    returned integer not null,
    extended boolean not null,
    handle_by date not null,
    card text not null,
    late boolean not null,
    result text,
    rating text,
    rounds integer not null,
    unsatisfied integer not null,
    supervised integer not null,
    lead_id uuid,
    caller_id uuid not null,
    matter_id uuid not null,
    instruction_id uuid,
    answer_id uuid
);
create unique index work_order_order_no on work_order (order_no);
create index work_order_unit on work_order (unit, handle_by, stream_id);
create index work_order_division on work_order (division, handle_by, stream_id);

create table lead (
    stream_id uuid primary key,
    version integer not null,
    source text not null,
    discovered_on date not null,
    division text collate "C" not null,
    reported_division text collate "C" not null,
    household_id uuid,
    risks text[] not null,
    order_id uuid,
    alert_id uuid,
    clue boolean not null,
    person_id uuid,
    status text not null,
    disposition text,
    reason text not null,
    case_id uuid,
    due_on date,
    raised boolean not null
);
create index lead_division on lead (division, discovered_on, stream_id);
create index lead_reported_division on lead (reported_division, discovered_on, stream_id);
create index lead_household on lead (household_id);
create index lead_case on lead (case_id);

create table alert (
    stream_id uuid primary key,
    feed text not null,
    type text not null,
    happened_on date not null,
    period text not null,
    amount bigint,
    division text collate "C" not null,
    reported_division text collate "C" not null,
    household_id uuid,
    threshold bigint,
    fate text not null,
    lead_id uuid,
    person_id uuid,
    received_at timestamptz not null
);
create index alert_division on alert (division, received_at, stream_id);
create index alert_reported_division on alert (reported_division, received_at, stream_id);
"""
# What follows from neighbours' events, and what a waiting lead is recognised by. Not read models of
# this service's own streams, so a rebuild leaves them alone.
MATCHING = """
create schema matching;
create table matching.household (
    household_id uuid primary key,
    division text collate "C" not null,
    history text not null,
    relocated boolean not null,
    monitored boolean not null
);
create table matching.token (
    token bytea not null,
    household_id uuid not null,
    member_id uuid not null,
    primary key (token, household_id, member_id)
);
create index token_household on matching.token (household_id);
create table matching.waiting (
    token bytea not null,
    lead_id uuid not null,
    why text not null,
    automatic boolean not null,
    primary key (token, lead_id)
);
create index waiting_lead on matching.waiting (lead_id);
create table matching.policy (
    version text primary key,
    policy jsonb not null
);
grant usage on schema matching to {writer}, {reader};
grant select, insert, update, delete on all tables in schema matching to {writer};
grant select on matching.household, matching.policy to {reader};
"""


def upgrade() -> None:
    """Create everything and give the writer what it needs."""
    script(READ_MODELS)
    script(MATCHING.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """The way back is a restored backup: what leads wait for stands nowhere else."""
    raise RuntimeError("the alerts service has no way back")
