"""突击识别 and 突击消除: numbers that jump (R114; PROPOSED thresholds). Noticed, never blocked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

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
    on: date, identified: Mapping[date, int], eliminated: Mapping[date, int], early: int
) -> Iterator[Finding]:
    """What stands out in a county on a day, from its numbers by day."""
    yield from _jump("identified-in-a-rush", on, identified)
    yield from _jump("eliminated-in-a-rush", on, eliminated)
    yield from _bunch(on, eliminated)
    if early:
        yield Finding("eliminated-before-the-half-year", early, 0)


def _jump(code: str, on: date, counts: Mapping[date, int]) -> Iterator[Finding]:
    """This month more than three times the median of the twelve before, and ten at least."""
    months = [_month(counts, on.year, on.month - back) for back in range(13)]
    usual = float(median(months[1:]))
    if months[0] >= 10 and months[0] > 3 * usual:
        yield Finding(code, months[0], usual)


def _bunch(on: date, counts: Mapping[date, int]) -> Iterator[Finding]:
    """More than two fifths of the year's eliminations within thirty days, ten at least."""
    year = {day: number for day, number in counts.items() if day.year == on.year}
    whole = sum(year.values())
    densest = max(
        (
            sum(number for day, number in year.items() if start <= day < start + timedelta(days=30))
            for start in year
        ),
        default=0,
    )
    if densest >= 10 and densest * 5 > whole * 2:
        yield Finding("eliminated-in-a-bunch", densest, float(whole))


def _month(counts: Mapping[date, int], year: int, month: int) -> int:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return sum(number for day, number in counts.items() if (day.year, day.month) == (year, month))
