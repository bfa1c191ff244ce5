"""Filters that people keep, for themselves or for everybody in a role below them."""

from alembic import context

from shared.store.script import script

revision = "audit_0003"
down_revision = "audit_0002"
branch_labels = None
depends_on = None

TABLES = """
create table audit.saved_search (
    search_id uuid primary key,
    owner text not null,
    division text not null,
    name text not null,
    shared_with text,
    query jsonb not null,
    saved_at timestamptz not null
);
create unique index saved_search_name on audit.saved_search (owner, name);
"""
GRANTS = "grant select, insert, delete on audit.saved_search to {writer};"


def upgrade() -> None:
    """Create the table."""
    script(TABLES)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """Not taken back."""
    raise RuntimeError("saved searches are kept")
