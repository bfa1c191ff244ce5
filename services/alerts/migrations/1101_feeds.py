"""Department feeds: how files are read, files on their way, every row that was ever sent."""

from alembic import context

from shared.store.script import script

revision = "feeds_0001"
down_revision = None
branch_labels = ("feeds",)
depends_on = ("alerts_0001",)

READ_MODELS = """
create table rm.feed (
    stream_id uuid primary key,
    version integer not null,
    feed text not null,
    division text collate "C" not null,
    number integer not null,
    mapping jsonb not null
);
create unique index feed_feed on rm.feed (feed);
create table rm.threshold (
    stream_id uuid not null,
    n integer not null,
    feed text not null,
    type text not null,
    population text not null,
    amount bigint not null,
    inclusive boolean not null,
    effective_from date not null,
    document text not null,
    primary key (stream_id, n)
);
create table rm.feed_file (
    stream_id uuid primary key,
    version integer not null,
    feed text not null,
    division text collate "C" not null,
    size bigint not null,
    status text not null,
    blocks integer not null,
    last_row integer not null,
    rows integer not null,
    expected integer,
    lead integer not null,
    unmatched integer not null,
    ambiguous integer not null,
    below_threshold integer not null,
    not_screened integer not null,
    repeated integer not null,
    refused integer not null,
    refusal text not null,
    received_at timestamptz not null
);
create index feed_file_division on rm.feed_file (division, received_at, stream_id);
create index feed_file_open on rm.feed_file (received_at) where status in ('RECEIVED', 'COMPARING');
"""
# What was sent is kept as it was understood: never changed, never deleted. The parts of a file that
# is still being compared are sealed under a key of its own, and go when it is done.
FEEDS = """
create schema feeds;
create table feeds.row (
    file_id uuid,
    n integer,
    fate text not null,
    alert_id uuid,
    content bigint,
    token bytea,
    type text,
    happened_on date,
    amount bigint,
    division text collate "C",
    household_id uuid,
    code text,
    field text
);
create unique index row_alert_id on feeds.row (alert_id);
-- Alerts from before: a file that brings one again is to be told so.
insert into feeds.row (alert_id, fate, household_id)
select stream_id, fate, household_id from rm.alert;
create index row_file on feeds.row using brin (file_id, n)
    with (pages_per_range = 32, autosummarize = on);
create table feeds.part (
    file_id uuid not null,
    n integer not null,
    nonce bytea not null,
    content bytea not null,
    primary key (file_id, n)
);
grant usage on schema feeds to {writer}, {reader};
grant select, insert on feeds.row to {writer};
grant select, insert, delete on feeds.part to {writer};
"""


def upgrade() -> None:
    """Create everything and give the writer what it needs."""
    script(READ_MODELS)
    script(FEEDS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """The way back is a restored backup: what departments sent stands nowhere else."""
    raise RuntimeError("the feeds have no way back")
