"""The lists behind after-care, comparison, ledger and findings."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.plan_state import Stage
from services.assistance.domain.rush import Counts, findings
from services.assistance.read_models.queries import Asked
from services.assistance.read_models.tables import (
    elimination,
    ledger,
    measure,
    no_labour,
    plan,
)
from services.assistance.read_models.tables import (
    off_register as off_register_table,
)
from shared.policy.parameters import PolicyVersion, in_force

Rows = list[dict[str, Any]]


async def helped(connection: AsyncConnection, asked: Asked) -> Sequence[tuple[UUID, str]]:
    """Every household that is or was helped, with its village, by village."""
    query = (
        sa.select(plan.c.household_id, plan.c.region)
        .where(asked.scope(plan.c.region), plan.c.stage != Stage.CLOSED.value)
        .distinct()
        .order_by(plan.c.region, plan.c.household_id)
    )
    return [(row.household_id, row.region) for row in await connection.execute(query)]


async def missing_refreshes(
    connection: AsyncConnection, asked: Asked, year: int, limit: int
) -> Rows:
    """Eliminated before or in ``year`` and not refreshed for it, the longest eliminated first."""
    query = (
        sa.select(
            plan.c.stream_id.label("plan_id"),
            plan.c.household_id,
            plan.c.region.label("division"),
            plan.c.eliminated_on,
        )
        .where(
            asked.scope(plan.c.region),
            plan.c.stage == Stage.AFTER_CARE.value,
            sa.extract("year", plan.c.eliminated_on) < year,
            sa.not_(plan.c.detail["refreshed"].contains([year])),
            # Where nobody is left there is nobody to ask (R94): no clock was started.
            plan.c.refresh_due_on.is_not(None),
        )
        .order_by(plan.c.eliminated_on, plan.c.stream_id)
        .limit(limit)
    )
    return await _rows(connection, query)


async def ending(connection: AsyncConnection, asked: Asked, days: int, limit: int) -> Rows:
    """Running measures that end within ``days``, the soonest first."""
    query = (
        sa.select(
            measure.c.measure_id,
            measure.c.stream_id.label("plan_id"),
            measure.c.household_id,
            measure.c.region.label("division"),
            measure.c.kind,
            measure.c.department,
            measure.c.ends_on,
        )
        .where(
            asked.scope(measure.c.region),
            measure.c.status == MeasureStatus.STARTED.value,
            measure.c.ends_on <= asked.today + timedelta(days=days),
        )
        .order_by(measure.c.ends_on, measure.c.measure_id)
        .limit(limit)
    )
    return await _rows(connection, query)


async def mismatches(connection: AsyncConnection, asked: Asked, limit: int) -> Rows:
    """Households whose flag and support disagree."""
    query = (
        sa.select(
            no_labour.c.household_id,
            no_labour.c.region.label("division"),
            no_labour.c.flagged,
            no_labour.c.mismatch,
            no_labour.c.compared.label("quarter"),
        )
        .where(asked.scope(no_labour.c.region), no_labour.c.mismatch.is_not(None))
        .order_by(no_labour.c.region, no_labour.c.household_id)
        .limit(limit)
    )
    return await _rows(connection, query)


async def uncompared(connection: AsyncConnection, asked: Asked, quarter: str, limit: int) -> Rows:
    """Flagged households of which the quarter's comparison has said nothing yet (R99)."""
    query = (
        sa.select(
            no_labour.c.household_id,
            no_labour.c.region.label("division"),
            no_labour.c.basis,
            no_labour.c.compared.label("last_compared"),
            no_labour.c.due_on,
        )
        .where(asked.scope(no_labour.c.region), no_labour.c.flagged, no_labour.c.compared < quarter)
        .order_by(no_labour.c.region, no_labour.c.household_id)
        .limit(limit)
    )
    return await _rows(connection, query)


async def off_register(connection: AsyncConnection, asked: Asked, limit: int) -> Rows:
    """Households helped, or nearly so, outside the register."""
    table = off_register_table
    query = (
        sa.select(
            table.c.household_id,
            table.c.region.label("division"),
            table.c.times,
            table.c.last_kind,
            table.c.last_on,
        )
        .where(asked.scope(table.c.region))
        .order_by(table.c.last_on.desc(), table.c.household_id)
        .limit(limit)
    )
    return await _rows(connection, query)


async def listed(connection: AsyncConnection, asked: Asked) -> dict[str, dict[str, Any]]:
    """What stands in the ledger: since when, when the county last went through it, by division."""
    query = (
        sa.select(
            ledger.c.region,
            ledger.c.since,
            ledger.c.reviewed_on,
            ledger.c.mass_relapse_risk,
            ledger.c.due_on.label("review_due_on"),
        )
        .where(asked.scope(ledger.c.region))
        .order_by(ledger.c.region)
    )
    return {row.pop("region"): row for row in await _rows(connection, query)}


async def rush(
    connection: AsyncConnection, asked: Asked, on: date, book: Sequence[PolicyVersion]
) -> Rows:
    """What R114 notices, county by county, as of a day, by the numbers in force there."""
    identified = await _by_day(connection, asked, plan, plan.c.approved_on, on)
    eliminated = await _by_day(connection, asked, elimination, elimination.c.eliminated_on, on)
    early = await _early(connection, asked, on)
    counties = sorted({*identified, *eliminated, *early})
    return [
        {"division": county, **vars(finding)}
        for county in counties
        for finding in findings(
            in_force(book, county, on).parameters,
            on,
            identified.get(county, {}),
            eliminated.get(county, {}),
            early.get(county, 0),
        )
    ]


async def _by_day(
    connection: AsyncConnection, asked: Asked, table: sa.Table, day: sa.Column[Any], on: date
) -> dict[str, Counts]:
    """How many a day and county, over the thirteen months that end on ``on``."""
    county = sa.func.left(table.c.region, 6)
    query = (
        sa.select(county.label("county"), day.label("day"), sa.func.count().label("number"))
        .where(asked.scope(table.c.region), day > on - timedelta(days=400), day <= on)
        .group_by(county, day)
    )
    found: dict[str, Counts] = {}
    for row in await connection.execute(query):
        found.setdefault(row.county, {})[row.day] = row.number
    return found


async def _early(connection: AsyncConnection, asked: Asked, on: date) -> dict[str, int]:
    county = sa.func.left(elimination.c.region, 6)
    query = (
        sa.select(county.label("county"), sa.func.count().label("number"))
        .where(
            asked.scope(elimination.c.region),
            elimination.c.early,
            sa.extract("year", elimination.c.eliminated_on) == on.year,
            elimination.c.eliminated_on <= on,
        )
        .group_by(county)
    )
    return {row.county: row.number for row in await connection.execute(query)}


async def _rows(connection: AsyncConnection, query: sa.Select[Any]) -> Rows:
    return [dict(row) for row in (await connection.execute(query)).mappings()]
