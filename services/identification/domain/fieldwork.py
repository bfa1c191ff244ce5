"""The case's steps in village and town, with the county's comparison beside them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from services.identification.domain import accounts, commands, internal, policies, scope
from services.identification.domain.assessment import Assessed, assess
from services.identification.domain.case_state import Case
from services.identification.domain.collection import VerifiedMember
from services.identification.domain.context import CaseContext
from services.identification.domain.procedure import IDENTIFICATION
from shared.contracts import identification as events
from shared.contracts.assessment import Advice, Findings, Suggestion
from shared.contracts.identification import Member, Verified
from shared.contracts.identification_steps import Conclusion, Doubt, Hit, Source, SourceResult
from shared.kernel.event import Command, Event
from shared.kernel.refusal import Invalid
from shared.policy.parameters import Parameters
from shared.policy.rules import rule

Decision = Callable[[Case, Any, Any], list[Event]]


@rule("R5")
def name_officers(case: Case, command: commands.NameOfficers, context: CaseContext) -> list[Event]:
    """Village and town say who answers for the case; again later: a handover (R5)."""
    policies.is_open(case)
    policies.two_officers(command)
    policies.officers_work_there(command, case.division, context)
    policies.in_time_order(case, context)
    return [
        events.OfficersNamed(
            on=context.occurred_on,
            village_officer=command.village_officer,
            town_officer=command.town_officer,
        )
    ]


@rule("R52")
def sign_authorization(
    case: Case, command: commands.SignAuthorization, context: CaseContext
) -> list[Event]:
    """The household's commitment and authorisation (R52)."""
    _ready(case, "authorization", context)
    policies.signer_is_member(command.signer_id, context)
    return [
        events.AuthorizationSigned(
            on=context.occurred_on,
            signer_id=command.signer_id,
            by_agent=command.by_agent,
            scope=command.scope,
            evidence=command.evidence,
        )
    ]


@rule("R52")
def revoke_authorization(
    case: Case, _command: commands.RevokeAuthorization, context: CaseContext
) -> list[Event]:
    """Taken back: nothing more is looked up, and the case waits for a new one (R52)."""
    policies.is_open(case)
    policies.may_be_looked_up(case)
    policies.in_time_order(case, context, "authorization")
    return [events.AuthorizationRevoked(on=context.occurred_on)]


@rule("R14", "R16", "R34")
def verify(case: Case, command: commands.VerifyHousehold, context: CaseContext) -> list[Event]:
    """What the named officers found, what it adds up to, and the advice that follows from it."""
    _ready(case, "verification", context)
    policies.named_officer_acts(case, context)
    policies.all_dimensions_recorded(command)
    policies.checklist_is_complete(command)
    policies.signer_is_member(command.signer_id, context)
    late = policies.late_is_explained(case, "verify", context.occurred_on, command.late_reason)
    members = _as_found(command.members, context)
    if not case.relocated:
        policies.benefits_are_checked(command, members)
    counted = scope.counted(members, relocated=case.relocated)
    if not counted:
        # Nobody is in scope: the heads are still needed for the figures, so all who live there.
        counted = [member for member in members if member.co_living] or list(members)
    drawn_up = accounts.draw_up(
        on=context.occurred_on,
        incomes=command.incomes or (),
        claims=command.claims,
        expenses=command.expenses or (),
        known={member.member_id for member in members},
        counted={member.member_id for member in counted},
    )
    findings = _findings(command)
    verified = Verified(
        on=context.occurred_on,
        members=tuple(members),
        counted=tuple(member.member_id for member in counted),
        form_version=command.form_version,
        signer_id=command.signer_id,
        accounts=drawn_up,
        findings=findings,
        advice=assess(
            context.policy,
            Assessed(
                division=case.division,
                year=case.opened_on.year,
                history=case.history,
                relocated=case.relocated,
                members=tuple(members),
                accounts=drawn_up,
                findings=findings,
            ),
        ),
        late_reason=late,
        note_id=context.note_id,
    )
    return [verified]


@rule("R52", "R57")
def answer_comparison(
    case: Case, command: internal.AnswerComparison, context: CaseContext
) -> list[Event]:
    """A department's answer about a member of an authorised household; said twice, it is one."""
    policies.is_open(case)
    policies.officers_are_named(case)
    policies.may_be_looked_up(case)
    policies.step_is_open(case, "comparison")
    if case.answers.get((command.source, command.member_id)) == command.hits:
        return []
    return [
        events.ComparisonAnswered(
            on=context.occurred_on,
            source=command.source,
            member_id=command.member_id,
            hits=command.hits,
        )
    ]


@rule("R52", "R57")
def compare(case: Case, command: commands.CompareData, context: CaseContext) -> list[Event]:
    """The departments' answers, beside the other steps (R57): those that came in, and the rest."""
    policies.is_open(case)
    policies.officers_are_named(case)
    policies.may_be_looked_up(case)
    _ready(case, "comparison", context)
    results = _together(case, command.results)
    if not results:
        raise Invalid(
            "R57",
            code="nobody-answered",
            zh="尚无部门反馈比对结果",
            en="no department has answered yet",
            field="results",
        )
    return [events.Compared(on=context.occurred_on, results=results, note_id=context.note_id)]


def _together(case: Case, said: Sequence[SourceResult]) -> tuple[SourceResult, ...]:
    """One result a department: what it answered about each member, and what the county adds."""
    found: dict[Source, set[Hit]] = {}
    for (source, _), hits in case.answers.items():
        found.setdefault(source, set()).update(hits)
    for result in said:
        found.setdefault(result.source, set()).update(result.hits)
    return tuple(
        SourceResult(source=source, hits=tuple(sorted(hits))) for source, hits in found.items()
    )


@rule("R58")
def exempt(case: Case, command: commands.ExemptComparison, context: CaseContext) -> list[Event]:
    """An earlier comparison stands for a new one (R58); nothing is looked up, nothing asked."""
    policies.is_open(case)
    policies.officers_are_named(case)
    policies.step_is_open(_as_if_authorised(case), "comparison")
    policies.in_time_order(case, context, "officers")
    policies.earlier_comparison_serves(command, context)
    return [
        events.ComparisonExempted(
            on=context.occurred_on,
            ground=command.ground,
            reference=command.reference,
            compared_on=command.compared_on,
        )
    ]


@rule("R61")
def deliberate(case: Case, command: commands.Deliberate, context: CaseContext) -> list[Event]:
    """The village's meeting: form, attendance, recusals, votes, conclusion, minutes (R61)."""
    _ready(case, "deliberation", context)
    policies.votes_add_up(command)
    policies.form_is_described(command, context)
    policies.conclusion_is_whole(command)
    assert case.verified is not None
    return [
        events.Deliberated(
            on=context.occurred_on,
            form=command.form,
            due=command.due,
            present=command.present,
            recused=command.recused,
            in_favour=command.in_favour,
            against=command.against,
            abstained=command.abstained,
            conclusion=command.conclusion,
            category=command.category,
            town_officers=command.town_officers,
            minutes_id=context.notes["minutes"],
            evidence=command.evidence,
            doubts=doubts(command, case.verified.advice, context.policy.parameters),
        )
    ]


@rule("R61")
def doubts(
    command: commands.Deliberate, suggested: Advice, numbers: Parameters
) -> tuple[Doubt, ...]:
    """What later readers should see: a thin meeting, a minority, a departure. Never blocking."""
    votes = command.in_favour if command.conclusion is Conclusion.IDENTIFY else command.against
    found = {
        Doubt.QUORUM: command.present < command.due * Fraction(numbers.quorum),
        Doubt.MAJORITY: votes <= command.present * Fraction(numbers.majority),
        Doubt.NO_TOWN_OFFICER: not command.town_officers,
        Doubt.AGAINST_ADVICE: _against(command, suggested),
    }
    return tuple(doubt for doubt, holds in found.items() if holds)


@rule("R57")
def review_town(case: Case, command: commands.ReviewTown, context: CaseContext) -> list[Event]:
    """Passed, once deliberated and compared; or given back with the reason (R57)."""
    _ready(case, "town-review", context)
    policies.reviewer_is_another(case, context)
    if command.passed is not (command.back_to is None):
        raise Invalid(
            "R57",
            code="back-to-and-passed",
            zh="审核通过的不填退回环节,未通过的必须填写",
            en="say where the case goes back to if, and only if, it does not pass",
            field="back_to",
        )
    if not command.passed:
        policies.note_is_given(context, "R57")
    return [
        events.TownReviewed(
            on=context.occurred_on,
            passed=command.passed,
            back_to=command.back_to,
            note_id=context.note_id,
        )
    ]


def _ready(case: Case, step: str, context: CaseContext) -> None:
    """The case goes on, has its officers, and it is this step's turn on a possible day."""
    policies.is_open(case)
    policies.officers_are_named(case)
    policies.step_is_open(case, step)
    policies.in_time_order(case, context, *IDENTIFICATION.step(step).needs)


def _as_if_authorised(case: Case) -> Case:
    return replace(case, done={"authorization": case.floor, **case.done})


def _as_found(found: tuple[VerifiedMember, ...], context: CaseContext) -> list[Member]:
    """The registered members, as the officers found them."""
    registered = {member.member_id: member for member in context.household.members}
    for number, item in enumerate(found):
        if item.member_id not in registered:
            raise Invalid(
                code="unknown-member",
                zh="该成员未登记在该户",
                en="no such member is registered in the household",
                field=f"members[{number}].member_id",
            )
        registered[item.member_id] = registered[item.member_id].model_copy(update=item.model_dump())
    return list(registered.values())


def _findings(command: commands.VerifyHousehold) -> Findings:
    coping = command.coping
    assert coping is not None
    return Findings(
        gaps=tuple(gap for gap, missing in command.gaps.items() if missing),
        watch=tuple(item for item, troubled in command.watch.items() if troubled),
        risks=command.risks,
        hardship=command.hardship,
        shock=command.shock,
        income_stable=command.income_stable,
        can_cope=coping.can_cope,
        means=coping.means,
        coping_evidence=coping.evidence,
    )


def _against(command: commands.Deliberate, suggested: Advice) -> bool:
    if suggested.suggestion is Suggestion.DELIBERATE:
        return False
    return command.category is not suggested.category


DECISIONS: Mapping[type[Command], Decision] = {
    commands.NameOfficers: name_officers,
    commands.SignAuthorization: sign_authorization,
    commands.RevokeAuthorization: revoke_authorization,
    commands.VerifyHousehold: verify,
    internal.AnswerComparison: answer_comparison,
    commands.CompareData: compare,
    commands.ExemptComparison: exempt,
    commands.Deliberate: deliberate,
    commands.ReviewTown: review_town,
}
