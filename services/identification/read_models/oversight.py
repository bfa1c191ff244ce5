"""What counties and cities look at: the funnel, the trend, the departures, the findings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identification.read_models.tables import (
    coordination,
    delegation,
    finding,
    household_case,
    lapse,
    work_item,
)
from shared.policy.rules import rule


@rule("R75")
async def funnel(connection: AsyncConnection, division: str, today: date) -> Mapping[str, Any]:
    """How many cases stand where; how many things are overdue; the green channel's share (R75)."""
    case = household_case.c
    counts = sa.select(
        case.status,
        sa.func.count().label("cases"),
        sa.func.count().filter(case.green_channel).label("green_channel"),
        sa.func.count().filter(case.departed).label("departed"),
        sa.func.count().filter(case.late).label("late"),
        sa.func.count().filter(case.tracked).label("followed"),
    )
    counts = counts.where(_inside(case.division, division)).group_by(case.status)
    rows = (await connection.execute(counts)).mappings().all()
    item = work_item.c
    steps = (
        sa.select(
            item.step,
            sa.func.count().label("count"),
            sa.func.count().filter(item.due_on < today).label("overdue"),
        )
        .where(_inside(item.division, division))
        .group_by(item.step, item.level)
        .order_by(item.step)
    )
    # A thing to do has a row for each level that can do it, the same levels for all of a step:
    # any one level's count is the step's, and nothing has to be sorted to count cases once.
    waiting = {row["step"]: dict(row) for row in (await connection.execute(steps)).mappings()}
    return {
        "division": division,
        "statuses": {row["status"]: row["cases"] for row in rows},
        "waiting_for": list(waiting.values()),
        **{name: sum(row[name] for row in rows) for name in _TOTALS},
    }


_TOTALS = ("green_channel", "departed", "late", "followed", "cases")


_WIDTH_INSIDE = {"CN": 2, 2: 4, 4: 6, 6: 9, 9: 12, 12: 12}
"""How many digits the codes directly inside a division have."""


async def places(
    connection: AsyncConnection, division: str, today: date
) -> Sequence[Mapping[str, Any]]:
    """The divisions directly inside one that have cases, each with its numbers; by code."""
    width = _WIDTH_INSIDE["CN" if division == "CN" else len(division)]
    case = household_case.c
    place = sa.func.left(case.division, width)
    counts = (
        sa.select(
            place.label("division"),
            sa.func.count().label("cases"),
            *(
                sa.func.count().filter(case.status == status).label(status.lower())
                for status in ("OPEN", "IDENTIFIED", "NOT_IDENTIFIED", "ELIMINATED")
            ),
        )
        .where(_inside(case.division, division))
        .group_by(place)
        .order_by(place)
    )
    item = work_item.c
    late = (
        sa.select(sa.func.left(item.division, width).label("place"))
        .where(_inside(item.division, division), item.due_on < today)
        .group_by("place", item.stream_id)
        .subquery()
    )
    late_cases = sa.select(late.c.place, sa.func.count()).group_by(late.c.place)
    overdue = {row[0]: row[1] for row in await connection.execute(late_cases)}
    rows = (await connection.execute(counts)).mappings()
    return [{**row, "overdue": overdue.get(row["division"], 0)} for row in rows]


async def trend(connection: AsyncConnection, division: str, since: date) -> Sequence[Any]:
    """Month by month: cases opened, identified, not identified, eliminated."""
    case = household_case.c
    days = sa.union_all(
        *(
            sa.select(sa.literal(name).label("name"), column.label("day"), sa.func.count())
            .where(_inside(case.division, division), column >= since, also)
            .group_by(column)
            for name, column, also in (
                ("opened", case.opened_on, sa.true()),
                ("identified", case.identified_on, sa.true()),
                ("not_identified", case.concluded_on, case.status == "NOT_IDENTIFIED"),
                ("eliminated", case.eliminated_on, sa.true()),
            )
        )
    )
    # By day there, by month here: making text of every date costs more than counting them.
    counts: dict[str, Counter[str]] = {}
    for name, day, count in await connection.execute(days):
        counts.setdefault(f"{day:%Y-%m}", Counter())[name] += count
    names = ("opened", "identified", "not_identified", "eliminated")
    return [
        {"month": month, **{name: counts[month][name] for name in names}}
        for month in sorted(counts)
    ]


async def departures(
    connection: AsyncConnection, division: str, *, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Decisions that depart from the advice, for the city's sampling (A3)."""
    case = household_case.c
    query = (
        sa.select(
            case.stream_id.label("case_id"),
            case.household_id,
            case.division,
            case.status,
            case.category,
            case.refusal,
            case.advice_row,
            case.concluded_on,
        )
        .where(case.departed, _inside(case.division, division))
        .order_by(case.stream_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(case.stream_id > after)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def findings(
    connection: AsyncConnection,
    division: str,
    *,
    unanswered: bool,
    after: UUID | None,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """The findings of a division, answered ones too; none is ever deleted (R50)."""
    query = (
        sa.select(finding)
        .where(_inside(finding.c.division, division))
        .order_by(finding.c.stream_id)
        .limit(limit)
    )
    if unanswered:
        query = query.where(finding.c.answer.is_(None))
    if after is not None:
        query = query.where(finding.c.stream_id > after)
    rows = (await connection.execute(query)).mappings()
    return [{"id": row["stream_id"], **_without_stream(row)} for row in rows]


async def lapses(
    connection: AsyncConnection,
    division: str,
    *,
    mine: bool,
    kind: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """Cases with what was late, missed or entered late; ``mine``: what the division was told."""
    where = lapse.c.told_to.contains([division]) if mine else _inside(lapse.c.division, division)
    query = sa.select(lapse).where(where).order_by(lapse.c.stream_id).limit(limit)
    if kind is not None:
        query = query.where(lapse.c.lapses.contains([{"kind": kind}]))
    if after is not None:
        query = query.where(lapse.c.stream_id > after)
    return [
        {
            "case_id": row["stream_id"],
            "division": row["division"],
            "lapses": [
                item
                for item in row["lapses"]
                if kind in {None, item["kind"]} and (not mine or item["told_to"] == division)
            ],
        }
        for row in (await connection.execute(query)).mappings()
    ]


async def delegations(
    connection: AsyncConnection, division: str, *, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Who may approve in the committees' place, and who might once (R53)."""
    return await _listed(connection, delegation, division, after=after, limit=limit)


async def coordinated(
    connection: AsyncConnection, division: str, *, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Joint meetings and mergings of policies (R45, R47)."""
    return await _listed(connection, coordination, division, after=after, limit=limit)


async def _listed(
    connection: AsyncConnection, table: sa.Table, division: str, *, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    query = (
        sa.select(table)
        .where(_inside(table.c.division, division))
        .order_by(table.c.stream_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(table.c.stream_id > after)
    rows = (await connection.execute(query)).mappings()
    return [{"id": row["stream_id"], **_without_stream(row)} for row in rows]


def _without_stream(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "stream_id"}


def _inside(column: sa.ColumnElement[str], division: str) -> sa.ColumnElement[bool]:
    return sa.true() if division == "CN" else column.like(f"{division}%")
