"""The coded values of assistance: what help is made of, and what elimination rests on."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.values import Category, Gap, History, Risk, Sha256
from shared.kernel.division import DivisionCode
from shared.kernel.money import Fen, FenAmount

Officer = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._|-]{0,71}$")]
"""An officer's pseudonym, as tokens carry it (R5); never a name."""

Document = Annotated[str, StringConstraints(min_length=1, max_length=80)]
"""The number of a document (文号) or a receipt."""


class MeasureKind(StrEnum):
    """The kinds of help; the catalogue of the assistance service says what each counts as."""

    PRODUCTION_SUBSIDY = "PRODUCTION_SUBSIDY"
    """发展类补贴(产业奖补)"""
    MICROLOAN = "MICROLOAN"
    """小额信贷贴息"""
    WORKSHOP_JOB = "WORKSHOP_JOB"
    """帮扶车间就业"""
    WELFARE_POST = "WELFARE_POST"
    """公益性岗位"""
    JOB_PLACEMENT = "JOB_PLACEMENT"
    """就业务工"""
    TRANSPORT_AID = "TRANSPORT_AID"
    """跨省就业一次性交通补助"""
    WORK_RELIEF = "WORK_RELIEF"
    """以工代赈"""
    SKILL_TRAINING = "SKILL_TRAINING"
    """技能培训"""
    PRODUCTION_DRIVE = "PRODUCTION_DRIVE"
    """带动生产"""
    MARKETING = "MARKETING"
    """帮助产销对接"""
    LAND_TRANSFER = "LAND_TRANSFER"
    """土地流转"""
    ASSET_SHARE = "ASSET_SHARE"
    """资产入股"""
    DIVIDEND = "DIVIDEND"
    """收益分红"""
    CASH = "CASH"
    """直接发钱"""
    GOODS = "GOODS"
    """直接发物"""
    YULU_GRANT = "YULU_GRANT"
    """雨露计划补助"""
    EDUCATION_AID = "EDUCATION_AID"
    """教育帮扶"""
    MEDICAL_AID = "MEDICAL_AID"
    """健康帮扶(医疗救助)"""
    MEDICAL_INSURANCE_AID = "MEDICAL_INSURANCE_AID"
    """参保资助"""
    HOUSING_REPAIR = "HOUSING_REPAIR"
    """住房安全改造"""
    WATER_SUPPLY = "WATER_SUPPLY"
    """饮水安全"""
    DIBAO = "DIBAO"
    """农村低保"""
    SCATTERED_SUPPORT = "SCATTERED_SUPPORT"
    """分散供养特困"""
    TEMPORARY_RELIEF = "TEMPORARY_RELIEF"
    """临时救助"""
    CARE_SERVICE = "CARE_SERVICE"
    """照料服务"""
    SOCIAL_HELP = "SOCIAL_HELP"
    """社会帮扶"""


class FundSource(StrEnum):
    """Where the money or the help comes from (R84)."""

    LINKAGE_FUND = "LINKAGE_FUND"
    """财政衔接推进乡村振兴补助资金"""
    INDUSTRY_POLICY = "INDUSTRY_POLICY"
    """行业政策"""
    SOCIAL_FORCES = "SOCIAL_FORCES"
    """社会帮扶力量"""
    VILLAGE_COLLECTIVE = "VILLAGE_COLLECTIVE"
    """村级集体经济"""


class Department(StrEnum):
    """The line department that carries a measure out (R6, R90)."""

    AGRICULTURE = "AGRICULTURE"
    HUMAN_RESOURCES = "HUMAN_RESOURCES"
    EDUCATION = "EDUCATION"
    HEALTH = "HEALTH"
    MEDICAL_INSURANCE = "MEDICAL_INSURANCE"
    CIVIL_AFFAIRS = "CIVIL_AFFAIRS"
    HOUSING = "HOUSING"
    WATER = "WATER"
    FINANCE = "FINANCE"
    DISABLED_FEDERATION = "DISABLED_FEDERATION"
    TOWN = "TOWN"
    """The town or village itself."""


class NoMeasureReason(StrEnum):
    """Why a risk has no measure of its own (R77), or a no-labour household no safety net (R80)."""

    COVERED_BY_OTHER_MEASURE = "COVERED_BY_OTHER_MEASURE"
    HOUSEHOLD_DECLINED = "HOUSEHOLD_DECLINED"
    SOLVED_ALREADY = "SOLVED_ALREADY"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    RECEIVES_ALREADY = "RECEIVES_ALREADY"


class StopReason(StrEnum):
    """Why a measure stopped before its end. Elimination is no reason: it has no code (R102)."""

    CHANNEL_EXITED = "CHANNEL_EXITED"
    """绿色通道退出 (R73)"""
    NOT_IDENTIFIED = "NOT_IDENTIFIED"
    """The case ended without identification."""
    HOUSEHOLD_DECLINED = "HOUSEHOLD_DECLINED"
    MOVED_AWAY = "MOVED_AWAY"
    DIED = "DIED"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    REPLACED = "REPLACED"


class PlanCloseReason(StrEnum):
    """Why a plan ended without an elimination."""

    CHANNEL_EXITED = "CHANNEL_EXITED"
    NOT_IDENTIFIED = "NOT_IDENTIFIED"
    PURGED = "PURGED"


class RiskClass(StrEnum):
    """One risk is met with a targeted measure, several with a comprehensive plan (R79)."""

    SINGLE = "SINGLE"
    COMPLEX = "COMPLEX"


class NaturalCause(StrEnum):
    """What natural elimination means (R94; PROPOSED)."""

    ALL_MEMBERS_DIED = "ALL_MEMBERS_DIED"
    ALL_MEMBERS_MOVED = "ALL_MEMBERS_MOVED"
    RISK_ENDED_UNAIDED = "RISK_ENDED_UNAIDED"


class ComparedBenefit(StrEnum):
    """What the quarter's file says a household receives (R99)."""

    SCATTERED_SUPPORT = "SCATTERED_SUPPORT"
    DIBAO_FULL = "DIBAO_FULL"
    DIBAO = "DIBAO"
    NONE = "NONE"


class Mismatch(StrEnum):
    """What the quarterly comparison found (R99)."""

    BASIS_LOST = "BASIS_LOST"
    """Flagged, and no longer on full dibao or scattered support: to the gates (R100)."""
    NOT_FLAGGED = "NOT_FLAGGED"
    """Wholly without labour and on such support, and not flagged: to village and town (R98)."""


class NoLabourBasis(StrEnum):
    """On what a household is held to be wholly without labour (R97)."""

    SCATTERED_SUPPORT = "SCATTERED_SUPPORT"
    """农村分散供养特困人员"""
    DIBAO_FULL = "DIBAO_FULL"
    """整户无劳动能力且享受全额或最高档次农村低保"""


class HelpBasis(StrEnum):
    """On what a household is helped outside a plan."""

    UNIVERSAL = "UNIVERSAL"
    """行业部门普惠政策 (R103)"""
    FORMERLY_POOR = "FORMERLY_POOR"
    """Policies for 脱贫享受政策人口, which an eliminated household keeps (R104)."""


class DropReason(StrEnum):
    """Why a proposed elimination went no further; it may be proposed anew."""

    NOT_CONFIRMED = "NOT_CONFIRMED"
    """Verification did not confirm the four conditions."""
    VOTED_DOWN = "VOTED_DOWN"
    RETURNED_BY_TOWN = "RETURNED_BY_TOWN"
    OBJECTION_UPHELD = "OBJECTION_UPHELD"
    REJECTED_BY_COUNTY = "REJECTED_BY_COUNTY"
    WITHDRAWN = "WITHDRAWN"


class Part(BaseModel):
    """Base of the value objects inside events: frozen; a newer producer's fields are ignored."""

    model_config = ConfigDict(frozen=True)


class Identified(Part):
    """What the county's approval says about the household, as the plan needs it."""

    category: Category
    history: History
    gaps: tuple[Gap, ...]
    members: int
    """Heads counted (R22)."""
    labour_capable: bool
    wholly_without_labour: bool = False
    """Nobody can work at all, not even weakly (R97)."""
    per_capita_net: Fen
    """分 per head."""
    identified_on: date
    """The identification date (R62, R64)."""
    approved_on: date
    """The legal date of the county's approval: the plan's clock runs from it (R89)."""


class RiskResponse(Part):
    """What the plan does about one risk: kinds of measure, or a reason for none (R77)."""

    risk: Risk
    kinds: tuple[MeasureKind, ...] = ()
    reason: NoMeasureReason | None = None


class MeasureTerms(Part):
    """A measure as it is filed."""

    kind: MeasureKind
    fund: FundSource
    department: Department
    risks: tuple[Risk, ...] = Field(min_length=1, max_length=9)
    """The risks it answers."""
    amount: FenAmount = 0
    """The planned amount, 分; for a subsidy by output, the most it may come to."""
    rate: FenAmount | None = None
    """分 per unit of output, for a subsidy that pays by output (R86)."""
    ends_on: date | None = None
    """The contract's, agreement's or school stage's end (R102)."""
    member_ids: tuple[UUID, ...] = ()
    """Whom it is for; empty for the household."""
    leads_to_work: bool = False
    """Training: it leads to a job or to production (R83)."""
    takes_part: bool = False
    """The household works, produces, manages or decides in it (R82)."""
    cross_province: bool = False
    """The work lies in another province (R87)."""
    to_household: bool = True
    """A project that reaches the household itself, not the village (R85)."""


class Income(Part):
    """A household's income of a period, 分; the net is computed, never typed (R35)."""

    wage_income: FenAmount = 0
    operating_income: FenAmount = 0
    transfer_income: FenAmount = 0
    property_income: FenAmount = 0
    operating_expense: FenAmount = 0
    members: int = Field(ge=1, le=50)
    evidence: tuple[Sha256, ...] = Field(min_length=1, max_length=20)

    @property
    def net(self) -> int:
        """Net income of the household, 分."""
        gross = (
            self.wage_income + self.operating_income + self.transfer_income + self.property_income
        )
        return gross - self.operating_expense


class VillagePopulation(Part):
    """The rural registered population of one village."""

    division: DivisionCode
    people: int = Field(ge=1, le=1_000_000)


class LedgerEntry(Part):
    """The figures of one town or village in the 2% ledger (R110, R111)."""

    division: DivisionCode
    people: int
    """Monitored and not eliminated, flagged households left out."""
    population: int
    """Rural registered."""
    households: int
    without_measure: int
    """Households without a measure carried out: all of them must have one (R111)."""


class GuaranteeEvidence(Part):
    """One of the three guarantees or safe water, as found (R91)."""

    gap: Gap
    secured: bool
    evidence: tuple[Sha256, ...] = Field(min_length=1, max_length=20)


class RiskEvidence(Part):
    """One risk of the identification, as found (R91)."""

    risk: Risk
    gone: bool
    evidence: tuple[Sha256, ...] = Field(min_length=1, max_length=20)
