"""After the elimination: measures run to their end, data are refreshed every year (R101–R106)."""

from datetime import date

from services.assistance.domain import commands as c
from services.assistance.domain.context import Surroundings
from services.assistance.domain.plan_state import Plan, Stage
from shared.contracts.assistance import AfterCareEnded, AfterCareStarted, RefreshRecorded
from shared.kernel.deadline import Deadline
from shared.kernel.event import Event
from shared.kernel.money import per_head
from shared.kernel.refusal import Invalid, OutOfOrder
from shared.policy.rules import rule


@rule("R101", "R102", "R106")
def start_after_care(plan: Plan, command: c.StartAfterCare, context: Surroundings) -> list[Event]:
    """The household's risk is eliminated: nothing is stopped, nothing deleted, tracking goes on."""
    if plan.stage is Stage.AFTER_CARE:
        return []
    return [
        AfterCareStarted(
            **plan.ids,
            elimination_id=command.elimination_id,
            eliminated_on=context.occurred_on,
            continuing=plan.continuing,
            deadlines=()
            if command.nobody_left
            else (_refresh_clock(context.occurred_on, context.occurred_on.year + 1),),
        )
    ]


@rule("R108")
def end_after_care(plan: Plan, command: c.EndAfterCare, _context: Surroundings) -> list[Event]:
    """A correction took the elimination back: the household is under help again."""
    if plan.stage is not Stage.AFTER_CARE:
        return []
    return [AfterCareEnded(**plan.ids, correction_id=command.correction_id)]


@rule("R106")
def record_refresh(plan: Plan, command: c.RecordRefresh, context: Surroundings) -> list[Event]:
    """The year's refresh of an eliminated household; a new risk seen is a new lead (R105)."""
    if plan.stage is not Stage.AFTER_CARE or plan.eliminated_on is None:
        raise OutOfOrder(
            "R106",
            code="not-eliminated",
            zh="仅对已消除风险的监测帮扶对象进行年度更新",
            en="only an eliminated household is refreshed here",
        )
    if command.year in plan.refreshed:
        raise OutOfOrder(
            "R106",
            code="already-done",
            zh=f"{command.year}年度信息已经更新",
            en=f"{command.year} is refreshed already",
        )
    if not plan.eliminated_on.year <= command.year <= context.occurred_on.year:
        raise Invalid(
            "R106",
            code="not-a-year-of-after-care",
            zh="更新年度须在消除年度至今年之间",
            en="the year lies before the elimination or after this year",
            field="year",
        )
    return [
        RefreshRecorded(
            **plan.ids,
            year=command.year,
            per_capita_net=per_head(command.income.net, command.income.members),
            members=command.income.members,
            new_risk=command.new_risk,
            # A year entered late does not excuse the one after it.
            deadlines=(
                _refresh_clock(context.occurred_on, max(command.year, *plan.refreshed, 0) + 1),
            ),
        )
    ]


def _refresh_clock(starts_on: date, year: int) -> Deadline:
    due_on = date(year, 12, 31)
    return Deadline(
        kind="refresh",
        rule="R106",
        starts_on=starts_on,
        length=f"{(due_on - starts_on).days}d",
        due_on=due_on,
        warn_on=(date(year, 12, 1),),
    )
