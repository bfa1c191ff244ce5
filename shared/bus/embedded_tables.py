"""The tables of the embedded log, for the drift check; ``log_migrations`` creates them."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from shared.store.migrate import SHARED, Schema

metadata = MetaData(schema="bus")

head = Table(
    "head",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False, server_default=text("0")),
)
"""One row a partition. Its lock orders the writers, so offsets have no gap and are visible in
order: a reader that saw offset n will never find a smaller one appear later."""

log = Table(
    "log",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("off", BigInteger, primary_key=True),
    Column("key", BYTEA, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("value", BYTEA, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

member = Table(
    "member",
    metadata,
    Column("group_name", Text, primary_key=True),
    Column("member", Uuid, primary_key=True),
    Column("topics", ARRAY(Text), nullable=False),
    Column("joined_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
"""Members of groups. One is alive while its session holds the advisory lock of its id."""

LOG_SCHEMA = Schema(
    service="bus", locations=[SHARED / "bus" / "log_migrations"], metadata=[metadata]
)
"""The database ``dixian_bus``, for ``shared.store.migrate.upgrade``."""
