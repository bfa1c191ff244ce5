"""What a verification finds: accounts in 分, gaps, coping, and the advice drawn from them.

Values inside the identification events; codes and amounts only.
"""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.values import Category, Gap, Risk
from shared.kernel.money import Fen, FenAmount


class Value(BaseModel):
    """Base of the values: frozen."""

    model_config = ConfigDict(frozen=True)


class IncomeKind(StrEnum):
    """The four incomes and the cost that is taken off them (R35)."""

    WAGE = "WAGE"
    """工资性收入"""
    OPERATING = "OPERATING"
    """生产经营性收入"""
    TRANSFER = "TRANSFER"
    """转移性收入, rural basic pension and support by children included"""
    PROPERTY = "PROPERTY"
    """财产性收入"""
    OPERATING_COST = "OPERATING_COST"
    """生产经营性支出: taken off"""


class ClaimKind(StrEnum):
    """Where a claim may come from; the triple medical cover is not among them (R37)."""

    COMMERCIAL_INSURANCE = "COMMERCIAL_INSURANCE"
    """商业保险理赔"""
    THIRD_PARTY = "THIRD_PARTY"
    """第三方赔偿"""


class ExpenseKind(StrEnum):
    """The compliant out-of-pocket expenses (R38, R39)."""

    MEDICAL = "MEDICAL"
    """The bill less basic insurance, critical-illness insurance and medical aid"""
    TUITION = "TUITION"
    """学费"""
    BOARD = "BOARD"
    """住宿费等教育刚性支出"""
    DISASTER = "DISASTER"
    """因自然灾害"""
    ACCIDENT = "ACCIDENT"
    """因突发意外事故"""


class Income(Value):
    """One item of income or operating cost, 分 in the period."""

    kind: IncomeKind
    amount: FenAmount
    member_id: UUID | None = None
    """Whose it is; absent for the household's own."""


class Claim(Value):
    """One claim paid, 分."""

    kind: ClaimKind
    amount: FenAmount


class Expense(Value):
    """One compliant expense, 分. A medical one keeps all its components (R38)."""

    kind: ExpenseKind
    amount: FenAmount
    """What counts: for a medical item the bill less the three covers."""
    bill: FenAmount | None = None
    basic_insurance: FenAmount | None = None
    critical_illness: FenAmount | None = None
    medical_aid: FenAmount | None = None
    evidence: tuple[str, ...] = ()
    """SHA-256 of evidence files."""


class Watch(StrEnum):
    """The four things watched beside the guarantees (R16)."""

    MEDICAL_CARE = "MEDICAL_CARE"
    """就医"""
    SCHOOLING = "SCHOOLING"
    """就学"""
    EMPLOYMENT = "EMPLOYMENT"
    """就业"""
    INDUSTRY = "INDUSTRY"
    """产业"""


class Shock(StrEnum):
    """The sudden event behind a severe hardship (R10)."""

    ILLNESS = "ILLNESS"
    DISASTER = "DISASTER"
    ACCIDENT = "ACCIDENT"
    JOB_LOSS = "JOB_LOSS"
    INDUSTRY_FAILURE = "INDUSTRY_FAILURE"
    OTHER = "OTHER"


class CopingMeans(StrEnum):
    """What a household can help itself with (R14, R32)."""

    SAVINGS = "SAVINGS"
    INSURANCE = "INSURANCE"
    EARNINGS = "EARNINGS"
    RELATIVES = "RELATIVES"
    ASSETS = "ASSETS"


class Accounts(Value):
    """The household's itemised accounts over twelve full months, and what they add up to (R35)."""

    period_from: date
    period_to: date
    """The last day of the month before the verification (R36)."""
    incomes: tuple[Income, ...]
    claims: tuple[Claim, ...]
    expenses: tuple[Expense, ...]
    members: int
    """Heads counted (R22)."""
    net: Fen
    """分: wage + operating + transfer + property − operating cost."""
    per_capita_net: Fen
    """分 a head, rounded down."""
    claimed: FenAmount
    spent: FenAmount
    """Compliant expenses, 分."""
    reference: Fen
    """分: net + claims − compliant expenses (R41)."""
    reference_per_capita: Fen


class Suggestion(StrEnum):
    """What the decision table advises (A3). People decide."""

    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    UNSTABLE_EXIT = "UNSTABLE_EXIT"
    MARGINAL_AT_RISK = "MARGINAL_AT_RISK"
    SEVERE_HARDSHIP = "SEVERE_HARDSHIP"
    NOT_IDENTIFY = "NOT_IDENTIFY"
    DELIBERATE = "DELIBERATE"
    """No suggestion: for the deliberation to judge"""
    TRACK = "TRACK"
    """Not identified, followed until the gap closes (R33)"""


_CATEGORIES = {
    Suggestion.UNSTABLE_EXIT: Category.UNSTABLE_EXIT,
    Suggestion.MARGINAL_AT_RISK: Category.MARGINAL_AT_RISK,
    Suggestion.SEVERE_HARDSHIP: Category.SEVERE_HARDSHIP,
}


class Ground(Value):
    """One rule that led to the advice, with the figures it looked at."""

    rule: str
    zh: str
    en: str


class Advice(Value):
    """The decision table's answer, explained."""

    row: int
    """The row of table A3 that applied."""
    suggestion: Suggestion
    grounds: tuple[Ground, ...]
    line: FenAmount
    """The monitoring line used, 分 a head and year."""
    line_year: int
    line_is_years_own: bool
    """False while the year's line was not published and the former one applied (R28)."""
    offer_green_channel: bool = False
    """Sudden, clear and urgent: the green channel is open beside the procedure (A3 row 2)."""
    urgent: bool = False
    """Below the former poverty standard, or a guarantee is missing (R113)."""

    @property
    def category(self) -> Category | None:
        """The category advised, if one is."""
        return _CATEGORIES.get(self.suggestion)


class Findings(Value):
    """What the officers saw besides the money (R14, R16)."""

    gaps: tuple[Gap, ...]
    """The guarantees that are missing, of a complete checklist."""
    watch: tuple[Watch, ...]
    """The watch items in difficulty, of a complete checklist."""
    risks: tuple[Risk, ...]
    hardship: bool
    """基本生活出现严重困难"""
    shock: Shock | None
    income_stable: bool
    can_cope: bool
    """依靠自身力量可以解决"""
    means: tuple[CopingMeans, ...] = ()
    coping_evidence: tuple[str, ...] = ()
    """SHA-256 of the evidence of coping ability (R32)."""
