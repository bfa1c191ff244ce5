"""The exports' tables; the migrations create them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

metadata = sa.MetaData(schema="audit")
_TIME = sa.DateTime(timezone=True)

export = sa.Table(
    "export",
    metadata,
    sa.Column("export_id", UUID(), primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_division", sa.Text, nullable=False),
    sa.Column("actor_roles", ARRAY(sa.Text), nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("query", JSONB, nullable=False),
    sa.Column("asked_at", _TIME, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("claimed_until", _TIME),
    sa.Column("finished_at", _TIME),
    sa.Column("failure", sa.Text),
    sa.Index("export_actor", "actor", "asked_at"),
    sa.Index(
        "export_waiting",
        "asked_at",
        postgresql_where=sa.text("finished_at is null"),
    ),
)

export_part = sa.Table(
    "export_part",
    metadata,
    sa.Column("export_id", UUID(), sa.ForeignKey(export.c.export_id), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("content", BYTEA, nullable=False),
)
