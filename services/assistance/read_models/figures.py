"""The figures of a division and a period, counted from the plans, measures and eliminations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.assistance.domain.plan_state import MeasureStatus, Stage
from services.assistance.read_models.queries import Asked
from services.assistance.read_models.tables import elimination, measure, plan

Figures = dict[str, Any]
_UNDER_HELP = [stage.value for stage in (Stage.PLANNING, Stage.IN_FORCE)]


@dataclass(frozen=True)
class Period:
    """Both days included."""

    first: date
    last: date

    def holds(self, day: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Whether a day lies in it."""
        return day.between(self.first, self.last)


async def figures(connection: AsyncConnection, asked: Asked, period: Period) -> Figures:
    """Everything in one answer: households, eliminations, measures, time to plan, overdue."""
    return {
        **await _plans(connection, asked, period),
        **await _eliminations(connection, asked, period),
        "measures": await _measures(connection, asked, period),
        **await _overdue(connection, asked),
    }


async def _plans(connection: AsyncConnection, asked: Asked, period: Period) -> Figures:
    days = plan.c.submitted_on - plan.c.approved_on
    in_period = period.holds(plan.c.approved_on)
    query = sa.select(
        sa.func.count().filter(in_period).label("identified"),
        sa.func.count().filter(plan.c.stage.in_(_UNDER_HELP)).label("under_help"),
        sa.func.coalesce(
            sa.func.sum(plan.c.members).filter(plan.c.stage.in_(_UNDER_HELP)), 0
        ).label("people_under_help"),
        sa.func.count().filter(plan.c.stage == Stage.PROVISIONAL.value).label("in_green_channel"),
        sa.func.count().filter(in_period, plan.c.submitted_on.is_not(None)).label("plans_made"),
        sa.func.percentile_disc(0.5)
        .within_group(days)
        .filter(in_period, plan.c.submitted_on.is_not(None))
        .label("days_to_plan_median"),
        sa.func.max(days).filter(in_period).label("days_to_plan_longest"),
    ).where(asked.scope(plan.c.region))
    return _plain((await connection.execute(query)).mappings().one())


async def _eliminations(connection: AsyncConnection, asked: Asked, period: Period) -> Figures:
    """No ratio is given: there is none to reach (R92)."""
    query = sa.select(
        sa.func.count().label("eliminated"),
        sa.func.count().filter(elimination.c.mode == "NATURAL").label("eliminated_naturally"),
        sa.func.count().filter(elimination.c.early).label("eliminated_early"),
    ).where(asked.scope(elimination.c.region), period.holds(elimination.c.eliminated_on))
    return _plain((await connection.execute(query)).mappings().one())


async def _measures(connection: AsyncConnection, asked: Asked, period: Period) -> Sequence[Figures]:
    """Measures filed in the period, by kind and fund, with the money in 分."""
    query = (
        sa.select(
            measure.c.kind,
            measure.c.fund,
            sa.func.count().label("filed"),
            sa.func.count().filter(measure.c.started_on.is_not(None)).label("started"),
            sa.func.count().filter(measure.c.development).label("development"),
            sa.cast(sa.func.sum(measure.c.amount), sa.BigInteger).label("amount"),
            sa.cast(sa.func.sum(measure.c.paid), sa.BigInteger).label("paid"),
        )
        .where(asked.scope(measure.c.region), period.holds(measure.c.filed_on))
        .group_by(measure.c.kind, measure.c.fund)
        .order_by(measure.c.kind, measure.c.fund)
    )
    return [_plain(row) for row in (await connection.execute(query)).mappings()]


async def _overdue(connection: AsyncConnection, asked: Asked) -> Figures:
    """As of today: plans not submitted in time (R89), measures not started in time (R90)."""
    plans = sa.select(sa.func.count()).where(
        asked.scope(plan.c.region), plan.c.due_on < asked.today
    )
    measures = sa.select(sa.func.count()).where(
        asked.scope(measure.c.region),
        measure.c.status == MeasureStatus.FILED.value,
        measure.c.due_on < asked.today,
    )
    return {
        "plans_overdue": (await connection.execute(plans)).scalar_one(),
        "measures_overdue": (await connection.execute(measures)).scalar_one(),
    }


def _plain(row: sa.RowMapping) -> Figures:
    """A row with keys that are plain strings, as the JSON writer wants them."""
    return {str(name): value for name, value in row.items()}
