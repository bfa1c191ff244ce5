"""How far the log has been forwarded, to whom; and how far its checkpoints have been told."""

from alembic import context

from shared.store.script import script

revision = "audit_0007"
down_revision = "audit_0006"
branch_labels = None
depends_on = None

TABLES = """
create table audit.forwarded (
    receiver text not null,
    log_id integer not null,
    size bigint not null,
    primary key (receiver, log_id)
) with (fillfactor = 50);
create table audit.told (log_id integer primary key, size bigint not null) with (fillfactor = 50);
"""
GRANTS = "grant select, insert, update on audit.forwarded, audit.told to {writer};"


def upgrade() -> None:
    """Create the tables."""
    script(TABLES)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """Not taken back."""
    raise RuntimeError("what was sent was sent")
