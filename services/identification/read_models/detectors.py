"""The detectors: what the cases of a division show that somebody must answer for (R48–R50, R114).

Each is one query. A finding's id follows from what was found, so that a detector may run any number
of times. Nothing is blocked by a finding and nothing is decided by it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identification.domain.internal import RaiseFinding
from services.identification.read_models.tables import household_case as case
from services.identification.read_models.tables import work_item
from shared.contracts.findings import FindingKind
from shared.kernel.ids import named_id
from shared.policy.legal_time import after
from shared.policy.rules import rule
from shared.store.tables import event

MONTH_TIMES, MONTH_AT_LEAST = 3, 10
"""突击识别: a month of more than 3 times the median of the 12 before, and 10 or more (R114)."""
BULK, BULK_MINUTES = 20, 10
"""20 approvals or more by one person within 10 minutes (R114)."""
RUSH_PERCENT, RUSH_DAYS, RUSH_AT_LEAST = 40, 30, 10
"""突击消除: over 40% of a year's eliminations within 30 days, of 10 or more (R114)."""
HALF_YEAR = "6m"
"""R93, R114."""


@dataclass(frozen=True)
class Watched:
    """Where and when a detector looks."""

    division: str
    """Everything inside it; ``CN`` is everything."""
    today: date


Detector = Callable[[AsyncConnection, Watched], Any]


async def detect(connection: AsyncConnection, watched: Watched) -> Sequence[RaiseFinding]:
    """Everything that all detectors find."""
    found: list[RaiseFinding] = []
    for detector in DETECTORS:
        found += await detector(connection, watched)
    return found


@rule("R48")
async def omitted_eligible(connection: AsyncConnection, watched: Watched) -> list[RaiseFinding]:
    """应纳未纳: rows 3 or 6 of the table, and refused, or still open past the last day (R48)."""
    overdue = (
        sa.exists()
        .where(work_item.c.stream_id == case.c.stream_id)
        .where(work_item.c.due_on < watched.today)
    )
    query = _cases(watched).where(
        case.c.advice_row.in_([3, 6]),
        sa.or_(case.c.status == "NOT_IDENTIFIED", sa.and_(case.c.status == "OPEN", overdue)),
    )
    return [
        _of_case(FindingKind.OMITTED_ELIGIBLE, "R48", row, advice_row=row.advice_row)
        for row in await connection.execute(query)
    ]


@rule("R49")
async def off_register(connection: AsyncConnection, watched: Watched) -> list[RaiseFinding]:
    """体外循环: measures run for a household neither identified nor in the green channel (R49)."""
    query = _cases(watched).where(
        case.c.measures > 0,
        sa.or_(
            case.c.status.in_(["NOT_IDENTIFIED", "EXITED"]),
            sa.and_(case.c.status == "OPEN", sa.not_(case.c.green_channel)),
        ),
    )
    return [
        _of_case(FindingKind.OFF_REGISTER, "R49", row, measures=row.measures)
        for row in await connection.execute(query)
    ]


@rule("R114")
async def quick_elimination(connection: AsyncConnection, watched: Watched) -> list[RaiseFinding]:
    """Identified and eliminated within the half-year (R93, R114)."""
    query = _cases(watched).where(case.c.eliminated_on.is_not(None))
    return [
        _of_case(
            FindingKind.QUICK_ELIMINATION,
            "R114",
            row,
            identified_on=str(row.identified_on),
            eliminated_on=str(row.eliminated_on),
        )
        for row in await connection.execute(query)
        if row.eliminated_on < after(row.identified_on, HALF_YEAR)
    ]


@rule("R114")
async def rush_identification(connection: AsyncConnection, watched: Watched) -> list[RaiseFinding]:
    """A county's last whole month against the median of the twelve before it (R114)."""
    month = watched.today.replace(day=1) - timedelta(days=1)
    counts = await _monthly(connection, watched)
    found = []
    for county, by_month in counts.items():
        now = by_month.get(_month(month), 0)
        before = [by_month.get(name, 0) for name in _months_before(month, 12)]
        if now >= MONTH_AT_LEAST and now > MONTH_TIMES * median(before):
            found.append(
                _of_county(
                    FindingKind.RUSH_IDENTIFICATION,
                    county,
                    _month(month),
                    count=now,
                    median=str(median(before)),
                )
            )
    return found


@rule("R114")
async def bulk_approval(connection: AsyncConnection, watched: Watched) -> list[RaiseFinding]:
    """Many approvals by one person within minutes: nobody read them (R114)."""
    actor = event.c.meta["actor"].astext
    query = (
        sa.select(actor.label("actor"), sa.func.left(event.c.region, 6).label("county"))
        .add_columns(event.c.recorded_at)
        .where(
            event.c.type == "Approved", event.c.category == "case", _inside(event.c.region, watched)
        )
        .order_by(actor, event.c.recorded_at)
    )
    times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for row in await connection.execute(query):
        times[row.actor, row.county].append(row.recorded_at)
    window = timedelta(minutes=BULK_MINUTES)
    return [
        _of_county(
            FindingKind.BULK_APPROVAL,
            county,
            f"{who} {moments[start]:%Y-%m-%dT%H:%M}",
            approver=who,
            count=size,
            from_moment=moments[start].isoformat(),
        )
        for (who, county), moments in times.items()
        for start, size in _bursts(moments, window)
    ]


@rule("R114")
async def rush_elimination(connection: AsyncConnection, watched: Watched) -> list[RaiseFinding]:
    """Most of a county's eliminations of a year fall within thirty days (R114)."""
    query = (
        sa.select(case.c.county, case.c.eliminated_on)
        .where(case.c.eliminated_on.is_not(None), _inside(case.c.division, watched))
        .order_by(case.c.county, case.c.eliminated_on)
    )
    days: dict[tuple[str, int], list[date]] = defaultdict(list)
    for row in await connection.execute(query):
        days[row.county, row.eliminated_on.year].append(row.eliminated_on)
    found = []
    for (county, year), dates in days.items():
        most = max(
            sum(start <= day < start + timedelta(days=RUSH_DAYS) for day in dates)
            for start in dates
        )
        if most >= RUSH_AT_LEAST and most * 100 > RUSH_PERCENT * len(dates):
            figures = {"count": most, "of": len(dates)}
            kind = FindingKind.RUSH_ELIMINATION
            found.append(_of_county(kind, county, str(year), **figures))
    return found


@rule("R50")
async def work_risk_without_labour(
    connection: AsyncConnection, watched: Watched
) -> list[RaiseFinding]:
    """务工就业不稳 as a risk of a household in which nobody can work: a slip in the form."""
    query = _cases(watched).where(
        case.c.status.in_(["OPEN", "IDENTIFIED"]),
        case.c.risks.contains(["UNSTABLE_EMPLOYMENT"]),
        sa.not_(case.c.labour_capable),
    )
    return [
        _of_case(FindingKind.NO_LABOUR_BUT_WORK_RISK, "R50", row)
        for row in await connection.execute(query)
    ]


DETECTORS: Sequence[Detector] = (
    omitted_eligible,
    off_register,
    quick_elimination,
    rush_identification,
    bulk_approval,
    rush_elimination,
    work_risk_without_labour,
)
"""All of them, run nightly and on demand."""


def _cases(watched: Watched) -> sa.Select[Any]:
    return sa.select(case).where(_inside(case.c.division, watched)).order_by(case.c.stream_id)


def _inside(column: sa.ColumnElement[str], watched: Watched) -> sa.ColumnElement[bool]:
    return sa.true() if watched.division == "CN" else column.like(f"{watched.division}%")


async def _monthly(connection: AsyncConnection, watched: Watched) -> dict[str, dict[str, int]]:
    month = sa.func.to_char(case.c.identified_on, "YYYY-MM")
    query = (
        sa.select(case.c.county, month.label("month"), sa.func.count().label("count"))
        .where(case.c.identified_on.is_not(None), _inside(case.c.division, watched))
        .group_by(case.c.county, month)
    )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for county, name, count in await connection.execute(query):
        counts[county][name] = count
    return counts


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _months_before(day: date, number: int) -> list[str]:
    names = []
    for _ in range(number):
        day = day.replace(day=1) - timedelta(days=1)
        names.append(_month(day))
    return names


def _bursts(moments: Sequence[datetime], window: timedelta) -> list[tuple[int, int]]:
    """Where a burst begins and how many it has, of moments in order; bursts do not overlap."""
    bursts: list[tuple[int, int]] = []
    start = 0
    while start < len(moments):
        size = bisect_right(moments, moments[start] + window) - start
        if size >= BULK:
            bursts.append((start, size))
        start += size if size >= BULK else 1
    return bursts


def _of_case(kind: FindingKind, rule_id: str, row: Any, **figures: int | str) -> RaiseFinding:
    return RaiseFinding(
        finding_id=named_id("finding", kind, str(row.stream_id)),
        kind=kind,
        rule=rule_id,
        division=row.county,
        case_id=row.stream_id,
        household_id=row.household_id,
        figures={"status": row.status, **figures},
    )


def _of_county(kind: FindingKind, county: str, when: str, **figures: int | str) -> RaiseFinding:
    return RaiseFinding(
        finding_id=named_id("finding", kind, county, when),
        kind=kind,
        rule="R114",
        division=county,
        figures={"when": when, **figures},
    )
