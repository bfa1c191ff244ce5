"""What handlers look up besides the streams: the policy book, the flag, how many proposals."""

from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.assistance.domain.delegation import Held
from services.assistance.read_models import tables
from shared.policy.parameters import PolicyVersion


async def policy_book(connection: AsyncConnection) -> tuple[PolicyVersion, ...]:
    """Every policy this service knows; a few rows a year."""
    rows = await connection.execute(sa.select(tables.policy.c.data))
    return tuple(PolicyVersion.model_validate(row.data) for row in rows)


async def proposals(connection: AsyncConnection, case_id: UUID) -> int:
    """How often the case's elimination has been proposed so far."""
    count = sa.select(sa.func.count()).where(tables.elimination.c.case_id == case_id)
    return int((await connection.execute(count)).scalar_one())


async def is_flagged(connection: AsyncConnection, household_id: UUID) -> bool:
    """Whether the household is flagged as wholly without labour (R96)."""
    query = sa.select(tables.no_labour.c.flagged).where(
        tables.no_labour.c.household_id == household_id
    )
    return bool((await connection.execute(query)).scalar_one_or_none())


async def held(connection: AsyncConnection, holder: str, county: str) -> tuple[Held, ...]:
    """The delegations that a person has or had in a county (R53)."""
    table = tables.delegation
    query = sa.select(
        table.c.stream_id, table.c.document, table.c.valid_from, table.c.valid_until
    ).where(table.c.holder == holder, table.c.county == county)
    return tuple(Held(*row) for row in await connection.execute(query))


async def latest_plan(connection: AsyncConnection, household_id: UUID) -> UUID | None:
    """The household's plan that is not closed, the latest first; ``None`` without one."""
    query = (
        sa.select(tables.plan.c.stream_id)
        .where(tables.plan.c.household_id == household_id, tables.plan.c.stage != "CLOSED")
        .order_by(tables.plan.c.approved_on.desc().nulls_first())
        .limit(1)
    )
    found: UUID | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def category_of(connection: "asyncpg.Connection[Any]", stream_id: UUID) -> str | None:
    """The category of a stream; ``None`` for one that does not exist."""
    found: str | None = await connection.fetchval(
        "select category from es.event where stream_id = $1 and version = 1", stream_id
    )
    return found


async def lock_plan(connection: AsyncConnection, plan_id: UUID) -> None:
    """Let no flag, risk or elimination of this household be decided beside the one at hand.

    A lock on one household's row: nobody else waits.
    """
    row = sa.select(tables.plan.c.stream_id).where(tables.plan.c.stream_id == plan_id)
    await connection.execute(row.with_for_update())
