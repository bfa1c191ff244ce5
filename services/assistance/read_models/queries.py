"""What people ask: the queue, one plan with its measures, the chase list, one elimination.

Every query is scoped to the asking principal's division; what lies outside does not exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.plan_state import Stage
from services.assistance.read_models.tables import elimination, measure, no_labour, plan
from shared.kernel.division import NATION
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound
from shared.policy.rules import rule

Json = dict[str, Any]
QueueKey = tuple[bool, date, UUID]
"""Not urgent, due, id: the order of the queue."""
ChaseKey = tuple[date, UUID]
"""Due, measure: the order of the chase list."""
RecentKey = tuple[date, UUID]
"""Proposed, id: the order of the eliminations."""


class Lacking(StrEnum):
    """What a household under help may be without, though it should not be."""

    HELP = "HELP"
    """No measure was ever carried out (R76, R111)."""
    COMPLETENESS = "COMPLETENESS"
    """The plan in force lacks something that it had when it was submitted (R44, R77, R78, R80)."""


_LACKS = {
    Lacking.HELP: sa.and_(
        plan.c.stage.in_([Stage.PROVISIONAL.value, Stage.PLANNING.value, Stage.IN_FORCE.value]),
        plan.c.implemented_measures == 0,
    ),
    Lacking.COMPLETENESS: plan.c.incomplete,
}

_QUEUE_COLUMNS = (
    plan.c.stream_id.label("plan_id"),
    plan.c.version,
    plan.c.case_id,
    plan.c.household_id,
    plan.c.region.label("division"),
    plan.c.stage,
    plan.c.urgent,
    plan.c.category,
    plan.c.members,
    plan.c.labour_capable,
    plan.c.identified_on,
    plan.c.approved_on,
    plan.c.submitted,
    plan.c.measures,
    plan.c.development_measures,
    plan.c.implemented_measures,
    plan.c.due_on,
    plan.c.eliminated_on,
)
_MEASURE_COLUMNS = (
    measure.c.measure_id,
    measure.c.stream_id.label("plan_id"),
    *(column for column in measure.c if column.name not in {"stream_id", "measure_id", "region"}),
    measure.c.region.label("division"),
)
_ELIMINATION_COLUMNS = (
    elimination.c.stream_id.label("elimination_id"),
    *(column for column in elimination.c if column.name not in {"stream_id", "region"}),
    elimination.c.region.label("division"),
)


@dataclass(frozen=True)
class Asked:
    """Who asks, for which part of their division, and as of which day."""

    principal: Principal
    division: str | None
    today: date

    def scope(self, region: sa.Column[str]) -> sa.ColumnElement[bool]:
        """The rows in the principal's subtree, and in the division asked for (R1)."""
        parts = [_inside(region, self.principal.division)]
        if self.division is not None:
            parts.append(_inside(region, self.division))
        return sa.and_(*parts)


def _inside(region: sa.Column[str], division: str) -> sa.ColumnElement[bool]:
    if division == NATION:
        return sa.true()
    return region.startswith(division, autoescape=True)


async def division_of(connection: AsyncConnection, principal: Principal, household_id: UUID) -> str:
    """Where a household that is or was helped lives. Raises ``NotFound`` outside the caller's."""
    query = sa.select(plan.c.region).where(
        plan.c.household_id == household_id, _inside(plan.c.region, principal.division)
    )
    found: str | None = (await connection.execute(query.limit(1))).scalar_one_or_none()
    if found is None:
        raise NotFound("户", "household")
    return found


async def plans(
    connection: AsyncConnection,
    asked: Asked,
    *,
    stage: Stage | None,
    lacking: Lacking | None,
    overdue: bool,
    after: QueueKey | None,
    limit: int,
) -> Sequence[Json]:
    """The queue: urgent ones first, then by their last day. Up to ``limit`` rows."""
    query = sa.select(*_QUEUE_COLUMNS).where(asked.scope(plan.c.region))
    if stage is not None:
        query = query.where(plan.c.stage == stage.value)
    if lacking is not None:
        query = query.where(_LACKS[lacking])
    if overdue:
        query = query.where(plan.c.due_on < asked.today)
    order = sa.tuple_(sa.not_(plan.c.urgent), plan.c.due_on, plan.c.stream_id)
    if after is not None:
        query = query.where(order > sa.tuple_(*map(sa.literal, after)))
    rows = await connection.execute(query.order_by(*order.clauses).limit(limit))
    return [_shown(row) for row in rows.mappings()]


async def one_plan(
    connection: AsyncConnection,
    asked: Asked,
    *,
    plan_id: UUID | None = None,
    case_id: UUID | None = None,
) -> Json:
    """One plan with everything of it. Raises ``NotFound``."""
    key = plan.c.stream_id == plan_id if plan_id is not None else plan.c.case_id == case_id
    query = sa.select(*_QUEUE_COLUMNS, plan.c.detail).where(key, asked.scope(plan.c.region))
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("帮扶计划", "plan")
    shown = _shown(row)
    shown.update(shown.pop("detail"))
    shown["measures"] = await _measures_of(connection, row["plan_id"])
    shown["eliminations"] = await _eliminations_of(connection, row["case_id"])
    shown["no_labour"] = await _flag_of(connection, row["household_id"])
    shown["other_plans"] = await _others_of(connection, asked, row)
    return shown


async def measures(
    connection: AsyncConnection,
    asked: Asked,
    *,
    status: MeasureStatus,
    department: str | None,
    overdue: bool,
    after: ChaseKey | None,
    limit: int,
) -> Sequence[Json]:
    """The chase list: measures of a status, the soonest due first (R90, R102)."""
    query = sa.select(*_MEASURE_COLUMNS).where(
        asked.scope(measure.c.region), measure.c.status == status.value
    )
    if department is not None:
        query = query.where(measure.c.department == department)
    if overdue:
        query = query.where(measure.c.due_on < asked.today)
    order = sa.tuple_(measure.c.due_on, measure.c.measure_id)
    if after is not None:
        query = query.where(order > sa.tuple_(*map(sa.literal, after)))
    rows = await connection.execute(query.order_by(*order.clauses).limit(limit))
    return [_shown(row) for row in rows.mappings()]


async def eliminations(
    connection: AsyncConnection,
    asked: Asked,
    *,
    status: str | None,
    early: bool | None,
    unfinished: bool = False,
    after: RecentKey | None,
    limit: int,
) -> Sequence[Json]:
    """Eliminations, the oldest proposal first; ``early`` lists 突击消除 (R93, R114).

    ``unfinished``: only those with a step to be done.
    """
    query = sa.select(*_ELIMINATION_COLUMNS).where(asked.scope(elimination.c.region))
    if status is not None:
        query = query.where(elimination.c.status == status)
    if early is not None:
        query = query.where(elimination.c.early == early)
    if unfinished:
        query = query.where(sa.func.jsonb_array_length(elimination.c.detail["next"]) > 0)
    order = sa.tuple_(elimination.c.proposed_on, elimination.c.stream_id)
    if after is not None:
        query = query.where(order > sa.tuple_(*map(sa.literal, after)))
    rows = await connection.execute(query.order_by(*order.clauses).limit(limit))
    return [_flat(row) for row in rows.mappings()]


async def one_elimination(connection: AsyncConnection, asked: Asked, elimination_id: UUID) -> Json:
    """One elimination with its steps. Raises ``NotFound``."""
    query = sa.select(*_ELIMINATION_COLUMNS).where(
        elimination.c.stream_id == elimination_id, asked.scope(elimination.c.region)
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("风险消除", "elimination")
    return _flat(row)


async def _measures_of(connection: AsyncConnection, plan_id: UUID) -> list[Json]:
    query = (
        sa.select(*_MEASURE_COLUMNS)
        .where(measure.c.stream_id == plan_id)
        .order_by(measure.c.filed_on, measure.c.measure_id)
    )
    return [_shown(row) for row in (await connection.execute(query)).mappings()]


async def _eliminations_of(connection: AsyncConnection, case_id: UUID) -> list[Json]:
    query = (
        sa.select(
            elimination.c.stream_id.label("elimination_id"),
            elimination.c.number,
            elimination.c.status,
        )
        .where(elimination.c.case_id == case_id)
        .order_by(elimination.c.number)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


@rule("R105")
async def _others_of(connection: AsyncConnection, asked: Asked, row: sa.RowMapping) -> list[Json]:
    """The household's other plans: it was identified before, or has been since (R105)."""
    query = (
        sa.select(
            plan.c.stream_id.label("plan_id"),
            plan.c.case_id,
            plan.c.stage,
            plan.c.identified_on,
            plan.c.eliminated_on,
        )
        .where(
            asked.scope(plan.c.region),
            plan.c.household_id == row["household_id"],
            plan.c.stream_id != row["plan_id"],
        )
        .order_by(plan.c.approved_on, plan.c.stream_id)
    )
    return [dict(other) for other in (await connection.execute(query)).mappings()]


async def _flag_of(connection: AsyncConnection, household_id: UUID) -> bool:
    query = sa.select(no_labour.c.flagged).where(no_labour.c.household_id == household_id)
    return bool((await connection.execute(query)).scalar_one_or_none())


def _shown(row: sa.RowMapping) -> Json:
    """A row as it is answered: a date that only sorts last is none."""
    shown = dict(row)
    if shown["due_on"] == date.max:
        shown["due_on"] = None
    return shown


def _flat(row: sa.RowMapping) -> Json:
    shown = dict(row)
    shown.update(shown.pop("detail"))
    return shown
