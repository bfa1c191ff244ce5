"""Deciding about a plan as a whole: opened, drafted, submitted, closed."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.assistance.domain import commands as c
from services.assistance.domain.completeness import must_be_complete, warnings_of
from services.assistance.domain.context import Surroundings
from services.assistance.domain.measure_state import MeasureStatus, start_clock
from services.assistance.domain.plan_state import Plan, Stage
from shared.contracts.assistance import (
    EarlyEliminationAllowed,
    MeasureStopped,
    PlanClosed,
    PlanConfirmed,
    PlanDrafted,
    PlanMadeProvisional,
    PlanOpened,
    PlanRiskAdded,
    PlanSubmitted,
    RiskSeenAfterElimination,
)
from shared.contracts.help import PlanCloseReason, RiskClass, StopReason
from shared.kernel.deadline import Deadline
from shared.kernel.event import Event
from shared.kernel.refusal import Invalid, OutOfOrder
from shared.policy.legal_time import deadline
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule

_STOPS = {
    PlanCloseReason.CHANNEL_EXITED: StopReason.CHANNEL_EXITED,
    PlanCloseReason.NOT_IDENTIFIED: StopReason.NOT_IDENTIFIED,
    PlanCloseReason.PURGED: StopReason.NOT_ELIGIBLE,
}


def open_plan(plan: Plan, command: c.OpenPlan, context: Surroundings) -> list[Event]:
    """Open a plan, or confirm the one that began early or in the green channel.

    Repeating it changes nothing.
    """
    if not plan.exists:
        return [_opened(command, context)]
    if plan.stage is Stage.EARLY and command.green_channel:
        clocks = (_first_help(command, context),)
        return [PlanMadeProvisional(**plan.ids, risks=command.risks, deadlines=clocks)]
    if command.identified is None or plan.identified is not None:
        return []
    approved_on = command.identified.approved_on
    return [
        PlanConfirmed(
            **plan.ids,
            risks=command.risks,
            identified=command.identified,
            urgent=_is_urgent(command, context),
            deadlines=(
                _plan_clock(approved_on, plan.division, context),
                *_department_clocks(plan, approved_on, context),
            ),
        )
    ]


@rule("R90")
def _department_clocks(plan: Plan, approved_on: date, context: Surroundings) -> Iterable[Deadline]:
    """What was filed before the approval: its department's time runs from the approval on."""
    policy = context.policy(plan.division)
    for item in plan.measures.values():
        kind = start_clock(item.measure_id)
        if item.status is MeasureStatus.FILED and kind not in plan.clocks:
            yield department_clock(item.measure_id, approved_on, policy)


def department_clock(measure_id: UUID, starts_on: date, policy: PolicyVersion) -> Deadline:
    """The county chases a department that has not started in time (R90)."""
    return deadline(
        start_clock(measure_id),
        "R90",
        starts_on,
        policy.parameters.department_measure,
        policy=policy.version,
        warn=policy.parameters.department_warnings,
    )


@rule("R59", "R70", "R89")
def _opened(command: c.OpenPlan, context: Surroundings) -> PlanOpened:
    """An approved household's plan is due ten days later; in the green channel help comes first."""
    clocks: tuple[Deadline, ...] = ()
    if command.identified is not None:
        clocks = (_plan_clock(command.identified.approved_on, command.division, context),)
    elif command.green_channel:
        clocks = (_first_help(command, context),)
    return PlanOpened(
        case_id=command.case_id,
        household_id=command.household_id,
        division=command.division,
        risks=command.risks,
        provisional=command.green_channel,
        urgent=_is_urgent(command, context),
        identified=command.identified,
        deadlines=clocks,
    )


@rule("R70")
def _first_help(command: c.OpenPlan, context: Surroundings) -> Deadline:
    policy = context.policy(command.division)
    return deadline(
        "first_help",
        "R70",
        command.occurred_on,
        policy.parameters.first_help,
        policy=policy.version,
        warn=(policy.parameters.first_help,),
    )


@rule("R113", "K4")
def _is_urgent(command: c.OpenPlan, context: Surroundings) -> bool:
    """Below the former standard (or on it, K4), a gap in the guarantees or water, or sudden."""
    known = command.identified
    if known is None:
        return command.green_channel
    standard = context.policy(command.division).parameters.former_poverty_standard
    return bool(known.gaps) or known.per_capita_net <= standard


@rule("R89")
def _plan_clock(starts_on: date, division: str, context: Surroundings) -> Deadline:
    policy = context.policy(division)
    return deadline(
        "plan",
        "R89",
        starts_on,
        policy.parameters.plan,
        policy=policy.version,
        warn=policy.parameters.plan_warnings,
    )


@rule("R101", "R105")
def add_risk(plan: Plan, command: c.AddRisk, context: Surroundings) -> list[Event]:
    """A new risk of an identified household: the plan answers it too, within ten days.

    One that comes when the risk has just been eliminated is told, and becomes a new lead (R105).
    """
    if plan.stage is Stage.AFTER_CARE and command.lead_id not in plan.seen_after:
        return [RiskSeenAfterElimination(**plan.ids, lead_id=command.lead_id, risks=command.risks)]
    new = tuple(risk for risk in dict.fromkeys(command.risks) if risk not in plan.risks)
    if not new or plan.stage in {Stage.CLOSED, Stage.AFTER_CARE}:
        return []
    clock = _plan_clock(command.occurred_on, plan.division, context)
    return [
        PlanRiskAdded(
            **plan.ids,
            lead_id=command.lead_id,
            risks=new,
            deadlines=(clock,) if plan.identified else (),
        )
    ]


@rule("R73")
def close_plan(plan: Plan, command: c.ClosePlan, context: Surroundings) -> list[Event]:
    """End a plan without elimination: every measure not yet over stops at once (R73)."""
    if not plan.exists or plan.stage is Stage.CLOSED:
        return []
    if command.reason is PlanCloseReason.CHANNEL_EXITED and not plan.provisional:
        return []
    stopped = [
        MeasureStopped(
            **plan.ids,
            measure_id=measure_id,
            stopped_on=context.occurred_on,
            reason=_STOPS[command.reason],
            note_id=None,
        )
        for measure_id in plan.continuing
    ]
    return [*stopped, PlanClosed(**plan.ids, reason=command.reason)]


@rule("R77", "R78", "R79", "R81")
def draft_plan(plan: Plan, command: c.DraftPlan, context: Surroundings) -> list[Event]:
    """Say what is to be done about each risk: kinds of measure, or a reason for none (R77)."""
    must_be_open(plan)
    _must_answer_only_its_risks(plan, command)
    if command.willingness_signed_on > context.today:
        raise Invalid(
            "R78",
            code="signed-in-the-future",
            zh="意愿签字日期不能晚于今天",
            en="the willingness is signed after today",
            field="willingness_signed_on",
        )
    return [
        PlanDrafted(
            **plan.ids,
            willing=command.willing,
            willingness_signed_on=command.willingness_signed_on,
            willingness_evidence=command.willingness_evidence,
            responses=command.responses,
            safety_net_reason=command.safety_net_reason,
            risk_class=RiskClass.SINGLE if len(plan.risks) <= 1 else RiskClass.COMPLEX,
            attempts=command.attempts,
        )
    ]


def submit_plan(plan: Plan, _command: c.SubmitPlan, context: Surroundings) -> list[Event]:
    """The plan is complete, its measures are filed (R44, R77, R78, R80, R89)."""
    must_be_open(plan)
    must_be_approved(plan)
    if plan.submitted:
        raise OutOfOrder(
            "R89",
            code="already-done",
            zh="帮扶计划已经提交",
            en="the plan is submitted already",
        )
    must_be_complete(plan)
    _must_not_be_backdated(plan, context.occurred_on)
    clock = plan.clocks.get("plan")
    return [
        PlanSubmitted(
            **plan.ids,
            submitted_on=context.occurred_on,
            measures=len(plan.live),
            development_measures=sum(item.development for item in plan.live),
            on_time=clock is None or context.occurred_on <= clock.deadline.due_on,
            warnings=warnings_of(plan),
        )
    ]


@rule("R89")
def _must_not_be_backdated(plan: Plan, on: date) -> None:
    """A submission follows the approval and the filings it speaks of, so that no date saves it."""
    assert plan.identified is not None
    latest = max(plan.identified.approved_on, *(item.filed_on for item in plan.live))
    if on < latest:
        raise Invalid(
            "R89",
            code="before-the-step-before",
            zh=f"提交日期早于批准或措施申报({latest})",
            en=f"the submission is dated before the approval or a filing ({latest})",
            field="occurred_on",
        )


@rule("R93")
def allow_early(plan: Plan, command: c.AllowEarlyElimination, context: Surroundings) -> list[Event]:
    """The county lets an assisted elimination come before the half-year; it is listed (R93)."""
    must_be_open(plan)
    must_be_approved(plan)
    assert context.note_id is not None
    return [
        EarlyEliminationAllowed(**plan.ids, authority=command.authority, note_id=context.note_id)
    ]


def must_be_open(plan: Plan) -> None:
    """Refuse a plan that is over: closed, or its household's risk eliminated."""
    if plan.stage is Stage.CLOSED:
        raise OutOfOrder(code="plan-closed", zh="该帮扶计划已经关闭", en="the plan is closed")
    if plan.stage is Stage.AFTER_CARE:
        raise OutOfOrder(
            "R105",
            code="already-eliminated",
            zh="该户风险已消除;出现新的风险须按程序重新识别",
            en="the risk is eliminated; a new risk is identified anew",
        )


@rule("R59")
def must_be_approved(plan: Plan) -> None:
    """Nothing of a plan is active before the county's approval, save in the green channel."""
    if plan.identified is None:
        raise OutOfOrder(
            "R59",
            code="not-approved-yet",
            zh="县级批准前帮扶计划不能生效",
            en="a plan is not active before the county's approval",
        )


def _must_answer_only_its_risks(plan: Plan, command: c.DraftPlan) -> None:
    for number, response in enumerate(command.responses):
        # Before the approval nobody knows yet which risks the household is identified with.
        if plan.stage is not Stage.EARLY and response.risk not in plan.risks:
            raise Invalid(
                "R77",
                code="not-a-risk-of-the-household",
                zh="该户没有认定此项风险",
                en="the household was not identified with this risk",
                field=f"responses[{number}].risk",
            )
        if bool(response.kinds) == (response.reason is not None):
            raise Invalid(
                "R77",
                code="measure-or-reason",
                zh="每项风险须有帮扶措施或无措施的理由,二者取一",
                en="each risk has measures or a reason for none, one of the two",
                field=f"responses[{number}]",
            )
    _must_be_distinct([item.risk for item in command.responses])


def _must_be_distinct(risks: Iterable[object]) -> None:
    listed = list(risks)
    if len(listed) != len(set(listed)):
        raise Invalid(
            "R77",
            code="risk-answered-twice",
            zh="同一风险只应出现一次",
            en="a risk is answered twice",
            field="responses",
        )
