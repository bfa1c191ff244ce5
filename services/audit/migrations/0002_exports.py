"""Exports of a filter, made in the background and kept to be fetched."""

from alembic import context

from shared.store.script import script

revision = "audit_0002"
down_revision = "audit_0001"
branch_labels = None
depends_on = None

TABLES = """
create table audit.export (
    export_id uuid primary key,
    actor text not null,
    actor_division text not null,
    actor_roles text[] not null,
    format text not null,
    query jsonb not null,
    asked_at timestamptz not null,
    rows bigint not null,
    claimed_until timestamptz,
    finished_at timestamptz,
    failure text
);
create index export_actor on audit.export (actor, asked_at);
create index export_waiting on audit.export (asked_at) where finished_at is null;
create table audit.export_part (
    export_id uuid not null references audit.export,
    n integer not null,
    content bytea not null,
    primary key (export_id, n)
);
alter table audit.export_part alter column content set storage external;
"""
GRANTS = """
grant select, insert, update on audit.export to {writer};
grant select, insert on audit.export_part to {writer};
"""


def upgrade() -> None:
    """Create the tables."""
    script(TABLES)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """What was exported is known for ever."""
    raise RuntimeError("exports are not forgotten")
