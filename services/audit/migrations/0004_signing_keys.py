"""The keys with which people sign at the gates."""

from alembic import context

from shared.store.script import script

revision = "audit_0004"
down_revision = "audit_0003"
branch_labels = None
depends_on = None

TABLES = """
create table rm.signing_key (
    stream_id uuid primary key,
    version integer not null,
    owner text not null,
    division text not null,
    public_key text not null,
    status text not null
);
create unique index signing_key_public on rm.signing_key (public_key);
create unique index signing_key_active on rm.signing_key (owner) where status = 'ACTIVE';
"""
GRANTS = """
grant select, insert, update, delete on rm.signing_key to {writer};
grant select on rm.signing_key to {reader};
"""


def upgrade() -> None:
    """Create the read model; it follows from the events."""
    script(TABLES)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """Not taken back."""
    raise RuntimeError("signing keys are kept")
