"""The door's own tables, in schema ``access`` of each service: machines' keys, callers' counts."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

metadata = sa.MetaData(schema="access")

machine_key = sa.Table(
    "machine_key",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("machine_id", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("feeds", ARRAY(sa.Text), nullable=False),
    sa.Column("issued_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Column("last_used_at", sa.DateTime(timezone=True)),
    sa.Index("machine_key_machine", "machine_id"),
)

quota = sa.Table(
    "quota",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    prefixes=["UNLOGGED"],
)
