"""The queries, each within the caller's divisions (R1), paged by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerts.read_models.tables import alert, lead, work_order
from shared.kernel.division import NATION
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound

Row = Mapping[str, Any]


class OrderKey(NamedTuple):
    """The order of the orders: the soonest due first."""

    handle_by: date
    order_id: UUID


class LeadKey(NamedTuple):
    """The order of the leads: the oldest first."""

    discovered_on: date
    lead_id: UUID


class AlertKey(NamedTuple):
    """The order of the alerts: as they came."""

    received_at: datetime
    alert_id: UUID


@dataclass(frozen=True)
class Asked:
    """Whose question it is, and which part of the answer."""

    principal: Principal
    division: str | None
    """Only this division's subtree, within the caller's own."""
    after: tuple[Any, ...] | None
    limit: int


async def orders(
    connection: AsyncConnection, asked: Asked, filters: Mapping[str, Any]
) -> Sequence[Row]:
    """Work orders; ``filters`` are columns and their values."""
    query = sa.select(work_order).where(*_equal(work_order, filters))
    scope = inside(asked, work_order.c.division, work_order.c.unit)
    return await _page(connection, query, scope, work_order.c.handle_by, asked)


async def order(connection: AsyncConnection, principal: Principal, order_id: UUID) -> Row:
    """One order. Raises ``NotFound`` outside the caller's divisions."""
    places = (work_order.c.division, work_order.c.unit)
    found = await _one(connection, work_order, order_id, principal, places)
    if found is None:
        raise NotFound("工单", "work order")
    return found


async def leads(
    connection: AsyncConnection, asked: Asked, filters: Mapping[str, Any]
) -> Sequence[Row]:
    """Leads; ``filters`` are columns and their values."""
    query = sa.select(lead).where(*_equal(lead, filters))
    scope = inside(asked, lead.c.division, lead.c.reported_division)
    return await _page(connection, query, scope, lead.c.discovered_on, asked)


async def one_lead(connection: AsyncConnection, principal: Principal, lead_id: UUID) -> Row:
    """One lead. Raises ``NotFound`` outside the caller's divisions."""
    places = (lead.c.division, lead.c.reported_division)
    found = await _one(connection, lead, lead_id, principal, places)
    if found is None:
        raise NotFound("线索", "lead")
    return found


async def alerts(
    connection: AsyncConnection, asked: Asked, filters: Mapping[str, Any]
) -> Sequence[Row]:
    """Alerts; ``filters`` are columns and their values."""
    query = sa.select(alert).where(*_equal(alert, filters))
    if asked.principal.feeds:
        # A machine sees what it sent, whoever's household it turned out to be.
        query = query.where(alert.c.feed.in_(sorted(asked.principal.feeds)))
    scope = inside(asked, alert.c.division, alert.c.reported_division)
    return await _page(connection, query, scope, alert.c.received_at, asked)


async def one_alert(connection: AsyncConnection, principal: Principal, alert_id: UUID) -> Row:
    """One alert. Raises ``NotFound`` outside the caller's divisions and feeds."""
    places = (alert.c.division, alert.c.reported_division)
    found = await _one(connection, alert, alert_id, principal, places)
    if found is None or (principal.feeds and found["feed"] not in principal.feeds):
        raise NotFound("预警", "alert")
    return found


async def _page(
    connection: AsyncConnection,
    query: sa.Select[Any],
    scope: sa.ColumnElement[bool],
    first: sa.ColumnElement[Any],
    asked: Asked,
) -> Sequence[Row]:
    key = (first, query.selected_columns["stream_id"])
    query = query.where(scope).order_by(*key).limit(asked.limit)
    if asked.after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*asked.after))
    return [shown(row) for row in (await connection.execute(query)).mappings()]


async def _one(
    connection: AsyncConnection,
    table: sa.Table,
    stream_id: UUID,
    principal: Principal,
    places: Sequence[sa.ColumnElement[str]],
) -> Row | None:
    query = sa.select(table).where(
        table.c.stream_id == stream_id, within(principal.division, *places)
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else shown(row)


def shown(row: sa.RowMapping) -> Row:
    """A row as it is answered: its stream is its id."""
    return {"id" if name == "stream_id" else str(name): row[name] for name in row}


def _equal(table: sa.Table, filters: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """Each column is what is asked for, or one of what is asked for; nothing asks for anything."""
    return [
        table.c[name].in_(value) if isinstance(value, list) else table.c[name] == value
        for name, value in filters.items()
        if value is not None and value != []
    ]


def inside(asked: Asked, *places: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether one of the places lies where the question, and the caller, may look."""
    own = within(asked.principal.division, *places)
    if asked.division is None:
        return own
    return sa.and_(own, within(asked.division, *places))


def within(division: str, *places: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether any of the places lies in the subtree: a range of the index, digits below ``:``."""
    if division == NATION:
        return sa.true()
    return sa.or_(*(sa.and_(place >= division, place < f"{division}:") for place in places))
