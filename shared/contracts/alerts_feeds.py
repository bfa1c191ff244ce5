"""Events of the department feeds: alerts, and the thresholds they are measured by.

Brought in by ``shared.contracts.alerts``; import them from there.
"""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.alerts_orders import AlertsEvent
from shared.contracts.registry import contract
from shared.kernel.division import DivisionCode
from shared.kernel.money import FenAmount


class AlertType(StrEnum):
    """What a department's alert says happened (``context.md``)."""

    MEDICAL_STAY = "MEDICAL_STAY"
    """单次住院自付费用过高"""
    MEDICAL_YEAR = "MEDICAL_YEAR"
    """年度累计自付费用过高"""
    CRITICAL_ILLNESS = "CRITICAL_ILLNESS"
    """新确诊大病患者"""
    EDUCATION_COST = "EDUCATION_COST"
    """自付学费、食宿、书本费过高"""
    DROPOUT = "DROPOUT"
    """疑似失学辍学"""
    ACCIDENT = "ACCIDENT"
    """主要劳动力因交通事故或刑事案件伤残、死亡"""
    NEW_DIBAO = "NEW_DIBAO"
    """新增农村低保"""
    NEW_DESTITUTE = "NEW_DESTITUTE"
    """新增特困供养"""
    DIBAO_APPLIED = "DIBAO_APPLIED"
    """申请农村低保"""
    DESTITUTE_APPLIED = "DESTITUTE_APPLIED"
    """申请特困供养"""
    TEMPORARY_RELIEF = "TEMPORARY_RELIEF"
    """临时救助"""
    DISASTER = "DISASTER"
    """受灾"""
    UNSAFE_HOUSE = "UNSAFE_HOUSE"
    """危房"""
    WATER_CUT = "WATER_CUT"
    """饮水安全"""
    UNEMPLOYMENT = "UNEMPLOYMENT"
    """失业"""
    NEW_DISABILITY = "NEW_DISABILITY"
    """新增残疾"""


class Population(StrEnum):
    """Whom a threshold is for."""

    MONITORED = "MONITORED"
    """监测帮扶对象"""
    FORMERLY_POOR = "FORMERLY_POOR"
    """脱贫户"""
    ORDINARY = "ORDINARY"
    """其他农户"""


class Fate(StrEnum):
    """What became of an alert at its intake; every one has exactly one."""

    LEAD = "LEAD"
    """Matched and at or over the threshold: a lead was made."""
    UNMATCHED = "UNMATCHED"
    """At or over the threshold, and nobody of that number is known: a lead waits for a match."""
    AMBIGUOUS = "AMBIGUOUS"
    """Several households have that number: a lead waits for an officer's choice."""
    BELOW_THRESHOLD = "BELOW_THRESHOLD"
    """Kept, marked, and no lead."""
    NOT_SCREENED = "NOT_SCREENED"
    """An application only, in a county that waits for the grant: kept, and no lead yet (R46)."""


class Threshold(BaseModel):
    """From which amount on an alert of a type becomes a lead, for whom, from when (K7)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: AlertType
    population: Population
    amount: FenAmount
    """分."""
    inclusive: bool
    """Whether the amount itself is over it: ``≥`` (以上、达到) rather than ``>`` (超过) (K4)."""
    effective_from: date
    document: str
    """What it rests on: a document number, or ``context`` for the default."""

    def reached(self, amount: int) -> bool:
        """Whether ``amount`` (分) makes a lead."""
        return amount >= self.amount if self.inclusive else amount > self.amount


@contract
class AlertReceived(AlertsEvent):
    """A department's system reported something about one person."""

    alert_id: UUID
    feed: str
    type: AlertType
    happened_on: date
    """The day the department found it, or the last day of its period."""
    period: str
    """``2023-07``, ``2023`` or empty: what the amount adds up over."""
    amount: FenAmount | None
    """分, for the types that have one."""
    division: DivisionCode
    """The household's village, or as near to it as the department knows."""
    reported_in: DivisionCode
    """The village, town or county that the department says."""
    household_id: UUID | None
    threshold: Threshold | None
    """The threshold applied; none for a type that is a lead whatever the amount."""
    fate: Fate
    lead_id: UUID | None
    person_id: UUID | None
    """The person, in the vault; none where the register knows them."""
