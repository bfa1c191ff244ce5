"""Proposing an elimination: the four conditions, held against the plan, the flag and the line."""

from services.assistance.domain import commands as c
from services.assistance.domain import policies
from services.assistance.domain.context import Surroundings
from services.assistance.domain.elimination_state import Elimination
from services.assistance.domain.plan_state import Plan
from services.assistance.domain.planning import must_be_approved, must_be_open
from shared.contracts.assistance import EliminationProposed
from shared.contracts.values import EliminationMode
from shared.kernel.event import Event
from shared.kernel.money import per_head
from shared.kernel.refusal import OutOfOrder
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule


@rule("R91", "R95")
def propose(
    state: Elimination, command: c.ProposeElimination, context: Surroundings
) -> list[Event]:
    """Hold that all four conditions are met, each with its evidence (R91)."""
    if state.exists:
        raise _in_progress()
    plan, income = context.plan, command.income
    must_be_open(plan)
    must_be_approved(plan)
    assert plan.identified is not None
    policies.mode_and_cause_agree(command.mode, command.cause)
    policies.income_is_known(income, command.cause)
    policy = context.policy(plan.division)
    early = conditions(command, context, policy)
    line = None
    if income is not None:
        line = policies.income_is_over_the_line(income, policy, context.occurred_on)
    period_from, period_to = policies.period_before(context.occurred_on)
    return [
        EliminationProposed(
            **plan.ids,
            plan_id=context.plan_id,
            division=plan.division,
            number=context.number,
            mode=command.mode,
            cause=command.cause,
            income=income,
            per_capita_net=None if income is None else per_head(income.net, income.members),
            period_from=period_from,
            period_to=period_to,
            line=None if line is None else line.amount,
            line_is_the_years=line is None or line.is_the_years,
            guarantees=command.guarantees,
            risks=command.risks,
            early=early,
            returns_to=policies.status_after(plan.identified),
            policy=policy.version,
            proposed_on=context.occurred_on,
            warnings=_warnings(plan, command.mode),
        )
    ]


def conditions(
    claim: c.ProposeElimination | EliminationProposed,
    context: Surroundings,
    policy: PolicyVersion,
) -> bool:
    """What must hold at the proposal and again at the approval; whether it is early (R93)."""
    policies.has_labour(context.flagged)
    plan = context.plan
    early = policies.is_early(plan, claim.mode, policy, context.occurred_on)
    policies.help_was_given(plan, claim.mode)
    if claim.cause not in policies.NOBODY_LEFT:
        policies.guarantees_are_secured(claim.guarantees)
    policies.every_risk_is_gone(plan, claim.risks)
    if isinstance(claim, c.ProposeElimination):
        policies.no_risk_is_new(claim.no_new_risk)
    return early


def _warnings(plan: Plan, mode: EliminationMode) -> tuple[str, ...]:
    """Labour-capable, assisted, and yet no development measure carried out: look twice (R78)."""
    assert plan.identified is not None
    developed = any(item.development and item.implemented for item in plan.measures.values())
    suspicious = (
        mode is EliminationMode.ASSISTED and plan.identified.labour_capable and not developed
    )
    return ("R78",) if suspicious else ()


def _in_progress() -> OutOfOrder:
    return OutOfOrder(
        "R95",
        code="elimination-in-progress",
        zh="该户已有正在办理的风险消除",
        en="an elimination of this household is in progress",
    )
