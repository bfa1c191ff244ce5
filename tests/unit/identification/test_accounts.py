"""The accounts, computed in 分 (R34–R41), the heads (R19–R22), and the checklist (R14, R16)."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.identification.domain import accounts, scope
from services.identification.domain.collection import (
    ClaimSource,
    ExpenseItem,
    ExpenseType,
    GivenClaim,
    GivenIncome,
)
from shared.contracts.assessment import IncomeKind, Watch
from shared.contracts.identification import Member, Verified
from shared.contracts.values import Benefit, Gap, Hukou, Labour
from shared.testing.decider import rule
from tests.unit.identification.support import (
    CALM,
    CHILD,
    HEAD,
    PHOTO,
    SAFE,
    VILLAGER,
    case,
    verification,
    way,
)


def found(**changed: Any) -> Verified:
    command = verification(**changed)
    [event] = (
        case(*way("officers")).when(command, on="2023-08-03", by=VILLAGER).then_types(Verified)
    )
    assert isinstance(event, Verified)
    return event


def refused(rule_id: str, code: str, **changed: Any) -> None:
    command = verification(**changed)
    case(*way("officers")).when(command, on="2023-08-03", by=VILLAGER).refused(rule_id, code=code)


def medical(bill: int, *covers: int) -> ExpenseItem:
    basic, critical, aid = covers
    return ExpenseItem(
        type=ExpenseType.MEDICAL,
        bill=bill,
        basic_insurance=basic,
        critical_illness=critical,
        medical_aid=aid,
    )


amounts = st.integers(min_value=0, max_value=10**12)


@rule("R35", "R41")
@examples(st.lists(st.tuples(st.sampled_from(IncomeKind), amounts), max_size=8), amounts)
def test_net_is_what_comes_in_less_what_it_costs(
    items: list[tuple[IncomeKind, int]], spent: int
) -> None:
    drawn = accounts.draw_up(
        on=date(2023, 8, 3),
        incomes=[GivenIncome(kind=kind, amount=amount) for kind, amount in items],
        claims=[],
        expenses=[medical(spent, 0, 0, 0)],
        known={HEAD},
        counted={HEAD},
    )
    gains = sum(amount for kind, amount in items if kind is not IncomeKind.OPERATING_COST)
    costs = sum(amount for kind, amount in items if kind is IncomeKind.OPERATING_COST)
    assert drawn.net == gains - costs
    assert drawn.reference == gains - costs - spent


@rule("R35")
def test_a_share_is_rounded_down() -> None:
    assert found(yuan=1).accounts.per_capita_net == 50
    odd = found(incomes=(GivenIncome(kind=IncomeKind.WAGE, amount=101),))
    assert odd.accounts.per_capita_net == 50


@rule("R36")
def test_the_period_is_twelve_full_months_before() -> None:
    assert accounts.period(date(2023, 8, 3)) == (date(2022, 8, 1), date(2023, 7, 31))
    assert accounts.period(date(2024, 3, 31)) == (date(2023, 3, 1), date(2024, 2, 29))
    assert accounts.period(date(2023, 1, 1)) == (date(2022, 1, 1), date(2022, 12, 31))


@rule("R37")
@pytest.mark.parametrize(
    "source", [ClaimSource.BASIC_INSURANCE, ClaimSource.CRITICAL_ILLNESS, ClaimSource.MEDICAL_AID]
)
def test_the_medical_covers_are_no_claim(source: ClaimSource) -> None:
    refused("R37", "medical-cover-is-no-claim", claims=(GivenClaim(source=source, amount=1),))


@rule("R37")
def test_a_claim_stands_apart_from_income() -> None:
    claim = GivenClaim(source=ClaimSource.THIRD_PARTY, amount=500)
    drawn = found(yuan=10, claims=(claim,)).accounts
    assert (drawn.net, drawn.claimed, drawn.reference) == (1000, 500, 1500)


@rule("R38")
def test_the_self_pay_is_the_bill_less_three_covers() -> None:
    drawn = found(expenses=(medical(1000, 300, 200, 100),)).accounts
    assert drawn.spent == 400
    assert drawn.expenses[0].medical_aid == 100


@rule("R38")
def test_a_medical_item_has_all_its_parts_and_covers_no_more_than_the_bill() -> None:
    refused("R38", "covers-exceed-bill", expenses=(medical(1000, 900, 100, 1),))
    typed = ExpenseItem(type=ExpenseType.MEDICAL, amount=400)
    refused("R38", "medical-components-missing", expenses=(typed,))


@rule("R39")
def test_other_expenses_are_proven() -> None:
    proven = ExpenseItem(type=ExpenseType.TUITION, amount=800, evidence=(PHOTO,))
    assert found(expenses=(proven,)).accounts.spent == 800
    for lacking in ({"evidence": ()}, {"amount": None}):
        refused("R39", "expense-not-proven", expenses=(proven.model_copy(update=lacking),))


@rule("R40")
@pytest.mark.parametrize(
    "kind",
    [
        ExpenseType.NON_ESSENTIAL_MEDICAL,
        ExpenseType.NON_ESSENTIAL_EDUCATION,
        ExpenseType.OTHER_NON_ESSENTIAL,
    ],
)
def test_what_is_not_essential_does_not_count(kind: ExpenseType) -> None:
    item = ExpenseItem(type=kind, amount=800, evidence=(PHOTO,))
    refused("R40", "non-essential-expense", expenses=(item,))


@rule("R14")
@pytest.mark.parametrize("name", ["incomes", "expenses", "coping", "gaps"])
def test_all_four_dimensions_are_recorded(name: str) -> None:
    refused("R14", "dimension-missing", **{name: {} if name == "gaps" else None})


@rule("R16")
def test_the_checklist_is_complete() -> None:
    refused("R16", "checklist-incomplete", gaps={Gap.HOUSING: False})
    refused("R16", "checklist-incomplete", watch={Watch.EMPLOYMENT: True})
    seen = found(gaps={**SAFE, Gap.HOUSING: True}, watch={**CALM, Watch.SCHOOLING: True})
    assert seen.findings.gaps == (Gap.HOUSING,)
    assert seen.findings.watch == (Watch.SCHOOLING,)


@rule("R34")
def test_the_form_has_its_version_its_signer_and_its_day() -> None:
    seen = found()
    assert (seen.form_version, seen.signer_id, seen.on) == ("2023-1", HEAD, date(2023, 8, 3))
    refused("", "unknown-member", signer_id=UUID(int=99))


def member(number: int = 1, **changed: Any) -> Member:
    plain = {"member_id": UUID(int=number), "labour": Labour.ORDINARY, "hukou": Hukou.RURAL}
    return Member(**{**plain, **changed})


URBAN = {"hukou": Hukou.URBAN, "benefits": (Benefit.EMPLOYEE_PENSION,)}


@rule("R22")
def test_a_member_with_urban_benefits_brings_neither_head_nor_income() -> None:
    changed = {
        "member_id": CHILD,
        "labour": Labour.ORDINARY,
        "hukou": Hukou.URBAN,
        "benefits": (Benefit.EMPLOYEE_PENSION,),
    }
    seen = found(
        members=(changed,),
        incomes=(
            GivenIncome(kind=IncomeKind.WAGE, amount=1000, member_id=HEAD),
            GivenIncome(kind=IncomeKind.TRANSFER, amount=90_000, member_id=CHILD),
        ),
    )
    assert seen.counted == (HEAD,)
    assert (seen.accounts.members, seen.accounts.per_capita_net) == (1, 1000)


@rule("R22", "R23")
def test_a_co_living_urban_member_without_benefits_counts() -> None:
    plain = member(2, hukou=Hukou.COLLECTIVE)
    away = member(3, co_living=False)
    assert scope.counted([member(), plain, away], relocated=False) == [member(), plain]


@rule("R19", "R20", "R21")
def test_the_scope() -> None:
    assert scope.in_scope([member()], relocated=False)
    assert not scope.in_scope([member(**URBAN)], relocated=False)
    assert scope.in_scope([member(**URBAN)], relocated=True)
    assert scope.in_scope([member(hukou=Hukou.RURAL_TO_URBAN)], relocated=False)
    pensioned = member(hukou=Hukou.RURAL_TO_URBAN, benefits=(Benefit.URBAN_DIBAO,))
    assert not scope.in_scope([pensioned], relocated=False)


@rule("R11", "R12")
def test_who_is_a_rural_low_income_household() -> None:
    plain, poor = member(), member(benefits=(Benefit.RURAL_DIBAO,))
    assert scope.is_rural_low_income([plain], monitored=True)
    assert scope.is_rural_low_income([plain, poor], monitored=False)
    assert not scope.is_rural_low_income([plain], monitored=False)


@rule("R97")
def test_labour() -> None:
    weak, lost = member(labour=Labour.WEAK), member(labour=Labour.LOST)
    assert not scope.labour_capable([weak, lost])
    assert not scope.whole_household_no_labour([weak, lost])
    assert scope.whole_household_no_labour([lost])
