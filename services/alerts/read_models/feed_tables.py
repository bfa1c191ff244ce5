"""The tables of feeds and their files."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

from services.alerts.read_models.tables import metadata

feeds = sa.MetaData(schema="feeds")
_CODE = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)

feed = sa.Table(
    "feed",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("division", _CODE, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("mapping", JSONB, nullable=False),
    sa.Index("feed_feed", "feed", unique=True),
)

threshold = sa.Table(
    "threshold",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("population", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("inclusive", sa.Boolean, nullable=False),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

feed_file = sa.Table(
    "feed_file",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("division", _CODE, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("blocks", sa.Integer, nullable=False),
    sa.Column("last_row", sa.Integer, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("expected", sa.Integer),
    sa.Column("lead", sa.Integer, nullable=False),
    sa.Column("unmatched", sa.Integer, nullable=False),
    sa.Column("ambiguous", sa.Integer, nullable=False),
    sa.Column("below_threshold", sa.Integer, nullable=False),
    sa.Column("not_screened", sa.Integer, nullable=False),
    sa.Column("repeated", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("refusal", sa.Text, nullable=False),
    sa.Column("received_at", _TIME, nullable=False),
    sa.Index("feed_file_division", "division", "received_at", "stream_id"),
    sa.Index(
        "feed_file_open",
        "received_at",
        postgresql_where=sa.text("status in ('RECEIVED', 'COMPARING')"),
    ),
)

row = sa.Table(
    "row",
    feeds,
    sa.Column("file_id", UUID()),
    sa.Column("n", sa.Integer),
    sa.Column("fate", sa.Text, nullable=False),
    sa.Column("alert_id", UUID()),
    sa.Column("content", sa.BigInteger),
    sa.Column("token", BYTEA),
    sa.Column("type", sa.Text),
    sa.Column("happened_on", sa.Date),
    sa.Column("amount", sa.BigInteger),
    sa.Column("division", _CODE),
    sa.Column("household_id", UUID()),
    sa.Column("code", sa.Text),
    sa.Column("field", sa.Text),
    sa.Index("row_alert_id", "alert_id", unique=True),
    sa.Index(
        "row_file",
        "file_id",
        "n",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    ),
)

part = sa.Table(
    "part",
    feeds,
    sa.Column("file_id", UUID(), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("nonce", BYTEA, nullable=False),
    sa.Column("content", BYTEA, nullable=False),
)
