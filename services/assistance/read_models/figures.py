"""The figures of a division and a period, counted from the plans, measures and eliminations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.plan_state import Stage
from services.assistance.read_models.queries import Asked
from services.assistance.read_models.tables import elimination, ledger, measure, no_labour, plan
from shared.policy.rules import rule

Figures = dict[str, Any]
_MONITORED = [stage.value for stage in (Stage.PLANNING, Stage.IN_FORCE, Stage.AFTER_CARE)]
"""Identified and not withdrawn: under help, or eliminated since."""
_DUE = (
    ("plans", plan.c.region, plan.c.plan_due_on),
    ("first_help", plan.c.region, plan.c.help_due_on),
    ("refreshes", plan.c.region, plan.c.refresh_due_on),
    ("comparisons", no_labour.c.region, no_labour.c.due_on),
)
"""What is overdue as of today: plans (R89), first help (R70), refreshes (R106), comparisons (R99).
Measures have two such days, ledgers one a town; see ``_overdue``."""


@dataclass(frozen=True)
class Period:
    """Both days included."""

    first: date
    last: date

    def holds(self, day: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Whether a day lies in it."""
        return day.between(self.first, self.last)


async def figures(connection: AsyncConnection, asked: Asked, period: Period) -> Figures:
    """Everything in one answer: households, eliminations, measures, time to plan, overdue.

    What happened is counted in the period, who is under help on its last day (today at the latest),
    what is in the green channel and what is overdue as of today.
    """
    return {
        **await _plans(connection, asked, period),
        **await _eliminations(connection, asked, period),
        "measures": await _measures(connection, asked, period),
        **await _overdue(connection, asked),
    }


async def _plans(connection: AsyncConnection, asked: Asked, period: Period) -> Figures:
    days = plan.c.submitted_on - plan.c.approved_on
    in_period = sa.and_(period.holds(plan.c.approved_on), sa.not_(plan.c.withdrawn))
    made = sa.and_(in_period, plan.c.submitted_on.is_not(None))
    helped = sa.and_(
        plan.c.stage.in_(_MONITORED),
        plan.c.approved_on <= period.last,
        sa.or_(plan.c.eliminated_on.is_(None), plan.c.eliminated_on > period.last),
    )
    late = sa.and_(
        in_period, sa.func.coalesce(plan.c.submitted_on, asked.today) > plan.c.first_due_on
    )
    query = sa.select(
        sa.func.count().filter(in_period).label("identified"),
        sa.func.coalesce(sa.func.sum(plan.c.members).filter(in_period), 0).label(
            "people_identified"
        ),
        sa.func.count().filter(helped).label("under_help"),
        sa.func.coalesce(sa.func.sum(plan.c.members).filter(helped), 0).label("people_under_help"),
        sa.func.count()
        .filter(helped, plan.c.implemented_measures == 0)
        .label("under_help_without_measure"),
        sa.func.count().filter(plan.c.stage == Stage.PROVISIONAL.value).label("in_green_channel"),
        sa.func.count().filter(made).label("plans_made"),
        sa.func.count().filter(late).label("plans_late"),
        sa.func.percentile_disc(0.5).within_group(days).filter(made).label("days_to_plan_median"),
        sa.func.max(days).filter(made).label("days_to_plan_longest"),
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
    waiting = measure.c.status == MeasureStatus.FILED.value
    late = sa.or_(
        measure.c.started_on > measure.c.start_due_on,
        sa.and_(waiting, measure.c.start_due_on < asked.today),
    )
    query = (
        sa.select(
            measure.c.kind,
            measure.c.fund,
            sa.func.count().label("filed"),
            sa.func.count().filter(measure.c.started_on.is_not(None)).label("started"),
            sa.func.count().filter(measure.c.development).label("development"),
            sa.func.count().filter(late).label("late"),
            sa.cast(sa.func.sum(measure.c.amount), sa.BigInteger).label("amount"),
            sa.cast(sa.func.sum(measure.c.paid), sa.BigInteger).label("paid"),
        )
        .where(asked.scope(measure.c.region), period.holds(measure.c.filed_on))
        .group_by(measure.c.kind, measure.c.fund)
        .order_by(measure.c.kind, measure.c.fund)
    )
    return [_plain(row) for row in (await connection.execute(query)).mappings()]


@rule("R70", "R89", "R90", "R99", "R102", "R106", "R111")
async def _overdue(connection: AsyncConnection, asked: Asked) -> Figures:
    """As of today, by what should have been done."""
    counts = {
        name: sa.select(sa.func.count()).where(asked.scope(region), day < asked.today)
        for name, region, day in _DUE
    }
    late = sa.select(sa.func.count()).where(
        asked.scope(measure.c.region), measure.c.due_on < asked.today
    )
    counts["measures"] = late.where(measure.c.status == MeasureStatus.FILED.value)
    counts["measure_ends"] = late.where(measure.c.status == MeasureStatus.STARTED.value)
    counts["ledger_reviews"] = sa.select(
        sa.func.count(sa.distinct(sa.func.left(ledger.c.region, 9)))
    ).where(asked.scope(ledger.c.region), ledger.c.due_on < asked.today)
    query = sa.select(
        *(count.scalar_subquery().label(f"{name}_overdue") for name, count in counts.items())
    )
    return _plain((await connection.execute(query)).mappings().one())


def _plain(row: sa.RowMapping) -> Figures:
    """A row with keys that are plain strings, as the JSON writer wants them."""
    return {str(name): value for name, value in row.items()}
