"""The vault's tables, in schema ``vault`` of each service that holds personal data."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

metadata = sa.MetaData(schema="vault")

data_key = sa.Table(
    "data_key",
    metadata,
    sa.Column("owner", UUID(as_uuid=True), primary_key=True),
    # NULL once shredded: then nobody can read what it sealed, here or in any backup's table.
    sa.Column("wrapped", BYTEA),
    sa.Column("master_key_id", sa.Text, nullable=False),
    sa.Column("cipher", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("shredded_at", sa.DateTime(timezone=True)),
)
sa.Index("data_key_master_key_id", data_key.c.master_key_id)

record = sa.Table(
    "record",
    metadata,
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    sa.Column("owner", UUID(as_uuid=True), sa.ForeignKey(data_key.c.owner), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("nonce", BYTEA, nullable=False),
    sa.Column("ciphertext", BYTEA, nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
)
sa.Index("record_owner_kind", record.c.owner, record.c.kind)

reveal = sa.Table(
    "reveal",
    metadata,
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_division", sa.Text, nullable=False),
    sa.Column("actor_roles", ARRAY(sa.Text), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("owner", UUID(as_uuid=True), nullable=False),
    sa.Column("records", ARRAY(UUID(as_uuid=True)), nullable=False),
    sa.Column("fields", ARRAY(sa.Text), nullable=False),
    sa.Column("correlation_id", UUID(as_uuid=True), nullable=False),
)
sa.Index("reveal_owner_at", reveal.c.owner, reveal.c.at)
sa.Index("reveal_actor_at", reveal.c.actor, reveal.c.at)
