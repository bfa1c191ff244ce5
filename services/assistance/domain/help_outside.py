"""Help that is no measure of a plan: a universal policy, or else 体外循环 (R49)."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.assistance.domain import commands as c
from services.assistance.domain.context import Surroundings
from services.assistance.domain.plan_state import Stage
from shared.contracts.assistance import OffRegisterHelpRefused, UniversalHelpRecorded
from shared.contracts.help import MeasureKind
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command, Event
from shared.kernel.refusal import OutOfOrder
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


@rule("R49", "R103")
def decide(_help: Help, command: Command, context: Surroundings) -> list[Event]:
    """Record a universal policy; any other help needs identification or the green channel first.

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
        return [UniversalHelpRecorded(**facts)]
    if context.plan.stage in UNDER_HELP and context.plan.exists:
        raise OutOfOrder(
            "R49",
            code="use-the-plan",
            zh="该户已纳入监测帮扶,请在帮扶计划中申报措施",
            en="the household has a plan: file the help there as a measure",
        )
    return [OffRegisterHelpRefused(**facts)]


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
