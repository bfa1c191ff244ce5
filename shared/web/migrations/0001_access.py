"""Machine keys: hashes of the secrets, what each key may do, and when it ends."""

from alembic import context, op

revision = "access_0001"
down_revision = None
branch_labels = ("access",)
depends_on = "store_0001"

TABLES = (
    "create schema access",
    """
    create table access.machine_key (
        id text primary key,
        label text not null,
        secret_hash bytea not null check (length(secret_hash) = 32),
        roles text[] not null,
        division text not null,
        feeds text[] not null,
        issued_by text not null,
        created_at timestamptz not null,
        expires_at timestamptz,
        revoked_at timestamptz,
        replaces text
    )
    """,
)
GRANTS = (
    "grant usage on schema access to {writer}",
    # A key is ended, never deleted: who could do what, and when, stays known.
    "grant select, insert, update on access.machine_key to {writer}",
)


def upgrade() -> None:
    """Create the table and let the service use it."""
    roles = context.config.attributes["roles"]
    for statement in (*TABLES, *(grant.format(**roles) for grant in GRANTS)):
        op.execute(statement)


def downgrade() -> None:
    """Drop the keys: machines need new ones afterwards."""
    op.execute("drop schema access cascade")
