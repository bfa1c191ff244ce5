"""The detectors of a county's numbers: rushes before a date, approvals by the dozen (R75, R114).

Every threshold is a parameter of the policy in force in the county (K7).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from statistics import median

import sqlalchemy as sa

from services.identification.domain.internal import RaiseFinding
from services.identification.read_models.tables import household_case as case
from services.identification.read_models.watching import Watched, of_county
from shared.contracts.findings import FindingKind
from shared.policy.rules import rule
from shared.store.tables import event


@rule("R114")
async def rush_identification(watched: Watched) -> list[RaiseFinding]:
    """突击识别: this month or the last far above the median of the twelve before it (R114)."""
    last = watched.today.replace(day=1) - timedelta(days=1)
    found = []
    for county, by_month in (await _monthly(watched)).items():
        numbers = watched.numbers(county)
        for day in (last, watched.today):
            now = by_month.get(_month(day), 0)
            usual = median(by_month.get(name, 0) for name in _months_before(day, 12))
            if now >= numbers.rush_month_at_least and now > numbers.rush_month_times * usual:
                kind, month = FindingKind.RUSH_IDENTIFICATION, _month(day)
                found.append(of_county(kind, "R114", county, month, count=now, median=str(usual)))
    return found


@rule("R114")
async def bulk_approval(watched: Watched) -> list[RaiseFinding]:
    """Many approvals of a county within minutes, by one person or by several: nobody read them."""
    actor = event.c.meta["actor"].astext
    county = sa.func.left(event.c.region, 6)
    query = (
        sa.select(county.label("county"), event.c.recorded_at, actor.label("actor"))
        .where(event.c.type == "Approved", event.c.category == "case")
        .where(watched.inside(event.c.region))
        .order_by(county, event.c.recorded_at)
    )
    by_county: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for row in await watched.tx.sql.execute(query):
        by_county[row.county].append((row.recorded_at, row.actor))
    found = []
    for name, approvals in by_county.items():
        numbers = watched.numbers(name)
        window = timedelta(minutes=numbers.bulk_minutes)
        moments = [moment for moment, _ in approvals]
        for start, size in bursts(moments, window, numbers.bulk_approvals):
            by = sorted({who for _, who in approvals[start : start + size]})
            found.append(
                of_county(
                    FindingKind.BULK_APPROVAL,
                    "R114",
                    name,
                    f"{moments[start]:%Y-%m-%dT%H:%M}",
                    count=size,
                    from_moment=moments[start].isoformat(),
                    approvers=", ".join(by),
                )
            )
    return found


@rule("R114")
async def rush_elimination(watched: Watched) -> list[RaiseFinding]:
    """突击消除: most of a county's eliminations of a year fall within thirty days (R114)."""
    query = (
        sa.select(case.c.county, case.c.eliminated_on)
        .where(case.c.eliminated_on.is_not(None), watched.inside(case.c.division))
        .order_by(case.c.county, case.c.eliminated_on)
    )
    days: dict[tuple[str, int], list[date]] = defaultdict(list)
    for row in await watched.tx.sql.execute(query):
        days[row.county, row.eliminated_on.year].append(row.eliminated_on)
    found = []
    for (county, year), dates in days.items():
        numbers = watched.numbers(county)
        most = _most_within(dates, numbers.rush_elimination_days)
        is_most = most * 100 > numbers.rush_elimination_percent * len(dates)
        if most >= numbers.rush_elimination_at_least and is_most:
            figures = {"count": most, "of": len(dates)}
            kind = FindingKind.RUSH_ELIMINATION
            found.append(of_county(kind, "R114", county, str(year), **figures))
    return found


@rule("R75")
async def channel_share(watched: Watched) -> list[RaiseFinding]:
    """More of a year's identifications by the green channel than an emergency explains (R75)."""
    year = watched.today.year
    query = (
        sa.select(case.c.county, sa.func.count().label("all"))
        .add_columns(sa.func.count().filter(case.c.green_channel).label("by_channel"))
        .where(case.c.identified_on >= date(year, 1, 1), watched.inside(case.c.division))
        .group_by(case.c.county)
    )
    found = []
    for county, all_, by_channel in await watched.tx.sql.execute(query):
        numbers = watched.numbers(county)
        share = by_channel * 100 > numbers.channel_share_percent * all_
        if by_channel >= numbers.channel_at_least and share:
            figures = {"count": by_channel, "of": all_}
            kind = FindingKind.GREEN_CHANNEL_SHARE
            found.append(of_county(kind, "R75", county, str(year), **figures))
    return found


async def _monthly(watched: Watched) -> dict[str, dict[str, int]]:
    month = sa.func.to_char(case.c.identified_on, "YYYY-MM")
    query = (
        sa.select(case.c.county, month.label("month"), sa.func.count().label("count"))
        .where(case.c.identified_on.is_not(None), watched.inside(case.c.division))
        .group_by(case.c.county, month)
    )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for county, name, count in await watched.tx.sql.execute(query):
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


def _most_within(dates: Sequence[date], days: int) -> int:
    """The most of ``dates``, which are in order, that any ``days`` days hold."""
    wide = timedelta(days=days - 1)
    return max(bisect_right(dates, start + wide) - at for at, start in enumerate(dates))


def bursts(moments: Sequence[datetime], window: timedelta, bulk: int) -> list[tuple[int, int]]:
    """Where a burst begins and how many it has, of moments in order; bursts do not overlap."""
    bursts: list[tuple[int, int]] = []
    start = 0
    while start < len(moments):
        size = bisect_right(moments, moments[start] + window) - start
        if size >= bulk:
            bursts.append((start, size))
        start += size if size >= bulk else 1
    return bursts
