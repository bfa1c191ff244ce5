"""Quarters as the comparison counts them: ``2023Q3`` (R99)."""

from datetime import date, timedelta

from shared.kernel.deadline import Deadline
from shared.kernel.refusal import Invalid
from shared.policy.legal_time import after
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule


def quarter_of(day: date) -> str:
    """The quarter a day lies in."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def last_day(quarter: str) -> date:
    """The quarter's last day."""
    year, number = int(quarter[:4]), int(quarter[5])
    following = date(year + number // 4, number % 4 * 3 + 1, 1)
    return following - timedelta(days=1)


def following(quarter: str) -> str:
    """The quarter after it."""
    return quarter_of(last_day(quarter) + timedelta(days=1))


@rule("R99")
def must_have_begun(quarter: str, today: date) -> None:
    """Nobody compares a quarter that has not begun: it would stand before every real one."""
    if quarter > quarter_of(today):
        raise Invalid(
            "R99",
            code="quarter-not-begun",
            zh=f"{quarter[:4]}年第{quarter[5]}季度尚未开始",
            en=f"the quarter {quarter} has not begun",
            field="quarter",
        )


@rule("R99")
def comparison_clock(quarter: str, policy: PolicyVersion) -> Deadline:
    """A flagged household is compared soon after the quarter's end; warned when it has ended."""
    ends = last_day(quarter)
    due_on = after(ends, policy.parameters.comparison)
    return Deadline(
        kind="compare",
        rule="R99",
        starts_on=ends,
        length=policy.parameters.comparison,
        due_on=due_on,
        warn_on=(ends + timedelta(days=1),),
        policy=policy.version,
    )
