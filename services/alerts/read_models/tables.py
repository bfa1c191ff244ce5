"""The tables: what people read (schema ``rm``), and what leads are matched by (``matching``)."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

metadata = sa.MetaData()
matching = sa.MetaData(schema="matching")

_CODE = sa.Text(collation="C")
"""A division's code: compared byte by byte, so that a subtree is a range of the index."""

work_order = sa.Table(
    "work_order",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("order_no", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("division", _CODE, nullable=False),
    sa.Column("unit", _CODE, nullable=False),
    sa.Column("confidential", sa.Boolean, nullable=False),
    sa.Column("called_on", sa.Date, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("returned", sa.Integer, nullable=False),
    sa.Column("extended", sa.Boolean, nullable=False),
    sa.Column("handle_by", sa.Date, nullable=False),
    sa.Column("card", sa.Text, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("result", sa.Text),
    sa.Column("rating", sa.Text),
    sa.Column("rounds", sa.Integer, nullable=False),
    sa.Column("unsatisfied", sa.Integer, nullable=False),
    sa.Column("supervised", sa.Integer, nullable=False),
    sa.Column("lead_id", UUID()),
    sa.Column("caller_id", UUID(), nullable=False),
    sa.Column("matter_id", UUID(), nullable=False),
    sa.Column("instruction_id", UUID()),
    sa.Column("answer_id", UUID()),
    sa.Index("work_order_order_no", "order_no", unique=True),
    sa.Index("work_order_unit", "unit", "handle_by", "stream_id"),
    sa.Index("work_order_division", "division", "handle_by", "stream_id"),
)

lead = sa.Table(
    "lead",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("discovered_on", sa.Date, nullable=False),
    sa.Column("division", _CODE, nullable=False),
    sa.Column("reported_division", _CODE, nullable=False),
    sa.Column("household_id", UUID()),
    sa.Column("risks", ARRAY(sa.Text), nullable=False),
    sa.Column("order_id", UUID()),
    sa.Column("alert_id", UUID()),
    sa.Column("clue", sa.Boolean, nullable=False),
    sa.Column("person_id", UUID()),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("disposition", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("case_id", UUID()),
    sa.Column("due_on", sa.Date),
    sa.Column("channel", sa.Text),
    sa.Column("evidence", ARRAY(sa.Text), nullable=False),
    sa.Column("agent_id", UUID()),
    sa.Column("text_id", UUID()),
    sa.Column("note_id", UUID()),
    sa.Column("raised", sa.Boolean, nullable=False),
    sa.Index("lead_division", "division", "discovered_on", "stream_id"),
    sa.Index("lead_reported_division", "reported_division", "discovered_on", "stream_id"),
    sa.Index("lead_household", "household_id"),
    sa.Index("lead_case", "case_id"),
)

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger),
    sa.Column("division", _CODE, nullable=False),
    sa.Column("reported_division", _CODE, nullable=False),
    sa.Column("household_id", UUID()),
    sa.Column("threshold", sa.BigInteger),
    sa.Column("fate", sa.Text, nullable=False),
    sa.Column("lead_id", UUID()),
    sa.Column("person_id", UUID()),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("alert_division", "division", "received_at", "stream_id"),
    sa.Index("alert_reported_division", "reported_division", "received_at", "stream_id"),
)

household = sa.Table(
    "household",
    matching,
    sa.Column("household_id", UUID(), primary_key=True),
    sa.Column("division", _CODE, nullable=False),
    sa.Column("history", sa.Text, nullable=False),
    sa.Column("relocated", sa.Boolean, nullable=False),
    sa.Column("monitored", sa.Boolean, nullable=False),
)
token = sa.Table(
    "token",
    matching,
    sa.Column("token", BYTEA, primary_key=True),
    sa.Column("household_id", UUID(), primary_key=True),
    sa.Column("member_id", UUID(), primary_key=True),
    sa.Index("token_household", "household_id"),
)
waiting = sa.Table(
    "waiting",
    matching,
    sa.Column("token", BYTEA, primary_key=True),
    sa.Column("lead_id", UUID(), primary_key=True),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("automatic", sa.Boolean, nullable=False),
    sa.Index("waiting_lead", "lead_id"),
)
policy = sa.Table(
    "policy",
    matching,
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("policy", JSONB, nullable=False),
)

webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("division", _CODE, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("removed", sa.Boolean, nullable=False),
    sa.Index("webhook_division", "division"),
)
