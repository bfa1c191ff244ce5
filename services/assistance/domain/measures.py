"""Deciding about one measure of a plan: filed, started, output recorded, stopped or ended."""

from datetime import date, timedelta
from uuid import UUID

from services.assistance.domain import commands as c
from services.assistance.domain.catalogue import CATALOGUE, counts_as_development
from services.assistance.domain.completeness import RISK_ZH
from services.assistance.domain.context import Surroundings
from services.assistance.domain.measure_state import Measure, MeasureStatus, end_clock
from services.assistance.domain.plan_state import Plan, Stage
from services.assistance.domain.planning import department_clock, must_be_open
from shared.contracts.assistance import (
    MeasureEnded,
    MeasureFiled,
    MeasureStarted,
    MeasureStopped,
    OutputRecorded,
)
from shared.contracts.help import MeasureTerms, StopReason
from shared.kernel.deadline import Deadline
from shared.kernel.event import Event
from shared.kernel.refusal import Invalid, NotFound, OutOfOrder
from shared.policy.rules import rule

BY_THE_HOUSEHOLD = frozenset(
    {StopReason.HOUSEHOLD_DECLINED, StopReason.MOVED_AWAY, StopReason.DIED}
)
"""The only reasons that stop a measure with an end date once the risk is eliminated (R102)."""
BY_THE_SYSTEM = frozenset({StopReason.CHANNEL_EXITED, StopReason.NOT_IDENTIFIED})
"""Reasons that follow from the procedure; nobody gives them by hand."""
NOTICE = timedelta(days=30)
"""How long before a measure's end somebody is told (R102)."""


def file_measure(plan: Plan, command: c.FileMeasure, context: Surroundings) -> list[Event]:
    """Apply for a measure, within the catalogue's terms (R82–R88, R102)."""
    must_be_open(plan)
    terms = command.terms
    if plan.stage is not Stage.EARLY:
        must_answer_a_risk(plan, terms)
    fund_must_be_eligible(terms)
    end_must_be_known(terms, context)
    rate_must_fit(terms)
    policy = context.policy(plan.division)
    clock = department_clock(context.new_id, context.occurred_on, policy)
    return [
        MeasureFiled(
            **plan.ids,
            measure_id=context.new_id,
            filed_on=context.occurred_on,
            terms=terms,
            development=counts_as_development(terms),
            provisional=plan.provisional,
            deadlines=() if plan.stage is Stage.EARLY else (clock,),
        )
    ]


@rule("R59", "R70")
def start_measure(plan: Plan, command: c.StartMeasure, context: Surroundings) -> list[Event]:
    """Carry a measure out: after the approval, or provisionally in the green channel."""
    measure = measure_of(plan, command.measure_id)
    if plan.stage is Stage.EARLY:
        raise OutOfOrder(
            "R59",
            code="not-approved-yet",
            zh="县级批准前(绿色通道除外)不能实施帮扶措施",
            en="no measure starts before the county's approval, save in the green channel",
        )
    _must_be(measure, MeasureStatus.FILED)
    _not_before(context, measure.filed_on, "R90")
    _must_be_approved_by_then(plan, measure, context)
    if measure.terms.ends_on is not None and measure.terms.ends_on <= context.occurred_on:
        raise _end_is_past("occurred_on")
    return [
        MeasureStarted(
            **plan.ids,
            measure_id=measure.measure_id,
            started_on=context.occurred_on,
            deadlines=_end_clock(measure, context),
        )
    ]


@rule("R59")
def _must_be_approved_by_then(plan: Plan, measure: Measure, context: Surroundings) -> None:
    """No date makes a measure active before the approval, save what the green channel gave."""
    approved = plan.identified.approved_on if plan.identified is not None else None
    if not measure.provisional and approved is not None:
        _not_before(context, approved, "R59")


@rule("R102")
def _end_clock(measure: Measure, context: Surroundings) -> tuple[Deadline, ...]:
    """A measure with an end date is announced thirty days before it."""
    ends_on = measure.terms.ends_on
    if ends_on is None:
        return ()
    return (
        Deadline(
            kind=end_clock(measure.measure_id),
            rule="R102",
            starts_on=context.occurred_on,
            length=f"{(ends_on - context.occurred_on).days}d",
            due_on=ends_on,
            warn_on=(ends_on - NOTICE,),
            policy="",
        ),
    )


def record_output(plan: Plan, command: c.RecordOutput, context: Surroundings) -> list[Event]:
    """Record what came of a running measure; a subsidy's amount follows from the output (R86)."""
    measure = measure_of(plan, command.measure_id)
    _must_be(measure, MeasureStatus.STARTED)
    if measure.started_on is not None:
        _not_before(context, measure.started_on, "R86")
    return [
        OutputRecorded(
            **plan.ids,
            measure_id=measure.measure_id,
            quantity=command.quantity,
            amount=amount_of(measure, command),
            evidence=command.evidence,
        )
    ]


@rule("R86")
def amount_of(measure: Measure, command: c.RecordOutput) -> int:
    """分 that an output brings. A development subsidy pays rate × output up to its amount.

    多干多补、少干少补、不干不补: without output it is 0, and nobody types it in.
    """
    terms = measure.terms
    if not CATALOGUE[terms.kind].by_output:
        return command.amount or 0
    if command.amount is not None:
        raise Invalid(
            "R86",
            code="subsidy-follows-from-output",
            zh="发展类补贴按产出计算,不得直接填写金额",
            en="the subsidy is computed from the output; its amount is not typed in",
            field="amount",
        )
    if command.quantity == 0:
        raise Invalid(
            "R86",
            code="no-output",
            zh="没有产出,不予补贴(不干不补)",
            en="no output, no subsidy",
            field="quantity",
        )
    return min(command.quantity * (terms.rate or 0), terms.amount - measure.paid)


@rule("R102")
def stop_measure(plan: Plan, command: c.StopMeasure, context: Surroundings) -> list[Event]:
    """End a measure before its time. Elimination is never a reason (R102)."""
    measure = measure_of(plan, command.measure_id)
    _must_be(measure, MeasureStatus.FILED, MeasureStatus.STARTED)
    if command.reason in BY_THE_SYSTEM:
        raise Invalid(
            "R73",
            code="reason-not-by-hand",
            zh="该中止原因由程序产生,不能人工选择",
            en="this reason follows from the procedure; it is not given by hand",
            field="reason",
        )
    _not_before(context, measure.started_on or measure.filed_on, "R102")
    lasting = measure.terms.ends_on is not None
    if plan.stage is Stage.AFTER_CARE and lasting and command.reason not in BY_THE_HOUSEHOLD:
        raise _runs_on(measure)
    return [
        MeasureStopped(
            **plan.ids,
            measure_id=measure.measure_id,
            stopped_on=context.occurred_on,
            reason=command.reason,
            note_id=context.note_id,
        )
    ]


@rule("R102")
def end_measure(plan: Plan, command: c.EndMeasure, context: Surroundings) -> list[Event]:
    """A measure has run to its end: not before its contract, agreement or school stage does."""
    measure = measure_of(plan, command.measure_id)
    _must_be(measure, MeasureStatus.STARTED)
    _not_before(context, measure.started_on or measure.filed_on, "R102")
    ends_on = measure.terms.ends_on
    if ends_on is not None and context.occurred_on < ends_on:
        raise _runs_on(measure)
    return [MeasureEnded(**plan.ids, measure_id=measure.measure_id, ended_on=context.occurred_on)]


def measure_of(plan: Plan, measure_id: UUID) -> Measure:
    """The plan's measure. Raises ``NotFound``."""
    if measure_id not in plan.measures:
        raise NotFound("帮扶措施", "measure", field="measure_id")
    return plan.measures[measure_id]


@rule("R77")
def must_answer_a_risk(plan: Plan, terms: MeasureTerms) -> None:
    """A measure answers risks that the household has."""
    for number, risk in enumerate(terms.risks):
        if risk not in plan.risks:
            raise Invalid(
                "R77",
                code="not-a-risk-of-the-household",
                zh=f"该户没有认定风险“{RISK_ZH[risk]}”",
                en=f"the household was not identified with risk {risk}",
                field=f"terms.risks[{number}]",
            )


@rule("R84", "R87")
def fund_must_be_eligible(terms: MeasureTerms) -> None:
    """The fund may pay this kind of measure; transport aid is for another province alone."""
    entry = CATALOGUE[terms.kind]
    if terms.fund not in entry.funds:
        raise Invalid(
            "R87",
            code="fund-not-eligible",
            zh=f"该资金不能用于“{entry.zh}”",
            en=f"this fund may not pay for {entry.en}",
            field="terms.fund",
        )
    if entry.cross_province and not terms.cross_province:
        raise Invalid(
            "R87",
            code="not-cross-province",
            zh="一次性交通补助仅限跨省就业",
            en="transport aid is for work in another province",
            field="terms.cross_province",
        )


@rule("R102")
def end_must_be_known(terms: MeasureTerms, context: Surroundings) -> None:
    """A loan, a post and a school stage have an end date; no measure ends before it is filed."""
    entry = CATALOGUE[terms.kind]
    if entry.to_an_end and terms.ends_on is None:
        raise Invalid(
            "R102",
            code="end-date-required",
            zh=f"“{entry.zh}”须填写到期日(合同、协议或学段)",
            en=f"{entry.en} needs the end date of its contract, agreement or school stage",
            field="terms.ends_on",
        )
    if terms.ends_on is not None and terms.ends_on <= context.occurred_on:
        raise _end_is_past("terms.ends_on")


@rule("R86")
def rate_must_fit(terms: MeasureTerms) -> None:
    """A subsidy by output has a rate and a ceiling; nothing else has a rate."""
    by_output = CATALOGUE[terms.kind].by_output
    if by_output and (not terms.rate or not terms.amount):
        raise Invalid(
            "R86",
            code="rate-required",
            zh="发展类补贴须填写单位产出补贴标准和补贴上限",
            en="a development subsidy needs a rate per unit of output and a ceiling",
            field="terms.rate",
        )
    if not by_output and terms.rate is not None:
        raise Invalid(
            "R86",
            code="no-rate-here",
            zh="仅按产出计算的补贴有补贴标准",
            en="only a subsidy by output has a rate",
            field="terms.rate",
        )


def _must_be(measure: Measure, *allowed: MeasureStatus) -> None:
    if measure.status not in allowed:
        raise OutOfOrder(
            "R90",
            code="measure-" + measure.status.lower(),
            zh=f"该措施当前状态为“{_STATUS_ZH[measure.status]}”,不能办理此事项",
            en=f"the measure is {measure.status.lower()}",
        )


def _not_before(context: Surroundings, earlier: date, rule_id: str) -> None:
    if context.occurred_on < earlier:
        raise Invalid(
            rule_id,
            code="before-the-step-before",
            zh="发生日期早于上一环节",
            en="the act is dated before the one it follows",
            field="occurred_on",
        )


def _end_is_past(field: str) -> Invalid:
    return Invalid(
        "R102",
        code="end-date-past",
        zh="到期日须晚于申报日和实施日",
        en="the end date must lie after the filing and the start",
        field=field,
    )


def _runs_on(measure: Measure) -> OutOfOrder:
    entry, ends_on = CATALOGUE[measure.terms.kind], measure.terms.ends_on
    return OutOfOrder(
        "R102",
        code="runs-to-its-end",
        zh=f"“{entry.zh}”应持续到{ends_on},不得因风险消除等原因提前终止",
        en=f"{entry.en} runs to {ends_on}",
    )


_STATUS_ZH = {
    MeasureStatus.FILED: "已申报",
    MeasureStatus.STARTED: "实施中",
    MeasureStatus.STOPPED: "已中止",
    MeasureStatus.ENDED: "已完成",
}
