"""The tables of the reference schema, for queries and for the drift check."""

from pathlib import Path

import sqlalchemy as sa

MIGRATIONS = Path(__file__).parent / "migrations"

metadata = sa.MetaData(schema="ref")

division = sa.Table(
    "division",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("parent", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("current", sa.Boolean, nullable=False),
    sa.Index("division_parent", "parent"),
)

loaded = sa.Table(
    "loaded",
    metadata,
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
)
