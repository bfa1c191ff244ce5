"""The store's own tables, for queries and for the drift check; the migrations create them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, INTERVAL, JSON, JSONB, UUID
from sqlalchemy.dialects.postgresql.base import ischema_names

metadata = sa.MetaData(schema="es")


class Xid8(sa.types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in DDL."""
        return "xid8"


# So that reflection (the drift check) knows the type instead of warning about it.
ischema_names.setdefault("xid8", Xid8)

event = sa.Table(
    "event",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("pos", sa.BigInteger, nullable=False),
    sa.Column("tx", Xid8(), nullable=False),
    sa.Column("event_id", UUID(), nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("schema_version", sa.SmallInteger, nullable=False),
    sa.Column("key", UUID(), nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("occurred_on", sa.Date, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("meta", JSONB, nullable=False),
    sa.Index("event_pos_key", "pos", unique=True),
    sa.Index("event_tx_pos", "tx", "pos"),
    sa.Index("event_key_pos", "key", "pos"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("principal", sa.Text, primary_key=True),
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", BYTEA, nullable=False),
    sa.Column("receipt", JSON, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("idempotency_created_at", "created_at", postgresql_using="brin"),
)

deadline = sa.Table(
    "deadline",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("key", UUID(), nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("next_on", sa.Date),
    sa.Column("data", JSONB, nullable=False),
    sa.Index("deadline_next_on", "next_on", postgresql_where=sa.text("next_on is not null")),
    sa.Index("deadline_due_on", "due_on"),
)

demo_clock = sa.Table(
    "demo_clock",
    metadata,
    sa.Column("one", sa.Boolean, primary_key=True),
    sa.Column("shift", INTERVAL, nullable=False),
)
