"""Events of the department feeds: alerts, and the thresholds they are measured by.

Brought in by ``shared.contracts.alerts``; import them from there.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

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


class AlertField(StrEnum):
    """What of an alert a column of a department's file can hold."""

    EXTERNAL_ID = "external_id"
    """编号"""
    TYPE = "type"
    """预警类型"""
    HAPPENED_ON = "happened_on"
    """日期"""
    PERIOD = "period"
    """期间"""
    AMOUNT = "amount"
    """金额"""
    DIVISION = "division"
    """行政区划代码"""
    NAME = "name"
    """姓名"""
    DOCUMENT_NUMBER = "document_number"
    """证件号码"""
    DETAILS = "details"
    """说明"""


class Unit(StrEnum):
    """What an amount counts."""

    YUAN = "YUAN"
    """元"""
    FEN = "FEN"
    """分"""


class FeedMapping(BaseModel):
    """How a department's file is read: which column is what, and what stands in no column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: Mapping[AlertField, str]
    """By field: the title of the column that holds it."""
    header_row: int = Field(1, ge=1, le=100)
    """The row of the titles; 2 where a heading stands above them."""
    type: AlertType | None = None
    """Of every row, where no column says it."""
    types: Mapping[str, AlertType] = Field(default_factory=dict)
    """The department's own words for the types: ``{"住院": "MEDICAL_STAY"}``."""
    period: str | None = None
    division: DivisionCode | None = None
    unit: Unit = Unit.YUAN


class RowFate(StrEnum):
    """What became of one row of a file; every one has exactly one."""

    LEAD = "LEAD"
    UNMATCHED = "UNMATCHED"
    AMBIGUOUS = "AMBIGUOUS"
    BELOW_THRESHOLD = "BELOW_THRESHOLD"
    NOT_SCREENED = "NOT_SCREENED"
    REPEATED = "REPEATED"
    """The same alert came before, in this file, in another or by itself: nothing changed."""
    REFUSED = "REFUSED"
    """It cannot be read, or says what no alert may say; the row's own code tells why."""


class Tally(BaseModel):
    """How many rows had each fate: they add up to the rows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    lead: int = 0
    unmatched: int = 0
    ambiguous: int = 0
    below_threshold: int = 0
    not_screened: int = 0
    repeated: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(getattr(self, name) for name in Tally.model_fields)

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            **{name: getattr(self, name) + getattr(other, name) for name in Tally.model_fields}
        )


@contract
class FeedMapped(AlertsEvent):
    """How a feed's files are read from now on."""

    feed: str
    division: DivisionCode
    """The province whose feed it is."""
    number: int
    """1, 2, 3 …: which mapping of the feed it is."""
    mapping: FeedMapping


@contract
class ThresholdSet(AlertsEvent):
    """A feed's threshold from a day on; the ones before stay in force for the days before (K7)."""

    feed: str
    division: DivisionCode
    threshold: Threshold


@contract
class FeedReceived(AlertsEvent):
    """A department's file has come in whole; its rows are still to be compared."""

    file_id: UUID
    feed: str
    division: DivisionCode
    """The sender's."""
    sha256: str
    """Of the file, hex."""
    size: int
    """Bytes as sent."""
    mapping: FeedMapping
    mapping_number: int
    """0: none is configured, the usual titles are expected."""
    received_at: datetime


@contract
class FeedCompared(AlertsEvent):
    """A block of a file's rows was matched, measured and kept; leads were made of some."""

    file_id: UUID
    block: int
    """1, 2, 3 …"""
    last_row: int
    """Where the block ends: a row's number in the file."""
    tally: Tally
    digest: str
    """SHA-256, hex, of what was kept of the rows: number, alert, fate; it seals them."""
    expected: int | None = None
    """About how many rows the file has, where that can be told."""


@contract
class FeedFinished(AlertsEvent):
    """Every row has its fate; or the file could not be read, or not to its end."""

    file_id: UUID
    tally: Tally
    refusal: str = ""
    """A code, where something made the (rest of the) file unreadable."""
