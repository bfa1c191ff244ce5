"""Counting days as the law counts them (K1–K3): natural days and months, and working days."""

import re
from calendar import monthrange
from datetime import date, timedelta

from shared.kernel.deadline import Deadline
from shared.policy.rules import rule
from shared.policy.working_days import Calendar, is_working_day

_LENGTH = re.compile(r"^(\d+)(d|wd|m)$")


@rule("K1", "K3")
def after(start: date, length: str, published: Calendar | None = None) -> date:
    """The last day of a period of ``length`` that starts on ``start`` (that day not counted).

    ``15d`` natural days, ``5wd`` working days, ``1m`` months: the same day of the month, clamped
    to the month's end (K3: 01-31 and one month → 02-28). ``published``: the working years that
    the province has published.
    """
    match = _LENGTH.match(length)
    if match is None:
        raise ValueError(f"not a length: {length!r}")
    number, unit = int(match[1]), match[2]
    if unit == "d":
        return start + timedelta(days=number)
    if unit == "m":
        return _add_months(start, number)
    return _add_working_days(start, number, published)


def working_day_before(day: date, published: Calendar | None = None) -> date:
    """The nearest working day before ``day``: the hotline's yellow card (R117)."""
    before = day - timedelta(days=1)
    while not is_working_day(before, published):
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
    published: Calendar | None = None,
) -> Deadline:
    """A clock started now, its due date and warning days counted once and for ever.

    ``warn`` holds lengths from the start, e.g. ``("10d", "13d", "15d")`` for R54. ``escalate``:
    how long a miss waits before one level more hears of it, and how many more there are.
    ``published``: the working years that the province has published.
    """
    due_on = after(starts_on, length, published)
    wait, levels = escalate
    higher = [due_on]
    for _ in range(levels):
        higher.append(after(higher[-1], wait, published))
    return Deadline(
        kind=kind,
        rule=rule,
        starts_on=starts_on,
        length=length,
        due_on=due_on,
        warn_on=tuple(after(starts_on, item, published) for item in warn),
        escalate_on=tuple(higher[1:]),
        policy=policy,
    )


def _add_months(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    month += 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def _add_working_days(start: date, days: int, published: Calendar | None) -> date:
    day = start
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day, published)
    return day
