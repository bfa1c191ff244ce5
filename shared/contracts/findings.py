"""What the detectors of the identification service found, and what was answered (R48–R50, R114)."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.contracts.identification_steps import IdentificationEvent
from shared.contracts.registry import contract
from shared.kernel.division import DivisionCode


class FindingKind(StrEnum):
    """What a detector looks for."""

    OMITTED_ELIGIBLE = "OMITTED_ELIGIBLE"
    """应纳未纳: the findings call for identification, and it was not made (R48)"""
    OFF_REGISTER = "OFF_REGISTER"
    """体外循环: helped outside the mechanism (R49)"""
    RUSH_IDENTIFICATION = "RUSH_IDENTIFICATION"
    """突击识别: a month far above the months before it (R114)"""
    BULK_APPROVAL = "BULK_APPROVAL"
    """批量批准: many approvals within minutes (R114)"""
    QUICK_ELIMINATION = "QUICK_ELIMINATION"
    """识别不足半年即消除 (R93, R114)"""
    RUSH_ELIMINATION = "RUSH_ELIMINATION"
    """突击消除: most of a year's eliminations within a month (R114)"""
    NO_LABOUR_BUT_WORK_RISK = "NO_LABOUR_BUT_WORK_RISK"
    """风险为务工就业不稳,但全户无劳动力: the collection form's own check"""
    UNHELPED = "UNHELPED"
    """识别满一月未落实帮扶措施: identified for a month, and no measure has begun (R76)"""
    SAME_MONTH_ELIMINATION = "SAME_MONTH_ELIMINATION"
    """当月或次月即消除: eliminated in the month of its identification or the next, not naturally"""
    NO_DEVELOPMENT = "NO_DEVELOPMENT"
    """有劳动力户帮扶消除但无开发式措施: eliminated by help, none of it development (R78)"""
    TRAINING_ONLY = "TRAINING_ONLY"
    """就业帮扶仅有技能培训: employment help that is training alone (R83)"""
    DISABILITY_UNPROVEN = "DISABILITY_UNPROVEN"
    """风险为因残,但户内无残疾人"""
    INCOME_BELOW_LINE = "INCOME_BELOW_LINE"
    """消除时人均纯收入不高于当年监测线 (R91)"""
    GREEN_CHANNEL_SHARE = "GREEN_CHANNEL_SHARE"
    """绿色通道占比过高: the channel in place of the procedure (R75)"""


class FindingAnswer(StrEnum):
    """What became of a finding."""

    CORRECTED = "CORRECTED"
    """已整改"""
    EXPLAINED = "EXPLAINED"
    """情况属实,有正当理由"""
    UNFOUNDED = "UNFOUNDED"
    """核查不属实"""


@contract
class FindingRaised(IdentificationEvent):
    """A detector found something; it stays for ever, answered or not (R50)."""

    finding_id: UUID
    kind: FindingKind
    rule: str
    division: DivisionCode
    """Who answers for it: the county of the case, or the county whose numbers stand out."""
    case_id: UUID | None = None
    household_id: UUID | None = None
    on: date
    figures: Mapping[str, int | str]
    """The evidence: counts, dates, codes."""


@contract
class FindingAnswered(IdentificationEvent):
    """The owner looked into it and said what it was."""

    finding_id: UUID
    answer: FindingAnswer
    note_id: UUID
    on: date
