"""The read models' tables. They live in schema ``rm``, found through the search path."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = sa.MetaData()

household = sa.Table(
    "household",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("residence", sa.Text, nullable=False),
    sa.Column("hukou_place", sa.Text),
    sa.Column("history", sa.Text, nullable=False),
    sa.Column("relocated", sa.Boolean, nullable=False),
    sa.Column("moved_from", sa.Text),
    sa.Column("members", JSONB, nullable=False),
    sa.Column("home_id", UUID()),
    sa.Column("absorbed_into", UUID()),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("household_division", "division", "stream_id"),
    sa.Index(
        "household_absorbed_into",
        "absorbed_into",
        postgresql_where=sa.text("absorbed_into is not null"),
    ),
)

household_token = sa.Table(
    "household_token",
    metadata,
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("stream_id", UUID(), nullable=False),
    sa.Column("member_id", UUID(), nullable=False),
    sa.PrimaryKeyConstraint("stream_id", "token"),
    # One person, one household, province-wide (R11, R25).
    sa.Index("household_token_once", "token", unique=True),
)

policy_version = sa.Table(
    "policy_version",
    metadata,
    sa.Column("stream_id", UUID(), nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.PrimaryKeyConstraint("stream_id", "version"),
    sa.Index("policy_version_version", "version", unique=True),
)

# "case" is a reserved word.
household_case = sa.Table(
    "household_case",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("household_id", UUID(), nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("moved_from", sa.Text),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("opened_on", sa.Date, nullable=False),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("identified_on", sa.Date),
    sa.Column("refusal", sa.Text),
    sa.Column("departed", sa.Boolean, nullable=False),
    sa.Column("tracked", sa.Boolean, nullable=False),
    sa.Column("green_channel", sa.Boolean, nullable=False),
    sa.Column("leads", ARRAY(UUID()), nullable=False),
    sa.Column("county", sa.Text),
    sa.Column("advice_row", sa.SmallInteger),
    sa.Column("risks", ARRAY(sa.Text)),
    sa.Column("labour_capable", sa.Boolean),
    sa.Column("measures", sa.Integer),
    sa.Column("late", sa.Boolean),
    sa.Column("concluded_on", sa.Date),
    sa.Column("eliminated_on", sa.Date),
    sa.Column("can_work", sa.Boolean),
    sa.Column("begun", ARRAY(sa.Text)),
    sa.Column("development", sa.Integer),
    sa.Column("elimination_mode", sa.Text),
    sa.Column("elimination_income", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("household_case_household", "household_id"),
    sa.Index("household_case_division", "division"),
    sa.Index("household_case_concluded", "concluded_on"),
    # One open case and one active category a household, province-wide (R7, R25).
    sa.Index(
        "household_case_one_active",
        "household_id",
        unique=True,
        postgresql_where=sa.text("status in ('OPEN', 'IDENTIFIED')"),
    ),
)

work_item = sa.Table(
    "work_item",
    metadata,
    sa.Column("stream_id", UUID(), nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("household_id", UUID(), nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("county", sa.Text, nullable=False),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("ready_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("clock", sa.Text, nullable=False),
    sa.Column("source", sa.Text),
    sa.Column("green_channel", sa.Boolean),
    sa.Column("officers", ARRAY(sa.Text)),
    sa.PrimaryKeyConstraint("stream_id", "step", "level"),
    # A county's queue is read in its order, and a town's is a slice of it; a village's is small;
    # above the county the whole is read in its order.
    sa.Index("work_item_queue", "county", "level", "priority", "due_on", "stream_id", "step"),
    sa.Index("work_item_village", "division", "priority", "due_on", "stream_id", "step", "level"),
    sa.Index("work_item_order", "priority", "due_on", "stream_id", "step", "level"),
)

finding = sa.Table(
    "finding",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("case_id", UUID()),
    sa.Column("household_id", UUID()),
    sa.Column("raised_on", sa.Date, nullable=False),
    sa.Column("figures", JSONB, nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("answered_on", sa.Date),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("finding_division", "division", "stream_id"),
)

delegation = sa.Table(
    "delegation",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.Column("revoked_on", sa.Date),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("delegation_holder", "division", "holder"),
)

officer = sa.Table(
    "officer",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("officer_division", "division"),
    sa.Index("officer_subject", "subject", "known_at"),
)

coordination = sa.Table(
    "coordination",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("held_on", sa.Date, nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Index("coordination_division", "division", "stream_id"),
)

# One row a case that has any: a case's act then costs no statement more.
lapse = sa.Table(
    "lapse",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("told_to", ARRAY(sa.Text), nullable=False),
    sa.Column("lapses", JSONB, nullable=False),
    sa.Index("lapse_division", "division", "stream_id"),
    sa.Index("lapse_told_to", "told_to", postgresql_using="gin"),
)
