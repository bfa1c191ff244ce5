"""Counting days as the law counts them (K1–K3): natural days and months, and working days."""

import re
from calendar import monthrange
from datetime import date, timedelta

import chinese_calendar

from shared.kernel.deadline import Deadline
from shared.kernel.refusal import Invalid
from shared.policy.rules import rule

_LENGTH = re.compile(r"^(\d+)(d|wd|m)$")


class UnknownCalendarYear(Invalid):
    """The State Council has not published that year's holidays: no guess is made."""

    def __init__(self, year: int) -> None:
        super().__init__(
            "R117",
            code="unknown-calendar-year",
            zh=f"{year}年的节假日安排尚未收录,无法计算工作日",
            en=f"the working days of {year} are not known",
        )


def is_working_day(day: date) -> bool:
    """Whether offices work on ``day``, make-up days (调休) included.

    Raises ``UnknownCalendarYear`` beyond the published calendars.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        raise UnknownCalendarYear(day.year) from None


@rule("K1", "K3")
def after(start: date, length: str) -> date:
    """The last day of a period of ``length`` that starts on ``start`` (that day not counted).

    ``15d`` natural days, ``5wd`` working days, ``1m`` months: the same day of the month, clamped
    to the month's end (K3: 01-31 and one month → 02-28).
    """
    match = _LENGTH.match(length)
    if match is None:
        raise ValueError(f"not a length: {length!r}")
    number, unit = int(match[1]), match[2]
    if unit == "d":
        return start + timedelta(days=number)
    if unit == "m":
        return _add_months(start, number)
    return _add_working_days(start, number)


def working_day_before(day: date) -> date:
    """The nearest working day before ``day``: the hotline's yellow card (R117)."""
    before = day - timedelta(days=1)
    while not is_working_day(before):
        before -= timedelta(days=1)
    return before


def deadline(
    kind: str,
    rule: str,
    starts_on: date,
    length: str,
    *,
    policy: str,
    warn: tuple[str, ...] = (),
    escalate: tuple[str, int] = ("1d", 0),
) -> Deadline:
    """A clock started now, its due date and warning days counted once and for ever.

    ``warn`` holds lengths from the start, e.g. ``("10d", "13d", "15d")`` for R54. ``escalate``:
    how long a miss waits before one level more hears of it, and how many more there are.
    """
    due_on = after(starts_on, length)
    wait, levels = escalate
    higher = [due_on]
    for _ in range(levels):
        higher.append(after(higher[-1], wait))
    return Deadline(
        kind=kind,
        rule=rule,
        starts_on=starts_on,
        length=length,
        due_on=due_on,
        warn_on=tuple(after(starts_on, item) for item in warn),
        escalate_on=tuple(higher[1:]),
        policy=policy,
    )


def _add_months(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    month += 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def _add_working_days(start: date, days: int) -> date:
    day = start
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return day
