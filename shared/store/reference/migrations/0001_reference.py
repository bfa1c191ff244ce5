"""Reference data: the divisions. Written by the owner's import, read by the service."""

from alembic import context

from shared.store.script import script

revision = "reference_0001"
down_revision = None
branch_labels = ("reference",)
depends_on = "store_0001"

DIVISION = """
create schema ref;
create table ref.division (
    code text primary key,
    name text not null,
    level smallint not null,
    parent text not null,
    path text not null,
    current boolean not null
);
create index division_parent on ref.division (parent);
create table ref.loaded (
    what text primary key,
    digest text not null,
    rows integer not null,
    loaded_at timestamptz not null
);
"""
GRANTS = """
grant usage on schema ref to {writer}, {reader};
grant select on all tables in schema ref to {writer}, {reader};
"""


def upgrade() -> None:
    """Create the tables; the roles are there since the store's first migration."""
    script(DIVISION)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """Reference data can be loaded again."""
    script("drop schema ref cascade")
