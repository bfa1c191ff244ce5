"""The bus's own tables in a service's database, for the drift check; the migrations create them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType


class PgSnapshot(UserDefinedType[str]):
    """PostgreSQL's ``pg_snapshot``: which transactions a statement could see."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type in DDL."""
        return "pg_snapshot"


# So that reflection (alembic's drift check) knows the type instead of warning about it.
ischema_names.setdefault("pg_snapshot", PgSnapshot)

metadata = MetaData(schema="es")

reader = Table(
    "reader",
    metadata,
    Column("name", Text, primary_key=True),
    Column("done", PgSnapshot, nullable=False, server_default=text("'1:1:'")),
    Column("upto", PgSnapshot),
    Column("pos", BigInteger, nullable=False, server_default=text("0")),
    Column("sent", BigInteger, nullable=False, server_default=text("0")),
)
"""Readers of ``es.event``: everything visible in ``done`` is dealt with; while ``upto`` is set, so
is everything visible in it up to ``pos``. ``sent`` counts what the reader has dealt with."""

consumed_partition = Table(
    "consumed_partition",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False, server_default=text("0")),
)
"""How far each consumer is in each partition; the row is the fence between two owners of it.
``received`` counts different events, however often each was delivered."""

consumed_stream = Table(
    "consumed_stream",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("stream_id", Uuid, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
"""The last version of each stream that has come in without a gap, handled or parked."""

parked = Table(
    "parked",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("part", Integer, nullable=False),
    Column("off", BigInteger, nullable=False),
    Column("key", Uuid),
    Column("stream_id", Uuid),
    Column("version", Integer),
    Column("type", Text),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("message", JSONB, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("replayed_at", DateTime(timezone=True)),
    Index(
        "parked_once",
        "consumer",
        "stream_id",
        "version",
        unique=True,
        postgresql_where=text("replayed_at is null"),
    ),
    Index("parked_open", "consumer", "topic", "key", postgresql_where=text("replayed_at is null")),
)
"""Messages that could not be handled, each with its reason, until somebody has them replayed."""
