"""What waits to be delivered to a webhook, what was, and what is dead. Goes by real time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerts.domain.delivery import Attempt, DeliveryStatus
from services.alerts.read_models.tables import webhook
from shared.kernel.division import NATION
from shared.kernel.principal import Principal, Role

Connection: TypeAlias = "asyncpg.Connection[Any]"

hooks = sa.MetaData(schema="hooks")
delivery = sa.Table(
    "delivery",
    hooks,
    sa.Column("id", PG_UUID(), primary_key=True),
    sa.Column("webhook_id", PG_UUID(), nullable=False),
    sa.Column("event_id", PG_UUID(), nullable=False),
    sa.Column("stream_id", PG_UUID(), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("first_tried_at", sa.DateTime(timezone=True)),
    sa.Column("next_at", sa.DateTime(timezone=True)),
    sa.Column("last_tried_at", sa.DateTime(timezone=True)),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Index("delivery_event", "webhook_id", "event_id", unique=True),
    sa.Index(
        "delivery_due", "webhook_id", "next_at", postgresql_where=sa.text("status = 'WAITING'")
    ),
    sa.Index(
        "delivery_order",
        "webhook_id",
        "stream_id",
        "version",
        postgresql_where=sa.text("status = 'WAITING'"),
    ),
    sa.Index("delivery_status", "status", "queued_at", "id"),
)

# Whoever serves the division of the order is told; a message queued before is left alone.
_QUEUE = """
insert into hooks.delivery (id, webhook_id, event_id, stream_id, version, type, body, status,
                            tries, queued_at, next_at, last_error)
select gen_random_uuid(), w.stream_id, m.event_id, m.stream_id, m.version, m.type, m.body,
       'WAITING', 0, $7, $7, ''
  from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[])
       as m(event_id, stream_id, version, type, body, division)
  join webhook w on starts_with(m.division, w.division) and not w.removed
    on conflict (webhook_id, event_id) do nothing
"""
# The first message of each order that waits, if its time has come: an order's later ones wait for
# it, other orders' do not. So many a webhook, so that one that is slow does not hold up the others.
_DUE = """
select d.id, d.webhook_id, d.event_id, d.body, d.tries, d.first_tried_at
  from webhook w cross join lateral (
       select p.* from hooks.delivery p
        where p.webhook_id = w.stream_id and p.status = 'WAITING' and p.next_at <= $1
          and p.id <> all($2::uuid[])
          and not exists (
              select from hooks.delivery b
               where b.webhook_id = p.webhook_id and b.stream_id = p.stream_id
                 and b.status = 'WAITING' and b.version < p.version)
        order by p.next_at, p.id limit $3) d
 where w.stream_id <> all($4::uuid[]) and not w.removed
"""
_TRIED = """
update hooks.delivery
   set status = $2, tries = tries + 1, first_tried_at = coalesce(first_tried_at, $3),
       last_tried_at = $3, next_at = $4, last_status = $5, last_error = $6
 where id = $1 and status = 'WAITING'
"""
_AGAIN = """
update hooks.delivery
   set status = 'WAITING', tries = 0, first_tried_at = null, next_at = $2
 where webhook_id = $1 and status <> 'WAITING'
"""
_ONE = f"{_AGAIN} and id = $3"
_SINCE = f"{_AGAIN} and queued_at >= $3"
_DEAD = f"{_AGAIN} and status = 'DEAD'"
_GIVE_UP = """
update hooks.delivery set status = 'DEAD', next_at = null, last_error = 'webhook-removed'
 where webhook_id = $1 and status = 'WAITING'
"""
_FORGET = "delete from hooks.delivery where status = 'DELIVERED' and last_tried_at < $1"
_COUNTS = "select status, count(*) from hooks.delivery where status <> 'DELIVERED' group by status"

KEPT = timedelta(days=30)
"""So long what was delivered can be delivered again."""


@dataclass(frozen=True)
class Message:
    """One message to queue, for whoever serves its division."""

    event_id: UUID
    stream_id: UUID
    version: int
    type: str
    body: str
    division: str


@dataclass(frozen=True)
class Due:
    """One delivery whose time has come."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    body: str
    tries: int
    first_tried_at: datetime | None

    @property
    def message_id(self) -> str:
        """``webhook-id``: the same at every try and every replay."""
        return f"evt_{self.event_id.hex}"


class DeliveryKey(NamedTuple):
    """The order of the deliveries: as they were queued."""

    queued_at: datetime
    id: UUID


async def queue(connection: Connection, messages: Sequence[Message], at: datetime) -> None:
    """Queue messages for the webhooks there are."""
    columns = [
        [getattr(item, name) for item in messages]
        for name in ("event_id", "stream_id", "version", "type", "body", "division")
    ]
    await connection.execute(_QUEUE, *columns, at)


async def due(
    connection: Connection,
    now: datetime,
    *,
    each: int,
    besides: Collection[UUID],
    busy: Collection[UUID],
) -> list[Due]:
    """Deliveries to try now, at most ``each`` a webhook, ``besides`` those under way.

    Webhooks that are ``busy`` are left alone.
    """
    rows = await connection.fetch(_DUE, now, list(besides), each, list(busy))
    return [Due(**row) for row in rows]


async def tried(
    connection: Connection, id_: UUID, attempt: Attempt, next_at: datetime | None
) -> DeliveryStatus:
    """Note a try: delivered, to be tried again at ``next_at``, or dead."""
    status = DeliveryStatus.WAITING if next_at else DeliveryStatus.DEAD
    if attempt.delivered:
        status = DeliveryStatus.DELIVERED
    await connection.execute(
        _TRIED, id_, status, attempt.at, next_at, attempt.status, attempt.error
    )
    return status


async def again(
    connection: Connection,
    webhook_id: UUID,
    at: datetime,
    *,
    one: UUID | None = None,
    since: datetime | None = None,
) -> int:
    """Let deliveries wait anew, for three days more: one, those since a time, or all dead ones."""
    if one is not None:
        done = await connection.execute(_ONE, webhook_id, at, one)
    elif since is not None:
        done = await connection.execute(_SINCE, webhook_id, at, since)
    else:
        done = await connection.execute(_DEAD, webhook_id, at)
    return int(done.rpartition(" ")[2])


async def exists(connection: Connection, webhook_id: UUID, id_: UUID) -> bool:
    """Whether it is a delivery of that webhook."""
    found = await connection.fetchval(
        "select true from hooks.delivery where id = $1 and webhook_id = $2", id_, webhook_id
    )
    return bool(found)


async def give_up(connection: Connection, webhook_id: UUID) -> None:
    """What waits for a webhook that was removed is dead."""
    await connection.execute(_GIVE_UP, webhook_id)


async def forget(connection: Connection, now: datetime) -> None:
    """Drop what was delivered over ``KEPT`` ago."""
    await connection.execute(_FORGET, now - KEPT)


async def counts(connection: Connection) -> dict[str, int]:
    """How many wait and how many are dead."""
    found = dict(await connection.fetch(_COUNTS))
    return {"waiting": found.get("WAITING", 0), "dead": found.get("DEAD", 0)}


@dataclass(frozen=True)
class Wanted:
    """Which deliveries to show, and whose question it is."""

    principal: Principal
    webhook_id: UUID | None
    status: DeliveryStatus | None
    after: DeliveryKey | None
    limit: int


_SHOWN = (
    delivery.c.id,
    delivery.c.webhook_id,
    (sa.literal("evt_") + sa.func.replace(sa.cast(delivery.c.event_id, sa.Text), "-", "")).label(
        "message_id"
    ),
    delivery.c.type,
    delivery.c.status,
    delivery.c.tries,
    delivery.c.queued_at,
    delivery.c.first_tried_at,
    delivery.c.next_at,
    delivery.c.last_tried_at,
    delivery.c.last_status,
    delivery.c.last_error,
)


async def shown(connection: AsyncConnection, wanted: Wanted) -> list[dict[str, Any]]:
    """Deliveries as they were queued, without what they say."""
    key = (delivery.c.queued_at, delivery.c.id)
    query = (
        sa.select(*_SHOWN)
        .join(webhook, webhook.c.stream_id == delivery.c.webhook_id)
        .where(_seen_by(wanted.principal))
        .order_by(*key)
        .limit(wanted.limit)
    )
    if wanted.webhook_id is not None:
        query = query.where(delivery.c.webhook_id == wanted.webhook_id)
    if wanted.status is not None:
        query = query.where(delivery.c.status == wanted.status)
    if wanted.after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*wanted.after))
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def webhooks(
    connection: AsyncConnection, principal: Principal, webhook_id: UUID | None = None
) -> list[dict[str, Any]]:
    """The webhooks the caller may see: a hotline its own, people those of their division."""
    query = sa.select(webhook).where(_seen_by(principal)).order_by(webhook.c.stream_id)
    if webhook_id is not None:
        query = query.where(webhook.c.stream_id == webhook_id)
    rows = (await connection.execute(query)).mappings()
    return [{"id" if name == "stream_id" else name: row[name] for name in row} for row in rows]


def _seen_by(principal: Principal) -> sa.ColumnElement[bool]:
    if Role.HOTLINE in principal.roles:
        return webhook.c.owner == principal.subject
    if principal.division == NATION:
        return sa.true()
    return webhook.c.division.startswith(principal.division, autoescape=True)
