"""What the audit schema consisted of when each revision was first seen."""

from alembic import context

from shared.store.script import script

revision = "audit_0006"
down_revision = "audit_0005"
branch_labels = None
depends_on = None

TABLES = """
create table audit.catalog (
    revision text primary key,
    objects jsonb not null,
    noted_at timestamptz not null
);
select audit.seal('audit.catalog'::regclass);
"""
GRANTS = """
grant select, insert on audit.catalog to {writer};
grant select on audit.catalog to {reader};
grant select on public.alembic_version to {writer};
"""


def upgrade() -> None:
    """Create the table; the first look fills it."""
    script(TABLES)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """Not taken back."""
    raise RuntimeError("what was seen stays")
