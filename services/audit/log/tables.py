"""The log's tables, for queries and for the drift check; the migrations create them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

metadata = sa.MetaData(schema="audit")
_TIME = sa.DateTime(timezone=True)

log = sa.Table(
    "log",
    metadata,
    sa.Column("log_id", sa.Integer, sa.Identity(always=True), primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("province", sa.Text, nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("opened_at", _TIME, nullable=False),
    sa.Column("frozen_at", _TIME),
    sa.Index("log_origin_key", "origin", unique=True),
    sa.Index("log_province_year_key", "province", "year", unique=True),
)

log_head = sa.Table(
    "log_head",
    metadata,
    sa.Column("log_id", sa.Integer, sa.ForeignKey(log.c.log_id), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("edge", ARRAY(BYTEA), nullable=False),
)

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("idx", sa.BigInteger, primary_key=True),
    sa.Column("leaf", BYTEA, nullable=False),
    sa.Column("event_id", UUID(), nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("stream_id", UUID(), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("key", UUID(), nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("recorded_at", _TIME, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_roles", ARRAY(sa.Text), nullable=False),
    sa.Column("correlation_id", UUID(), nullable=False),
    sa.Index("entry_event", "event_id", "log_id", unique=True),
    sa.Index("entry_stream", "stream_id", "version"),
    sa.Index("entry_key", "key", "idx"),
    sa.Index("entry_correlation", "correlation_id", "idx"),
    postgresql_partition_by="LIST (log_id)",
)

tile = sa.Table(
    "tile",
    metadata,
    sa.Column("log_id", sa.Integer, sa.ForeignKey(log.c.log_id), primary_key=True),
    sa.Column("level", sa.SmallInteger, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True),
    sa.Column("hashes", BYTEA, nullable=False),
)

opening = sa.Table(
    "opening",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("idx", sa.BigInteger, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("salt", BYTEA, nullable=False),
    sa.Column("value", BYTEA, nullable=False),
)

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("log_id", sa.Integer, sa.ForeignKey(log.c.log_id), primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True),
    sa.Column("root", BYTEA, nullable=False),
    sa.Column("note", BYTEA, nullable=False),
    sa.Column("vkey", sa.Text, nullable=False),
    sa.Column("signed_at", _TIME, nullable=False),
)

cosignature = sa.Table(
    "cosignature",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True),
    sa.Column("witness", sa.Text, primary_key=True),
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("received_at", _TIME, nullable=False),
    sa.ForeignKeyConstraint(["log_id", "size"], [checkpoint.c.log_id, checkpoint.c.size]),
)

entry_words = sa.Table(
    "entry_words",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("idx", sa.BigInteger, primary_key=True),
    sa.Column("words", ARRAY(sa.Integer), nullable=False),
)

entry_block = sa.Table(
    "entry_block",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("block", sa.BigInteger, primary_key=True),
    sa.Column("earliest", _TIME, nullable=False),
    sa.Column("latest", _TIME, nullable=False),
)

block_word = sa.Table(
    "block_word",
    metadata,
    sa.Column("log_id", sa.Integer),
    sa.Column("word", sa.Integer),
    sa.Column("block", sa.BigInteger),
    sa.Column("places", BYTEA, nullable=False),
    sa.PrimaryKeyConstraint("log_id", "word", "block", postgresql_include=["places"]),
)

indexed = sa.Table(
    "indexed",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
)

forwarded = sa.Table(
    "forwarded",
    metadata,
    sa.Column("receiver", sa.Text, primary_key=True),
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
)

told = sa.Table(
    "told",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
)

catalog = sa.Table(
    "catalog",
    metadata,
    sa.Column("revision", sa.Text, primary_key=True),
    sa.Column("objects", JSONB, nullable=False),
    sa.Column("noted_at", _TIME, nullable=False),
)

audited = sa.Table(
    "audited",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("entries", sa.BigInteger, nullable=False),
)

finding = sa.Table(
    "finding",
    metadata,
    sa.Column("finding_id", UUID(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", JSONB, nullable=False),
    sa.Column("raised_at", _TIME, nullable=False),
    sa.Column("resolved_at", _TIME),
    sa.Index(
        "finding_open",
        "kind",
        "subject",
        unique=True,
        postgresql_where=sa.text("resolved_at is null"),
    ),
)

access_read = sa.Table(
    "access_read",
    metadata,
    sa.Column("read_id", UUID(), primary_key=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_division", sa.Text, nullable=False),
    sa.Column("actor_roles", ARRAY(sa.Text), nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("query", JSONB, nullable=False),
    sa.Column("events", ARRAY(UUID()), nullable=False),
    sa.Column("keys", ARRAY(UUID()), nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Index("access_read_actor", "actor", "at"),
    sa.Index("access_read_keys", "keys", postgresql_using="gin"),
    sa.Index("access_read_at", "at"),
)
