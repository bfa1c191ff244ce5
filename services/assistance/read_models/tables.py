"""The tables of this service's read models; they live in schema ``rm`` by the search path."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = sa.MetaData()

# `text_pattern_ops` lets a prefix search (a division's subtree) use the index.
_BY_PREFIX = {"region": "text_pattern_ops"}

policy = sa.Table(
    "policy",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("data", JSONB, nullable=False),
)

plan = sa.Table(
    "plan",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("case_id", UUID(), nullable=False),
    sa.Column("household_id", UUID(), nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("members", sa.Integer),
    sa.Column("labour_capable", sa.Boolean),
    sa.Column("identified_on", sa.Date),
    sa.Column("approved_on", sa.Date),
    sa.Column("submitted", sa.Boolean, nullable=False),
    sa.Column("submitted_on", sa.Date),
    sa.Column("measures", sa.Integer, nullable=False),
    sa.Column("development_measures", sa.Integer, nullable=False),
    sa.Column("implemented_measures", sa.Integer, nullable=False),
    # The plan's last day, or far in the future: what the queue is sorted by.
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("eliminated_on", sa.Date),
    sa.Column("detail", JSONB, nullable=False),
    # 清退: never identified, as the figures count.
    sa.Column("withdrawn", sa.Boolean, nullable=False),
    # In force, and yet something is missing that a plan must have.
    sa.Column("incomplete", sa.Boolean, nullable=False),
    # The day the first plan was due; the days the clocks now running are.
    sa.Column("first_due_on", sa.Date),
    sa.Column("plan_due_on", sa.Date),
    sa.Column("help_due_on", sa.Date),
    sa.Column("refresh_due_on", sa.Date),
    sa.Index("plan_case_id", "case_id", unique=True),
    sa.Index("plan_household_id", "household_id"),
    sa.Index("plan_region", "region", postgresql_ops=_BY_PREFIX),
    sa.Index("plan_due_on", "due_on"),
)

measure = sa.Table(
    "measure",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("measure_id", UUID(), primary_key=True),
    sa.Column("case_id", UUID(), nullable=False),
    sa.Column("household_id", UUID(), nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("fund", sa.Text, nullable=False),
    sa.Column("department", sa.Text, nullable=False),
    sa.Column("risks", JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("development", sa.Boolean, nullable=False),
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("filed_on", sa.Date, nullable=False),
    sa.Column("started_on", sa.Date),
    sa.Column("finished_on", sa.Date),
    sa.Column("ends_on", sa.Date),
    # The day by which its department starts it, or a running one ends: the chase list's order.
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("paid", sa.BigInteger, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("stop_reason", sa.Text),
    # The day by which its department had to start it.
    sa.Column("start_due_on", sa.Date),
    sa.Index("measure_region", "region", postgresql_ops=_BY_PREFIX),
    sa.Index("measure_status_due_on", "status", "due_on"),
)

elimination = sa.Table(
    "elimination",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("plan_id", UUID(), nullable=False),
    sa.Column("case_id", UUID(), nullable=False),
    sa.Column("household_id", UUID(), nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("early", sa.Boolean, nullable=False),
    sa.Column("proposed_on", sa.Date, nullable=False),
    sa.Column("eliminated_on", sa.Date),
    sa.Column("detail", JSONB, nullable=False),
    sa.Index("elimination_case_id_number", "case_id", "number", unique=True),
    sa.Index(
        "elimination_one_open_a_case",
        "case_id",
        unique=True,
        postgresql_where=sa.text("status = 'OPEN'"),
    ),
    sa.Index("elimination_region", "region", postgresql_ops=_BY_PREFIX),
    sa.Index("elimination_eliminated_on", "eliminated_on"),
)

no_labour = sa.Table(
    "no_labour",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("household_id", UUID(), nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("flagged", sa.Boolean, nullable=False),
    sa.Column("mismatch", sa.Text),
    sa.Column("compared", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Index("no_labour_household_id", "household_id", unique=True),
    sa.Index("no_labour_region", "region", postgresql_ops=_BY_PREFIX),
)

population = sa.Table(
    "population",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("region", sa.Text, primary_key=True),
    sa.Column("people", sa.Integer, nullable=False),
    sa.Index("population_region", "region", postgresql_ops=_BY_PREFIX),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("region", sa.Text, primary_key=True),
    sa.Column("since", sa.Date),
    sa.Column("reviewed_on", sa.Date),
    sa.Column("mass_relapse_risk", sa.Boolean, nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Index("ledger_region", "region", postgresql_ops=_BY_PREFIX),
)

off_register = sa.Table(
    "off_register",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("household_id", UUID(), nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("last_kind", sa.Text, nullable=False),
    sa.Column("last_on", sa.Date, nullable=False),
    sa.Index("off_register_region", "region", postgresql_ops=_BY_PREFIX),
)

delegation = sa.Table(
    "delegation",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("county", sa.Text, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    # The last day on which it holds, taken back or run out.
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.Index("delegation_holder", "holder", "county"),
)
