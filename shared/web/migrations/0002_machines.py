"""Keys belong to machines, and tell when they were last used; how often callers may ask."""

from alembic import context, op

revision = "access_0002"
down_revision = "access_0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    "alter table access.machine_key add column machine_id text",
    # Until now every key was a machine of its own, under its own name.
    "update access.machine_key set machine_id = id",
    "alter table access.machine_key alter column machine_id set not null",
    "alter table access.machine_key add column last_used_at timestamptz",
    "alter table access.machine_key drop column replaces",
    "create index machine_key_machine on access.machine_key (machine_id)",
    # Counts of the current minute: after a crash they may begin anew, so nothing is logged of them.
    """
    create unlogged table access.quota (
        subject text primary key,
        window_start timestamptz not null,
        used bigint not null
    )
    """,
)
GRANT = "grant select, insert, update on access.quota to {writer}"


def upgrade() -> None:
    """Add what is missing."""
    for statement in (*STATEMENTS, GRANT.format(**context.config.attributes["roles"])):
        op.execute(statement)


def downgrade() -> None:
    """Keys become machines of their own again."""
    op.execute("drop table access.quota")
    op.execute("alter table access.machine_key add column replaces text")
    op.execute("alter table access.machine_key drop column last_used_at, drop column machine_id")
