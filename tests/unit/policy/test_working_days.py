"""Which days are worked: known, published, or unknown and said so."""

from datetime import date, timedelta
from typing import Any

import pytest

from shared.kernel.refusal import Refusal
from shared.policy.legal_time import after, working_day_before
from shared.policy.parameters import Parameters, PolicyVersion, working_years
from shared.policy.working_days import (
    UnknownCalendarYear,
    WorkingYear,
    is_working_day,
    known_until,
    notices_are_whole,
)
from shared.testing.decider import rule

UNKNOWN = 2031
"""No notice of it will be in any package for years."""


def notice(year: int = UNKNOWN, **changes: Any) -> WorkingYear:
    """New Year to the 3rd, a week in May and in October; two weekend days made up."""
    days = [date(year, 1, day) for day in (1, 2, 3)]
    days += [date(year, 5, day) for day in range(1, 6)]
    days += [date(year, 10, day) for day in range(1, 8)]
    fields = {"document": f"国办发明电〔{year - 1}〕9号", "holidays": days}
    return WorkingYear(**{**fields, "make_up_days": [date(year, 9, 28)], **changes})


PUBLISHED = {UNKNOWN: notice()}


@rule("R117")
def test_an_unknown_year_is_no_guess() -> None:
    with pytest.raises(UnknownCalendarYear) as refused:
        is_working_day(date(UNKNOWN, 3, 3))
    assert (refused.value.rule, refused.value.code) == ("R117", "unknown-calendar-year")


@rule("R117", "K1")
def test_a_published_year_counts_as_its_notice_says() -> None:
    """From Friday, 26 September 2031: Sunday the 28th is made up, a week is off."""
    assert after(date(UNKNOWN, 9, 26), "4wd", PUBLISHED) == date(UNKNOWN, 10, 8)
    assert working_day_before(date(UNKNOWN, 10, 8), PUBLISHED) == date(UNKNOWN, 9, 30)
    worked = [date(UNKNOWN, 9, 26) + timedelta(days=day) for day in range(13)]
    assert [day.day for day in worked if is_working_day(day, PUBLISHED)] == [26, 28, 29, 30, 8]


@rule("R117")
def test_the_package_s_own_years_are_not_for_anybody_to_publish_otherwise() -> None:
    """1 August 2023 was a Tuesday on which offices worked, whatever a later list says."""
    idle = notice(2023, holidays=[date(2023, 8, 1)] * 11)
    assert is_working_day(date(2023, 8, 1), {2023: idle})


@rule("R117")
@pytest.mark.parametrize(
    "changes",
    [
        {"holidays": [date(UNKNOWN, 8, day) for day in range(1, 14)]},
        {"holidays": [*notice().holidays, date(UNKNOWN + 1, 1, 1)]},
        {"holidays": [*notice().holidays, date(UNKNOWN, 1, 1)]},
        {"make_up_days": [date(UNKNOWN, 9, 29)]},
        {"make_up_days": [date(UNKNOWN, 10, 4)]},
    ],
    ids=[
        "no fixed holidays",
        "another year's day",
        "twice",
        "a weekday made up",
        "off and made up",
    ],
)
def test_a_list_that_is_no_notice_is_refused(changes: dict[str, Any]) -> None:
    notices_are_whole(PUBLISHED, "years")
    with pytest.raises(Refusal) as refused:
        notices_are_whole({UNKNOWN: notice(**changes)}, "years")
    assert (refused.value.code, refused.value.field) == ("calendar-not-whole", f"years.{UNKNOWN}")


def version(number: int, begins: date, years: dict[int, WorkingYear]) -> PolicyVersion:
    return PolicyVersion(
        version=f"37/2030-{number}",
        document="鲁农发〔2030〕1号",
        division="37",
        effective_from=begins,
        parameters=Parameters(working_years=years),
    )


@rule("K7")
def test_the_latest_publication_of_a_year_holds_and_none_before_its_day() -> None:
    first = version(1, date(2030, 11, 1), PUBLISHED)
    changed = notice(document="国办发明电〔2031〕1号")
    second = version(2, date(2031, 2, 1), {UNKNOWN: changed})
    book = [second, first]
    assert working_years(book, date(2030, 10, 31)) == {}
    assert working_years(book, date(2031, 1, 31)) == PUBLISHED
    assert working_years(book, date(2031, 2, 1)) == {UNKNOWN: changed}


def test_how_far_the_days_are_known() -> None:
    assert known_until(date(2023, 8, 1)) >= date(2026, 12, 31)
    assert known_until(date(UNKNOWN, 8, 1)) is None
    assert known_until(date(UNKNOWN, 8, 1), PUBLISHED) == date(UNKNOWN, 12, 31)
