"""The green channel: help first, the procedure after; never a substitute for it (R68–R75). Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from services.identification.domain import (
    channel_policies,
    clocks,
    commands,
    conclusion,
    policies,
)
from services.identification.domain.case_state import Case
from services.identification.domain.context import CaseContext
from shared.contracts import identification as events
from shared.kernel.event import Command, Event
from shared.kernel.refusal import OutOfOrder
from shared.policy.rules import rule

Decision = Callable[[Case, Any, Any], list[Event]]


@rule("R68", "R69")
def confirm(case: Case, command: commands.ConfirmGreenChannel, context: CaseContext) -> list[Event]:
    """Village and town each confirm once that the facts are sudden, severe and clear."""
    policies.is_open(case)
    _must_be_outside(case)
    channel_policies.cause_is_sudden(command.cause)
    channel_policies.facts_are_clear(case, command.cause)
    policies.in_time_order(case, context)
    level = context.principal.level
    if level in case.channel.confirmed:
        raise OutOfOrder(
            "R69",
            code="already-done",
            zh=f"{level.label}已经确认",
            en="your level has confirmed already",
        )
    channel_policies.two_confirm(case, context)
    return [
        events.GreenChannelConfirmed(
            on=context.occurred_on,
            level=level,
            cause=command.cause,
            note_id=context.note_id,
            by=context.principal.subject,
        )
    ]


@rule("R64", "R69")
def enter(case: Case, command: commands.EnterGreenChannel, context: CaseContext) -> list[Event]:
    """The county enters on both confirmations; this day is the identification date (R64, R69)."""
    policies.is_open(case)
    _must_be_outside(case)
    channel_policies.cause_is_sudden(command.cause)
    channel_policies.facts_are_clear(case, command.cause)
    channel_policies.both_confirmed(case, context)
    policies.in_time_order(case, context)
    return [
        events.GreenChannelEntered(
            on=context.occurred_on,
            case_id=case.case_id,
            household_id=case.household_id,
            division=case.division,
            risks=(command.cause,),
            entered_on=context.occurred_on,
            deadlines=clocks.green_channel(context.policy, context.occurred_on),
            facts_id=context.notes["facts"],
        )
    ]


@rule("R71")
def verify(case: Case, command: commands.VerifyGreenChannel, context: CaseContext) -> list[Event]:
    """Whether the household is eligible, on the strength of its verification (R71).

    What the village's deliberation then shows may change the answer, with a note: nobody stays
    in the channel for want of a way out.
    """
    _must_be_inside(case)
    if case.channel.eligible is command.eligible:
        raise OutOfOrder("R71", code="already-done", zh="已经核实", en="verified already")
    if "verification" not in case.done:
        raise OutOfOrder(
            "R71",
            code="out-of-order",
            zh="请先完成“入户核实”",
            en="first: household verification",
        )
    policies.in_time_order(case, context, "verification")
    policies.not_before(context, case.channel.verified_on or case.channel.entered_on)
    if not command.eligible or case.channel.eligible is False:
        policies.note_is_given(context, "R71")
    late = policies.late_is_explained(
        case, "green-channel", context.occurred_on, command.late_reason
    )
    return [
        events.GreenChannelVerified(
            on=context.occurred_on,
            eligible=command.eligible,
            late_reason=late,
            note_id=context.note_id,
        )
    ]


@rule("R73")
def leave(case: Case, _command: commands.ExitGreenChannel, context: CaseContext) -> list[Event]:
    """Not eligible: noted, no measure running, and out (R73)."""
    _must_be_inside(case)
    channel_policies.exit_is_allowed(case, context)
    channel_policies.told_of_the_channel(case)
    policies.in_time_order(case, context, "verification", "deliberation")
    policies.not_before(context, case.channel.verified_on)
    assert context.note_id is not None
    assert case.verified is not None
    tracked = conclusion.is_tracked(case.verified)
    telling = clocks.tell_exit(context.policy, context.occurred_on)
    following = clocks.follow_up(context.policy, context.occurred_on)
    return [
        events.GreenChannelExited(
            on=context.occurred_on,
            case_id=case.case_id,
            household_id=case.household_id,
            note_id=context.note_id,
            tracked=tracked,
            deadlines=(telling, following) if tracked else (telling,),
        )
    ]


def _must_be_inside(case: Case) -> None:
    policies.is_open(case)
    if not case.channel.inside:
        raise OutOfOrder(
            "R69",
            code="not-in-channel",
            zh="该户不在绿色通道",
            en="the household is not in the green channel",
        )


def _must_be_outside(case: Case) -> None:
    if case.channel.inside:
        raise OutOfOrder(
            "R69",
            code="already-done",
            zh="该户已在绿色通道",
            en="the household is in the green channel already",
        )


DECISIONS: Mapping[type[Command], Decision] = {
    commands.ConfirmGreenChannel: confirm,
    commands.EnterGreenChannel: enter,
    commands.VerifyGreenChannel: verify,
    commands.ExitGreenChannel: leave,
}
