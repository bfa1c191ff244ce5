"""The vault: wrapped data keys, sealed records, and the record of every reveal."""

from alembic import context, op

revision = "vault_0001"
down_revision = None
branch_labels = ("vault",)
depends_on = "store_0001"

TABLES = (
    "create schema vault",
    """
    create table vault.data_key (
        owner uuid primary key,
        wrapped bytea,
        master_key_id text not null,
        cipher text not null,
        created_at timestamptz not null,
        shredded_at timestamptz,
        check ((wrapped is null) = (shredded_at is not null))
    )
    """,
    "create index data_key_master_key_id on vault.data_key (master_key_id)",
    """
    create table vault.record (
        id uuid primary key,
        owner uuid not null references vault.data_key (owner),
        kind text not null,
        nonce bytea not null,
        ciphertext bytea not null,
        updated_at timestamptz not null
    )
    """,
    "create index record_owner_kind on vault.record (owner, kind)",
    """
    create table vault.reveal (
        id uuid primary key,
        at timestamptz not null,
        actor text not null,
        actor_division text not null,
        actor_roles text[] not null,
        purpose text not null,
        owner uuid not null,
        records uuid[] not null,
        fields text[] not null,
        correlation_id uuid not null
    )
    """,
    "create index reveal_owner_at on vault.reveal (owner, at)",
    "create index reveal_actor_at on vault.reveal (actor, at)",
)
# The service may not delete a key's row (it marks it shredded) nor touch a reveal once written. The
# reader sees who looked at what, and no ciphertext.
GRANTS = (
    "grant usage on schema vault to {writer}, {reader}",
    "grant select, insert, update on vault.data_key, vault.record to {writer}",
    "grant select, insert on vault.reveal to {writer}",
    "grant select on vault.reveal to {reader}",
)


def upgrade() -> None:
    """Create the tables and give each role what it needs."""
    roles = context.config.attributes["roles"]
    for statement in (*TABLES, *(grant.format(**roles) for grant in GRANTS)):
        op.execute(statement)


def downgrade() -> None:
    """Personal data is shredded by its own act, never dropped with a migration."""
    raise RuntimeError("the vault has no way back")
