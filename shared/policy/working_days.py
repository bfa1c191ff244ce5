"""Which days offices work: the State Council's yearly notice (节假日安排), make-up days included.

The package knows the years whose notice it has taken in. A later year is published by the province
as part of its policy, with the notice's document number; without either it is unknown, and unknown
it stays: nothing is guessed from the days of the week.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import chinese_calendar
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.kernel.refusal import Invalid
from shared.policy.rules import rule

_SATURDAY = 5
_FIXED = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
"""Month and day of the holidays that every year has on the same days (全国年节及纪念日放假办法)."""


class UnknownCalendarYear(Invalid):
    """The year's holidays are neither in the package nor published: no guess is made."""

    def __init__(self, year: int) -> None:
        super().__init__(
            "R117",
            code="unknown-calendar-year",
            zh=f"{year}年的节假日安排尚未收录,无法计算工作日;请省级按国务院办公厅通知发布该年工作日历",
            en=f"the working days of {year} are not known until the province publishes them",
        )
        self.year = year


class WorkingYear(BaseModel):
    """One year's notice: the days off, and the weekend days worked instead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: Annotated[str, StringConstraints(min_length=4, max_length=60)]
    """The notice's number: ``国办发明电〔2026〕9号``."""
    holidays: Annotated[tuple[date, ...], Field(min_length=11, max_length=60)]
    """Every day off (放假), those on a weekend may be among them."""
    make_up_days: Annotated[tuple[date, ...], Field(max_length=20)] = ()
    """Weekend days on which offices work (调休上班)."""

    def works_on(self, day: date) -> bool:
        """Whether offices work on ``day``, a day of this year."""
        weekend = day.weekday() >= _SATURDAY
        return day in self.make_up_days if weekend else day not in self.holidays


Calendar = Mapping[int, WorkingYear]
"""The years published, by year."""


def is_working_day(day: date, published: Calendar | None = None) -> bool:
    """Whether offices work on ``day``. Raises ``UnknownCalendarYear``."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        year = (published or {}).get(day.year)
    if year is None:
        raise UnknownCalendarYear(day.year)
    return year.works_on(day)


def known_until(today: date, published: Calendar | None = None) -> date | None:
    """The last day from ``today`` on that is known with all days before it; ``None``: not today."""
    year = today.year
    while _is_known(year, published):
        year += 1
    return None if year == today.year else date(year - 1, 12, 31)


def _is_known(year: int, published: Calendar | None) -> bool:
    try:
        is_working_day(date(year, 1, 1), published)
    except UnknownCalendarYear:
        return False
    return True


@rule("R117")
def notices_are_whole(published: Calendar, field: str) -> None:
    """A notice names days of its own year, each once, the fixed holidays among them.

    A list without those was typed by somebody who did not have the notice before them.
    """
    for year, notice in published.items():
        days = (*notice.holidays, *notice.make_up_days)
        fixed = {date(year, month, day) for month, day in _FIXED}
        foreign = any(day.year != year for day in days) or len(set(days)) != len(days)
        idle = any(day.weekday() < _SATURDAY for day in notice.make_up_days)
        if foreign or idle or not fixed <= set(notice.holidays):
            raise Invalid(
                "R117",
                code="calendar-not-whole",
                zh=f"{year}年工作日历与国务院办公厅通知不符:日期须为当年且不重复,调休上班日须为周末,"
                "元旦、劳动节、国庆节须在放假日内",
                en=f"the calendar of {year} is not a whole notice: days of that year, each once, "
                "make-up days on weekends, the fixed holidays among the days off",
                field=f"{field}.{year}",
            )
