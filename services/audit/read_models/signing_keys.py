"""People's signing keys as a list: whose, and whether they sign."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.domain import key_policies
from services.audit.domain.known import DecidersKey
from services.audit.domain.signing_key import SIGNING_KEY, KeyStatus, SigningKey
from shared.kernel.division import NATION
from shared.kernel.event import Event, Recorded
from shared.kernel.principal import Principal
from shared.store.views import View

metadata = sa.MetaData()

signing_key = sa.Table(
    "signing_key",
    metadata,
    sa.Column("stream_id", PGUUID(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Index("signing_key_public", "public_key", unique=True),
    sa.Index(
        "signing_key_active",
        "owner",
        unique=True,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    ),
)


def _rows(state: SigningKey, last: Recorded[Event]) -> list[dict[str, Any]]:
    return [
        {
            "stream_id": last.stream_id,
            "version": last.version,
            "owner": state.owner,
            "division": state.division,
            "public_key": state.public_key,
            "status": state.status.value,
        }
    ]


VIEW = View(
    table=signing_key,
    category=SIGNING_KEY.name,
    rows=_rows,
    conflicts={
        "signing_key_public": key_policies.key_is_taken,
        "signing_key_active": key_policies.one_key_a_person,
    },
)


async def active(connection: AsyncConnection, owner: str) -> DecidersKey | None:
    """The key that a person signs with."""
    rows = await connection.execute(
        sa.select(signing_key.c.stream_id, signing_key.c.public_key).where(
            signing_key.c.owner == owner, signing_key.c.status == KeyStatus.ACTIVE.value
        )
    )
    row = rows.one_or_none()
    return None if row is None else DecidersKey(row.stream_id, row.public_key)


async def public_keys(connection: AsyncConnection, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The public keys with these ids, whether or not they sign today."""
    chosen = signing_key.c.stream_id.in_(list(ids))
    rows = await connection.execute(
        sa.select(signing_key.c.stream_id, signing_key.c.public_key).where(chosen)
    )
    return {row.stream_id: row.public_key for row in rows}


async def one(connection: AsyncConnection, asker: Principal, key_id: UUID) -> dict[str, Any] | None:
    """A key of somebody within the asker's divisions."""
    wanted = sa.select(signing_key).where(signing_key.c.stream_id == key_id)
    row = (await connection.execute(wanted)).mappings().one_or_none()
    return dict(row) if row is not None and asker.covers(row["division"]) else None


async def listed(
    connection: AsyncConnection, asker: Principal, *, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Keys of people within the asker's divisions, the newest first."""
    wanted = sa.select(signing_key).order_by(signing_key.c.stream_id.desc()).limit(limit)
    if asker.division != NATION:
        wanted = wanted.where(signing_key.c.division.startswith(asker.division, autoescape=True))
    if after is not None:
        wanted = wanted.where(signing_key.c.stream_id < after)
    return [dict(row) for row in (await connection.execute(wanted)).mappings()]
