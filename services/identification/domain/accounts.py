"""The household's accounts: computed, never typed, in integer 分 (R34–R41). All pure."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID

from services.identification.domain.collection import (
    ClaimSource,
    ExpenseItem,
    ExpenseType,
    GivenClaim,
    GivenIncome,
)
from shared.contracts.assessment import (
    Accounts,
    Claim,
    ClaimKind,
    Expense,
    ExpenseKind,
    Income,
    IncomeKind,
)
from shared.kernel.money import per_head, yuan
from shared.kernel.refusal import Invalid
from shared.policy.rules import rule

_CLAIMS = {
    ClaimSource.COMMERCIAL_INSURANCE: ClaimKind.COMMERCIAL_INSURANCE,
    ClaimSource.THIRD_PARTY: ClaimKind.THIRD_PARTY,
}
_EXPENSES = {
    ExpenseType.TUITION: ExpenseKind.TUITION,
    ExpenseType.BOARD: ExpenseKind.BOARD,
    ExpenseType.DISASTER: ExpenseKind.DISASTER,
    ExpenseType.ACCIDENT: ExpenseKind.ACCIDENT,
}


def draw_up(
    *,
    on: date,
    incomes: Sequence[GivenIncome],
    claims: Sequence[GivenClaim],
    expenses: Sequence[ExpenseItem],
    known: Collection[UUID],
    counted: Collection[UUID],
) -> Accounts:
    """The accounts of a household verified on ``on``; ``known`` its members, ``counted`` its heads.

    Raises the refusals of R22, R35, R37–R40.
    """
    kept = _of_counted_members(incomes, known, counted)
    accepted_claims = [claim(item) for item in claims]
    accepted_expenses = [expense(item, number) for number, item in enumerate(expenses)]
    net = net_income(kept)
    claimed = sum(item.amount for item in accepted_claims)
    spent = sum(item.amount for item in accepted_expenses)
    period_from, period_to = period(on)
    return Accounts(
        period_from=period_from,
        period_to=period_to,
        incomes=tuple(kept),
        claims=tuple(accepted_claims),
        expenses=tuple(accepted_expenses),
        members=len(counted),
        net=net,
        per_capita_net=per_head(net, len(counted)),
        claimed=claimed,
        spent=spent,
        reference=reference(net, claimed, spent),
        reference_per_capita=per_head(reference(net, claimed, spent), len(counted)),
    )


@rule("R36")
def period(on: date) -> tuple[date, date]:
    """Twelve full months, ending the month before (R36)."""
    last = on.replace(day=1) - timedelta(days=1)
    return date(on.year - 1, on.month, 1), last


@rule("R35")
def net_income(incomes: Sequence[Income]) -> int:
    """Wage + operating + transfer + property − operating cost, 分 (R35)."""
    return sum(
        -item.amount if item.kind is IncomeKind.OPERATING_COST else item.amount for item in incomes
    )


@rule("R41")
def reference(net: int, claimed: int, spent: int) -> int:
    """Net + claims − compliant expenses, 分: shown beside net, which alone meets the line (R41)."""
    return net + claimed - spent


@rule("R37")
def claim(item: GivenClaim) -> Claim:
    """Insurance and third parties only; the three medical covers never count as a claim (R37)."""
    if item.source not in _CLAIMS:
        raise Invalid(
            "R37",
            code="medical-cover-is-no-claim",
            zh="基本医保、大病保险、医疗救助报销不属于家庭理赔,请在医疗支出中填报",
            en="the triple medical cover is no claim; it belongs to the medical expense",
            field="claims",
        )
    return Claim(kind=_CLAIMS[item.source], amount=item.amount)


def expense(item: ExpenseItem, number: int) -> Expense:
    """One compliant expense, or the refusal of R38–R40. ``number`` is its place in the list."""
    if item.type is ExpenseType.MEDICAL:
        return medical_self_pay(item, number)
    kind = essential(item, number)
    return Expense(kind=kind, amount=proven(item, number), evidence=item.evidence)


@rule("R38")
def medical_self_pay(item: ExpenseItem, number: int) -> Expense:
    """Bill less basic insurance, critical-illness insurance and medical aid, each given (R38)."""
    bill, basic = item.bill, item.basic_insurance
    critical, aid = item.critical_illness, item.medical_aid
    if bill is None or basic is None or critical is None or aid is None or item.amount is not None:
        raise Invalid(
            "R38",
            code="medical-components-missing",
            zh="医疗支出须分别填报总费用和三重保障报销额,自付额由系统计算",
            en="a medical item gives its bill and the three covers; the self-pay is computed",
            field=f"expenses[{number}]",
        )
    if basic + critical + aid > bill:
        raise Invalid(
            "R38",
            code="covers-exceed-bill",
            zh=f"三重保障报销合计{yuan(basic + critical + aid)}元,超过总费用{yuan(bill)}元",
            en="the three covers together exceed the bill",
            field=f"expenses[{number}]",
        )
    return Expense(
        kind=ExpenseKind.MEDICAL,
        amount=bill - basic - critical - aid,
        bill=bill,
        basic_insurance=basic,
        critical_illness=critical,
        medical_aid=aid,
        evidence=item.evidence,
    )


@rule("R40")
def essential(item: ExpenseItem, number: int) -> ExpenseKind:
    """Non-essential education, medical and other spending does not count (R40)."""
    if item.type not in _EXPENSES:
        raise Invalid(
            "R40",
            code="non-essential-expense",
            zh="非必要支出不计入合规自付支出",
            en="a non-essential expense does not count",
            field=f"expenses[{number}].type",
        )
    return _EXPENSES[item.type]


@rule("R39")
def proven(item: ExpenseItem, number: int) -> int:
    """Education, disaster and accident expenses come with an amount and evidence (R39)."""
    if item.amount is None or not item.evidence:
        raise Invalid(
            "R39",
            code="expense-not-proven",
            zh="教育、灾害、意外刚性支出须填报金额并附佐证材料",
            en="an education, disaster or accident expense needs its amount and evidence",
            field=f"expenses[{number}]",
        )
    return item.amount


@rule("R22")
def _of_counted_members(
    incomes: Sequence[GivenIncome], known: Collection[UUID], counted: Collection[UUID]
) -> list[Income]:
    """A member who is not counted brings no income either (R22; PROPOSED)."""
    for number, item in enumerate(incomes):
        if item.member_id is not None and item.member_id not in known:
            raise Invalid(
                code="unknown-member",
                zh="收入条目所填成员不属于该户",
                en="the income names somebody who is no member of the household",
                field=f"incomes[{number}].member_id",
            )
    return [
        Income(kind=item.kind, amount=item.amount, member_id=item.member_id)
        for item in incomes
        if item.member_id is None or item.member_id in counted
    ]
