"""The corrections as lists: what is open where, at which gate, until when; and their targets."""

from collections import Counter
from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.domain import policies
from services.audit.domain.correction import CORRECTION, Correction, Status
from services.audit.domain.known import KnownStream
from services.audit.log.tables import entry
from shared.kernel.division import NATION
from shared.kernel.event import Event, Recorded
from shared.kernel.principal import Principal
from shared.store.views import View

metadata = sa.MetaData()

correction = sa.Table(
    "correction",
    metadata,
    sa.Column("stream_id", PGUUID(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("gate", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("requested_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Column("content_sha256", sa.Text, nullable=False),
    sa.Index("correction_city", "city", "status"),
)

target = sa.Table(
    "correction_target",
    metadata,
    sa.Column("stream_id", PGUUID(), primary_key=True),
    sa.Column("target", PGUUID(), primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("to_version", sa.Integer),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Index("correction_target_open", "target", unique=True, postgresql_where=sa.text("is_open")),
)


def _rows(state: Correction, last: Recorded[Event]) -> list[dict[str, Any]]:
    due = [running.deadline.due_on for running in state.clocks.values()]
    return [
        {
            "stream_id": last.stream_id,
            "version": last.version,
            "city": state.city,
            "kind": state.kind.value,
            "status": state.status.value,
            "gate": state.gate.name.value if state.gate else None,
            "reason": state.reason.value,
            "requested_on": state.requested_on,
            "due_on": min(due, default=None),
            "content_sha256": state.content_sha256,
        }
    ]


def _targets(state: Correction, last: Recorded[Event]) -> list[dict[str, Any]]:
    pending = state.status in {Status.OPEN, Status.AUTHORIZED}
    return [
        {
            "stream_id": last.stream_id,
            "target": item.stream_id,
            "service": item.service,
            "version": item.version,
            "to_version": item.to_version,
            "is_open": pending and item.stream_id not in state.executed,
        }
        for item in state.targets
    ]


VIEWS = (
    View(table=correction, category=CORRECTION.name, rows=_rows),
    View(
        table=target,
        category=CORRECTION.name,
        rows=_targets,
        conflicts={"correction_target_open": policies.another_is_open},
    ),
)


def _any_of(streams: Collection[UUID]) -> sa.CollectionAggregate[bool]:
    """One parameter, however many there are."""
    return sa.any_(sa.literal(list(streams), ARRAY(PGUUID())))


async def known_streams(
    connection: AsyncConnection, streams: Collection[UUID]
) -> dict[UUID, KnownStream]:
    """What the log says of these streams."""
    rows = await connection.execute(
        sa.select(entry)
        .where(entry.c.stream_id == _any_of(streams))
        .ext(distinct_on(entry.c.stream_id))
        .order_by(entry.c.stream_id, entry.c.version.desc())
    )
    return {
        row.stream_id: KnownStream(row.service, row.category, row.version, row.region)
        for row in rows
    }


async def open_targets(connection: AsyncConnection, streams: Collection[UUID]) -> dict[UUID, UUID]:
    """Which of these streams an open correction is about, and which correction."""
    rows = await connection.execute(
        sa.select(target.c.target, target.c.stream_id).where(
            target.c.target == _any_of(streams), target.c.is_open
        )
    )
    return {row.target: row.stream_id for row in rows}


async def rates(
    connection: AsyncConnection, asker: Principal, *, since: date
) -> list[dict[str, Any]]:
    """How many corrections each city asked for since a day, why, and what became of them (R109)."""
    number = sa.func.count()
    wanted = (
        sa.select(correction.c.city, correction.c.reason, correction.c.status, number)
        .where(correction.c.requested_on >= since)
        .group_by(correction.c.city, correction.c.reason, correction.c.status)
        .order_by(correction.c.city)
    )
    if asker.division != NATION:
        wanted = wanted.where(correction.c.city.startswith(asker.division, autoescape=True))
    cities: dict[str, dict[str, Any]] = {}
    for city, reason, status, count in await connection.execute(wanted):
        made = cities.setdefault(
            city, {"city": city, "requested": 0, "reasons": Counter(), "statuses": Counter()}
        )
        made["requested"] += count
        made["reasons"][reason] += count
        made["statuses"][status] += count
    return list(cities.values())


async def listed(
    connection: AsyncConnection,
    asker: Principal,
    *,
    status: str | None,
    after: UUID | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Corrections within the asker's divisions, the newest first."""
    wanted = sa.select(correction).order_by(correction.c.stream_id.desc()).limit(limit)
    if asker.division != NATION:
        # A city's correction is the business of those above and, below, of nobody.
        wanted = wanted.where(correction.c.city.startswith(asker.division, autoescape=True))
    if status is not None:
        wanted = wanted.where(correction.c.status == status)
    if after is not None:
        wanted = wanted.where(correction.c.stream_id < after)
    return [dict(row) for row in (await connection.execute(wanted)).mappings()]
