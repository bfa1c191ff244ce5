"""The rules of the green channel: help first, and never a way round the procedure. Pure."""

from services.identification.domain.case_state import Case
from services.identification.domain.context import CaseContext
from services.identification.domain.outcome_policies import was_deliberated
from services.identification.domain.policies import not_before, note_is_given
from shared.contracts.identification_steps import Told
from shared.contracts.values import Risk
from shared.kernel.division import Level
from shared.kernel.refusal import Forbidden, Invalid, OutOfOrder
from shared.policy.rules import rule

_SUDDEN = {Risk.DISASTER, Risk.ACCIDENT, Risk.ILLNESS, Risk.OTHER}


@rule("R68")
def cause_is_sudden(cause: Risk) -> None:
    """Disaster, accident and the like: sudden and severe (R68)."""
    if cause not in _SUDDEN:
        raise Invalid(
            "R68",
            code="cause-not-sudden",
            zh="绿色通道仅适用于因灾因意外事故等突发情形",
            en="the green channel is for sudden events",
            field="cause",
        )


@rule("R68")
def facts_are_clear(case: Case, cause: Risk) -> None:
    """Village, town and county name the same event: else the facts are not clear (R68)."""
    if case.channel.cause not in {None, cause}:
        raise Invalid(
            "R68",
            code="causes-differ",
            zh="镇村县填报的突发事由不一致,事实不清,不能进入绿色通道",
            en="the levels name different causes: the facts are not clear",
            field="cause",
        )


@rule("R69")
def two_confirm(case: Case, context: CaseContext) -> None:
    """Village and town are two people (R69)."""
    if context.principal.subject in case.channel.confirmed_by:
        raise Forbidden(
            "镇村两级须由不同人员分别确认",
            "village and town confirm by two people",
            rule="R69",
        )


@rule("R74")
def told_of_the_channel(case: Case) -> None:
    """Nobody is led out of the channel who was not told that they were in it (R74)."""
    if case.channel.inside and Told.CHANNEL_ENTRY not in case.told:
        raise OutOfOrder(
            "R74",
            code="household-not-told",
            zh="尚未向农户告知绿色通道管理和帮扶情况,请先告知并登记",
            en="the household was not told that it is in the green channel; tell it first",
        )


@rule("R69")
def both_confirmed(case: Case, context: CaseContext) -> None:
    """Village and town have both confirmed before the county enters (R69)."""
    missing = [
        level for level in (Level.VILLAGE, Level.TOWN) if level not in case.channel.confirmed
    ]
    if missing:
        raise OutOfOrder(
            "R69",
            code="not-confirmed",
            zh=f"须经镇村两级确认,尚缺: {'、'.join(level.label for level in missing)}",
            en=f"confirmation is missing from {', '.join(level.name.lower() for level in missing)}",
        )
    not_before(context, max(case.channel.confirmed.values()))


@rule("R73")
def exit_is_allowed(case: Case, context: CaseContext) -> None:
    """Out of the channel: found ineligible, with the county's note, and nothing running (R73)."""
    if case.channel.eligible is not False:
        raise OutOfOrder(
            "R73",
            code="not-found-ineligible",
            zh="未核实为不符合条件,不能退出绿色通道",
            en="only a household found ineligible leaves the channel",
        )
    note_is_given(context, "R73")
    _below_the_line_is_deliberated(case)
    if case.measures:
        raise OutOfOrder(
            "R73",
            code="measures-running",
            zh=f"尚有{len(case.measures)}项帮扶措施未中止,不能退出",
            en=f"{len(case.measures)} provisional measures still run",
        )


@rule("R30")
def _below_the_line_is_deliberated(case: Case) -> None:
    """Nobody at or below the line is let go without a deliberation, by the channel either (R30)."""
    verified = case.verified
    below = verified is not None and verified.accounts.per_capita_net <= verified.advice.line
    if below:
        was_deliberated(case)


@rule("R72")
def channel_allows_approval(case: Case) -> None:
    """From the green channel only what was found eligible is approved, all steps done (R72)."""
    if case.channel.inside and case.channel.eligible is not True:
        raise OutOfOrder(
            "R72",
            code="channel-not-verified",
            zh="该户在绿色通道内,尚未核实符合条件,不能批准",
            en="the household is in the green channel and not found eligible",
        )
