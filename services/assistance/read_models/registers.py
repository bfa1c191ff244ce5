"""The lists behind after-care, comparison, ledger and findings."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.plan_state import Stage
from services.assistance.read_models.queries import Asked
from services.assistance.read_models.tables import (
    ledger,
    measure,
    no_labour,
    plan,
)
from services.assistance.read_models.tables import (
    off_register as off_register_table,
)

Rows = list[dict[str, Any]]


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


async def _rows(connection: AsyncConnection, query: sa.Select[Any]) -> Rows:
    return [dict(row) for row in (await connection.execute(query)).mappings()]
