"""The figures of the 2% ledger, counted from the plans of today (R110, R111)."""

from collections.abc import Mapping, Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.assistance.domain.plan_state import Stage
from services.assistance.read_models.tables import no_labour, plan, population
from shared.contracts.help import LedgerEntry

UNDER_HELP = (Stage.PLANNING.value, Stage.IN_FORCE.value)
"""Identified and not eliminated; the green channel is no identification (R75)."""
_TOWN_DIGITS = 9


async def figures_of(
    connection: AsyncConnection, division: str, today: date
) -> tuple[LedgerEntry, ...]:
    """Every village with a known population inside ``division``, and their towns."""
    populations = await _populations(connection, division, today)
    counted = await _counted(connection, division)
    villages = [
        LedgerEntry(
            division=village,
            population=people,
            **counted.get(village, {"people": 0, "households": 0, "without_measure": 0}),
        )
        for village, people in sorted(populations.items())
    ]
    return (*_towns(villages), *villages)


async def _populations(
    connection: AsyncConnection, division: str, today: date
) -> Mapping[str, int]:
    """The latest known rural registered population of each village, by this year at the latest."""
    query = (
        sa.select(population.c.region, population.c.people)
        .ext(distinct_on(population.c.region))
        .where(
            population.c.region.startswith(division, autoescape=True),
            population.c.year <= today.year,
        )
        .order_by(population.c.region, population.c.year.desc())
    )
    return {row.region: row.people for row in await connection.execute(query)}


async def without_population(
    connection: AsyncConnection, division: str, today: date
) -> Sequence[str]:
    """Villages with households under help whose population nobody has imported: not counted."""
    known = await _populations(connection, division, today)
    counted = await _counted(connection, division)
    return sorted(set(counted) - set(known))


async def towns(connection: AsyncConnection) -> Sequence[str]:
    """Every town with a known population: those that a ledger can be counted for."""
    town = sa.func.left(population.c.region, _TOWN_DIGITS)
    query = sa.select(town.label("town")).distinct().order_by(town)
    return list((await connection.execute(query)).scalars())


async def _counted(connection: AsyncConnection, division: str) -> Mapping[str, dict[str, int]]:
    """People and households under help by village, flagged households left out (R110)."""
    flagged = sa.select(no_labour.c.household_id).where(no_labour.c.flagged)
    query = (
        sa.select(
            plan.c.region,
            sa.func.sum(plan.c.members).label("people"),
            sa.func.count().label("households"),
            sa.func.count().filter(plan.c.implemented_measures == 0).label("without_measure"),
        )
        .where(
            plan.c.region.startswith(division, autoescape=True),
            plan.c.stage.in_(UNDER_HELP),
            plan.c.household_id.not_in(flagged),
        )
        .group_by(plan.c.region)
    )
    return {
        row.region: {
            "people": row.people,
            "households": row.households,
            "without_measure": row.without_measure,
        }
        for row in await connection.execute(query)
    }


def _towns(villages: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    by_town: dict[str, list[LedgerEntry]] = {}
    for entry in villages:
        by_town.setdefault(entry.division[:_TOWN_DIGITS], []).append(entry)
    return [
        LedgerEntry(
            division=town,
            people=sum(item.people for item in inside),
            population=sum(item.population for item in inside),
            households=sum(item.households for item in inside),
            without_measure=sum(item.without_measure for item in inside),
        )
        for town, inside in by_town.items()
    ]
