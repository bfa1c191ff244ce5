"""Help outside a plan: universal policies are recorded, the rest is told to the detector (R49)."""

import pytest

from services.assistance.domain import commands as c
from services.assistance.domain.help_outside import HELP
from services.assistance.domain.plan import PLAN
from services.assistance.domain.plan_state import Plan
from shared.contracts.assistance import OffRegisterHelpRefused, PlanClosed, UniversalHelpRecorded
from shared.contracts.help import FundSource, MeasureKind, PlanCloseReason
from shared.testing.decider import given, rule
from tests.unit.assistance import story as s

CLOSED = PlanClosed(case_id=s.CASE, household_id=s.HOUSEHOLD, reason=PlanCloseReason.NOT_IDENTIFIED)
OUTSIDE = [Plan(), PLAN.fold([s.opened(), CLOSED])]
INSIDE = [PLAN.fold([s.provisional()]), s.helped()]


def helping(*, universal: bool, fund: FundSource = FundSource.SOCIAL_FORCES) -> c.RecordHelp:
    return c.RecordHelp(
        household_id=s.HOUSEHOLD,
        division=s.VILLAGE,
        kind=MeasureKind.CASH,
        fund=fund,
        universal=universal,
    )


@rule("R49")
@pytest.mark.parametrize("plan", OUTSIDE)
def test_help_outside_the_register_is_a_finding(plan: Plan) -> None:
    given(HELP, context=s.around(plan=plan)).when(helping(universal=False)).then_types(
        OffRegisterHelpRefused
    )


@rule("R49")
@pytest.mark.parametrize("plan", INSIDE)
def test_who_has_a_plan_is_helped_by_it(plan: Plan) -> None:
    given(HELP, context=s.around(plan=plan)).when(helping(universal=False)).refused(
        "R49", code="use-the-plan"
    )


@rule("R103")
@pytest.mark.parametrize("plan", OUTSIDE + INSIDE)
def test_universal_policies_reach_everybody(plan: Plan) -> None:
    policy = helping(universal=True, fund=FundSource.INDUSTRY_POLICY)
    given(HELP, context=s.around(plan=plan)).when(policy).then_types(UniversalHelpRecorded)
    for fund in set(FundSource) - {FundSource.INDUSTRY_POLICY}:
        gift = helping(universal=True, fund=fund)
        given(HELP, context=s.around(plan=plan)).when(gift).refused("R103")
