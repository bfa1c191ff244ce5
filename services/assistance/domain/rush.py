"""突击识别 and 突击消除: numbers that jump (R114), by the policy's numbers. Never blocked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from shared.policy.parameters import Parameters
from shared.policy.rules import rule

Counts = dict[date, int]
"""How many a day."""


@dataclass(frozen=True)
class Finding:
    """One thing noticed about one county."""

    code: str
    number: int
    """How many there were."""
    usual: float
    """What they were held against."""


@rule("R114")
def findings(
    numbers: Parameters,
    on: date,
    identified: Mapping[date, int],
    eliminated: Mapping[date, int],
    early: int,
) -> Iterator[Finding]:
    """What stands out in a county on a day, from its numbers by day."""
    yield from _jump(numbers, "identified-in-a-rush", on, identified)
    yield from _jump(numbers, "eliminated-in-a-rush", on, eliminated)
    yield from _bunch(numbers, on, eliminated)
    if early:
        yield Finding("eliminated-before-the-half-year", early, 0)


def _jump(
    numbers: Parameters, code: str, on: date, counts: Mapping[date, int]
) -> Iterator[Finding]:
    """This month far above the median of the twelve before, and not a few only."""
    months = [_month(counts, on.year, on.month - back) for back in range(13)]
    usual = float(median(months[1:]))
    if months[0] >= numbers.rush_month_at_least and months[0] > numbers.rush_month_times * usual:
        yield Finding(code, months[0], usual)


def _bunch(numbers: Parameters, on: date, counts: Mapping[date, int]) -> Iterator[Finding]:
    """Most of the year's eliminations within some days, and not a few only."""
    year = {day: number for day, number in counts.items() if day.year == on.year}
    whole, window = sum(year.values()), timedelta(days=numbers.rush_elimination_days)
    densest = max(
        (
            sum(number for day, number in year.items() if start <= day < start + window)
            for start in year
        ),
        default=0,
    )
    many = densest >= numbers.rush_elimination_at_least
    if many and densest * 100 > whole * numbers.rush_elimination_percent:
        yield Finding("eliminated-in-a-bunch", densest, float(whole))


def _month(counts: Mapping[date, int], year: int, month: int) -> int:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return sum(number for day, number in counts.items() if (day.year, day.month) == (year, month))
