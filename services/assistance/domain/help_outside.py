"""Help that is no measure of a plan: a universal policy, or else 体外循环 (R49)."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.assistance.domain import commands as c
from services.assistance.domain.context import Surroundings
from services.assistance.domain.plan_state import Plan, Stage
from shared.contracts.assistance import OffRegisterHelpRefused, UniversalHelpRecorded
from shared.contracts.help import FundSource, HelpBasis, MeasureKind
from shared.contracts.values import History
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command, Event
from shared.kernel.refusal import Invalid, OutOfOrder
from shared.policy.rules import rule

UNDER_HELP = frozenset({Stage.PROVISIONAL, Stage.PLANNING, Stage.IN_FORCE})
"""The stages of a household that is identified or in the green channel."""


@dataclass(frozen=True)
class Help:
    """What a household received outside any plan."""

    household_id: UUID | None = None
    division: str = ""
    refused: int = 0
    """How often help outside the register was refused."""
    last_kind: MeasureKind | None = None
    last_on: date | None = None


@rule("R49", "R103", "R104")
def decide(_help: Help, command: Command, context: Surroundings) -> list[Event]:
    """Record a universal policy; any other help needs identification or the green channel first.

    An eliminated household that is formerly poor keeps the policies of the formerly poor (R104).
    What is refused is recorded as a finding all the same: the door answers with the refusal.
    """
    assert isinstance(command, c.RecordHelp)
    facts = {
        "household_id": command.household_id,
        "division": command.division,
        "kind": command.kind,
        "fund": command.fund,
        "on": context.occurred_on,
    }
    if command.universal:
        _must_be_a_departments(command)
        return [UniversalHelpRecorded(**facts)]
    if context.plan.stage in UNDER_HELP and context.plan.exists:
        raise OutOfOrder(
            "R49",
            code="use-the-plan",
            zh="该户已纳入监测帮扶,请在帮扶计划中申报措施",
            en="the household has a plan: file the help there as a measure",
        )
    if _keeps_former_policies(context.plan):
        return [UniversalHelpRecorded(**facts, basis=HelpBasis.FORMERLY_POOR)]
    return [OffRegisterHelpRefused(**facts)]


@rule("R49", "R103")
def _must_be_a_departments(command: c.RecordHelp) -> None:
    """Universal is a line department's policy for everybody; a gift is not, whoever says so."""
    if command.fund is not FundSource.INDUSTRY_POLICY:
        raise Invalid(
            "R103",
            code="not-a-departments-policy",
            zh="普惠政策限行业部门政策;其他资金的帮扶须先纳入监测",
            en="a universal policy is a line department's; other help needs identification first",
            field="universal",
        )


@rule("R104")
def _keeps_former_policies(plan: Plan) -> bool:
    known = plan.identified
    return (
        plan.stage is Stage.AFTER_CARE
        and known is not None
        and known.history is History.FORMERLY_POOR
    )


def evolve(help_: Help, event: Event) -> Help:
    """Fold one recorded event."""
    match event:
        case UniversalHelpRecorded():
            return replace(help_, household_id=event.household_id, division=event.division)
        case OffRegisterHelpRefused():
            return Help(event.household_id, event.division, help_.refused + 1, event.kind, event.on)
        case _:
            return help_


HELP: Aggregate[Help] = Aggregate(
    name="help",
    label=("帮扶记录", "help"),
    initial=Help(),
    evolve=evolve,
    decide=decide,
    divisions=lambda help_: (help_.division,),
    key=lambda help_: help_.household_id,  # type: ignore[arg-type,return-value]  # set by the first event
)
