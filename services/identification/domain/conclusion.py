"""The case's steps from the notice to the end: publicity, approval or refusal, and after. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from services.identification.domain import (
    channel_policies,
    clocks,
    commands,
    outcome_policies,
    policies,
    scope,
)
from services.identification.domain.case_state import TELLING, Case, Status
from services.identification.domain.context import CaseContext
from services.identification.domain.procedure import IDENTIFICATION
from shared.contracts import identification as events
from shared.contracts.assessment import Suggestion
from shared.contracts.identification_steps import Told
from shared.kernel.event import Command, Event
from shared.kernel.refusal import NotFound, OutOfOrder
from shared.policy.legal_time import after
from shared.policy.rules import rule

Decision = Callable[[Case, Any, Any], list[Event]]


@rule("R56", "R65")
def post_notice(case: Case, command: commands.PostNotice, context: CaseContext) -> list[Event]:
    """The notice hangs, its content frozen; five whole days begin tomorrow (R56, K2)."""
    _ready(case, "notice", context)
    category = outcome_policies.concluded_to_identify(case)
    assert context.content is not None
    assert case.verified is not None
    content_id, content_hash = context.content
    return [
        events.NoticePosted(
            on=context.occurred_on,
            number=command.number,
            content_hash=content_hash,
            content_id=content_id,
            category=category,
            members=len(case.verified.counted),
            last_day=after(context.occurred_on, context.policy.parameters.publicity),
            evidence=command.evidence,
        )
    ]


@rule("R66")
def raise_objection(
    case: Case, _command: commands.RaiseObjection, context: CaseContext
) -> list[Event]:
    """Somebody objects while the case is in the public's eye: approval waits (R66)."""
    policies.is_open(case)
    if case.notice is None:
        raise OutOfOrder(
            "R66",
            code="nothing-posted",
            zh="尚未公示或公示已作废,不能提出异议",
            en="no notice hangs",
        )
    policies.in_time_order(case, context, "notice")
    return [
        events.ObjectionRaised(
            on=context.occurred_on,
            objection_id=context.fresh_id,
            note_id=context.notes["objection"],
        )
    ]


@rule("R66")
def answer_objection(
    case: Case, command: commands.AnswerObjection, context: CaseContext
) -> list[Event]:
    """Dismissed, the case goes on; upheld, it is verified and posted anew (R66)."""
    policies.is_open(case)
    if command.objection_id not in case.open_objections:
        raise NotFound("待答复的异议", "open objection", field="objection_id")
    policies.not_before(context, case.open_objections[command.objection_id])
    return [
        events.ObjectionAnswered(
            on=context.occurred_on,
            objection_id=command.objection_id,
            upheld=command.upheld,
            note_id=context.notes["answer"],
        )
    ]


@rule("R56", "R66")
def close_notice(case: Case, _command: commands.CloseNotice, context: CaseContext) -> list[Event]:
    """The whole publicity passed, and every objection was answered (R56, R66)."""
    policies.is_open(case)
    policies.step_is_open(case, "publicity")
    outcome_policies.publicity_is_complete(case, context.occurred_on)
    outcome_policies.no_open_objection(case)
    policies.in_time_order(case, context, "notice")
    assert case.notice is not None
    return [
        events.Publicized(
            on=context.occurred_on,
            posted_on=case.notice.posted_on,
            last_day=case.notice.last_day,
        )
    ]


@rule("R3", "R4", "R53", "R56", "R62", "R64")
def approve(case: Case, command: commands.Approve, context: CaseContext) -> list[Event]:
    """The county identifies. The date is the approval's, or the green channel's (R62, R64)."""
    policies.is_open(case)
    outcome_policies.publicity_is_complete(case, context.occurred_on)
    outcome_policies.no_open_objection(case)
    _ready(case, "approval", context)
    channel_policies.channel_allows_approval(case)
    channel_policies.told_of_the_channel(case)
    policies.not_before(context, case.channel.verified_on)
    delegation_id = outcome_policies.authority_is_valid(command, context)
    outcome_policies.nobody_approves_own_work(case, context)
    verified = case.verified
    assert verified is not None
    outcome_policies.household_in_scope(verified.advice)
    outcome_policies.category_fits(case, verified, command.category)
    outcome_policies.category_was_publicized(case, command.category)
    late = policies.late_is_explained(case, "identify", context.occurred_on, command.late_reason)
    departs = _departs(verified.advice.suggestion, command.category)
    outcome_policies.departure_is_explained(departs=departs, context=context)
    counted = [item for item in verified.members if item.member_id in verified.counted]
    return [
        events.Approved(
            on=context.occurred_on,
            case_id=case.case_id,
            household_id=case.household_id,
            division=case.division,
            category=command.category,
            risks=case.risks,
            gaps=verified.findings.gaps,
            identified_on=case.channel.entered_on or context.occurred_on,
            authority=command.document,
            members=len(counted),
            labour_capable=scope.labour_capable(counted),
            whole_household_no_labour=scope.whole_household_no_labour(counted),
            per_capita_net=verified.accounts.per_capita_net,
            history=case.history,
            deadlines=(clocks.national_entry(context.policy, context.occurred_on),),
            departs_from_advice=departs,
            note_id=context.note_id,
            late_reason=late,
            green_channel=case.channel.inside,
            approved_by=context.principal.subject,
            delegation_id=delegation_id,
        )
    ]


@rule("R4", "R30", "R31", "R32", "R33", "R43")
def decline(
    case: Case, command: commands.DeclineIdentification, context: CaseContext
) -> list[Event]:
    """The county does not identify: deliberated, for a reason that holds; told, and followed."""
    policies.is_open(case)
    outcome_policies.no_quota(command)
    outcome_policies.dibao_is_no_reason(command)
    outcome_policies.relocated_stay_in_scope(command, case)
    outcome_policies.was_deliberated(case)
    policies.in_time_order(case, context, "deliberation", "town-review", "notice")
    _must_be_outside_the_channel(case)
    outcome_policies.nobody_approves_own_work(case, context)
    verified = case.verified
    assert verified is not None
    outcome_policies.reason_fits_findings(command, verified)
    outcome_policies.village_concluded_so(command, case)
    outcome_policies.no_open_objection(case)
    late = policies.late_is_explained(case, "identify", context.occurred_on, command.late_reason)
    departs = verified.advice.category is not None
    outcome_policies.departure_is_explained(departs=departs, context=context)
    tracked = is_tracked(verified)
    deadlines = [clocks.tell_applicant(context.policy, context.occurred_on)]
    if tracked:
        deadlines.append(clocks.follow_up(context.policy, context.occurred_on))
    return [
        events.NotIdentified(
            on=context.occurred_on,
            case_id=case.case_id,
            household_id=case.household_id,
            reason=command.reason,
            tracked=tracked,
            deadlines=tuple(deadlines),
            departs_from_advice=departs,
            note_id=context.note_id,
            late_reason=late,
        )
    ]


@rule("R33")
def is_tracked(verified: events.Verified) -> bool:
    """Followed: a gap the household closes itself, and an income below the line (R30, R33)."""
    below = verified.accounts.per_capita_net <= verified.advice.line
    in_scope = verified.advice.suggestion is not Suggestion.OUT_OF_SCOPE
    return in_scope and (below or bool(verified.findings.gaps))


@rule("R65")
def announce(case: Case, command: commands.Announce, context: CaseContext) -> list[Event]:
    """The result is announced in the notice's own fields (R65)."""
    policies.is_monitored(case)
    policies.step_is_open(case, "announcement")
    policies.in_time_order(case, context, "approval")
    assert context.content is not None
    content_id, content_hash = context.content
    return [
        events.Announced(
            on=context.occurred_on,
            number=command.number,
            content_hash=content_hash,
            content_id=content_id,
        )
    ]


@rule("R63")
def record_national_entry(
    case: Case, command: commands.RecordNationalEntry, context: CaseContext
) -> list[Event]:
    """The national system's receipt, due within ten days of the approval (R63)."""
    policies.is_monitored(case)
    policies.step_is_open(case, "national-entry")
    policies.in_time_order(case, context, "approval")
    late = policies.late_is_explained(
        case, "national-entry", context.occurred_on, command.late_reason
    )
    return [
        events.NationalEntryRecorded(
            on=context.occurred_on, receipt=command.receipt, late_reason=late
        )
    ]


@rule("R67", "R74")
def tell_household(
    case: Case, command: commands.TellHousehold, context: CaseContext
) -> list[Event]:
    """The household knows where it stands (R67, R74)."""
    possible = {
        Told.REFUSAL: case.status is Status.NOT_IDENTIFIED,
        Told.CHANNEL_ENTRY: case.channel.inside,
        Told.CHANNEL_EXIT: case.status is Status.EXITED,
    }[command.about]
    if not possible or command.about in case.told:
        raise OutOfOrder(
            "R67" if command.about is Told.REFUSAL else "R74",
            code="nothing-to-tell",
            zh="没有需要告知的事项,或已经告知",
            en="there is nothing of that kind to tell, or it was told already",
            field="about",
        )
    of_entry = command.about is Told.CHANNEL_ENTRY
    policies.not_before(context, case.channel.entered_on if of_entry else case.concluded_on)
    late = policies.late_is_explained(
        case, TELLING[command.about], context.occurred_on, command.late_reason
    )
    return [events.HouseholdTold(on=context.occurred_on, about=command.about, late_reason=late)]


@rule("R33")
def follow_up(case: Case, command: commands.FollowUp, context: CaseContext) -> list[Event]:
    """Looked at again; in a month once more while a gap is open (R33)."""
    if not case.tracked:
        raise OutOfOrder(
            "R33",
            code="not-followed",
            zh="该户不在持续跟踪范围",
            en="the household is not being followed",
        )
    policies.not_before(context, case.seen_on)
    again = (clocks.follow_up(context.policy, context.occurred_on),) if command.open_gaps else ()
    return [events.FollowedUp(on=context.occurred_on, open_gaps=command.open_gaps, deadlines=again)]


def _ready(case: Case, step: str, context: CaseContext) -> None:
    policies.is_open(case)
    policies.step_is_open(case, step)
    policies.in_time_order(case, context, *IDENTIFICATION.step(step).needs)


@rule("R73")
def _must_be_outside_the_channel(case: Case) -> None:
    if case.channel.inside:
        raise OutOfOrder(
            "R73",
            code="exit-the-channel",
            zh="该户在绿色通道内,不符合条件的请办理退出",
            en="the household is in the green channel; it exits there",
        )


def _departs(suggested: Suggestion, category: str) -> bool:
    return suggested is not Suggestion.DELIBERATE and suggested.value != category


DECISIONS: Mapping[type[Command], Decision] = {
    commands.PostNotice: post_notice,
    commands.RaiseObjection: raise_objection,
    commands.AnswerObjection: answer_objection,
    commands.CloseNotice: close_notice,
    commands.Approve: approve,
    commands.DeclineIdentification: decline,
    commands.Announce: announce,
    commands.RecordNationalEntry: record_national_entry,
    commands.TellHousehold: tell_household,
    commands.FollowUp: follow_up,
}
