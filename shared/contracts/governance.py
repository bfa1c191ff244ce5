"""How a county governs the mechanism: who may approve, who met, what was merged (R45, R47, R53)."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.contracts.identification_steps import IdentificationEvent
from shared.contracts.registry import contract
from shared.contracts.values import Benefit
from shared.kernel.division import DivisionCode


@contract
class OfficerKnown(IdentificationEvent):
    """Somebody came in at a post of a village or town, the first time or from elsewhere (R5)."""

    subject: str
    """Who, as a pseudonym."""
    division: DivisionCode
    on: date


@contract
class DelegationGranted(IdentificationEvent):
    """The committee lets a person approve in its place, for a time and by a document (R53)."""

    delegation_id: UUID
    county: DivisionCode
    holder: str
    """Who may approve, as a pseudonym."""
    document: str
    valid_from: date
    valid_until: date
    """The last day on which it holds."""
    on: date


@contract
class DelegationRevoked(IdentificationEvent):
    """The committee takes a delegation back: from that day on it holds no more (R53)."""

    delegation_id: UUID
    on: date
    note_id: UUID


class Organisation(StrEnum):
    """Who sits at a joint meeting (R6, R45)."""

    PARTY_RURAL_COMMITTEE = "PARTY_RURAL_COMMITTEE"
    """党委农业农村委员会"""
    EXECUTIVE = "EXECUTIVE"
    """乡村振兴(农业农村)部门"""
    CIVIL_AFFAIRS = "CIVIL_AFFAIRS"
    MEDICAL_INSURANCE = "MEDICAL_INSURANCE"
    HEALTH = "HEALTH"
    EDUCATION = "EDUCATION"
    HUMAN_RESOURCES = "HUMAN_RESOURCES"
    HOUSING = "HOUSING"
    WATER = "WATER"
    EMERGENCY = "EMERGENCY"
    PUBLIC_SECURITY = "PUBLIC_SECURITY"
    DISABLED_FEDERATION = "DISABLED_FEDERATION"
    FINANCE = "FINANCE"
    TOWN = "TOWN"


class Subject(StrEnum):
    """What a joint meeting was about (R45)."""

    DATA_SHARING = "DATA_SHARING"
    """信息互通、平台数据共享"""
    ALERTS = "ALERTS"
    """预警线索研判"""
    HOUSEHOLDS = "HOUSEHOLDS"
    """个案会商"""
    MEASURES = "MEASURES"
    """帮扶措施落实"""
    MERGING = "MERGING"
    """政策衔接并轨"""
    MASS_RISK = "MASS_RISK"
    """规模性返贫风险"""


@contract
class JointMeetingHeld(IdentificationEvent):
    """Departments met over the mechanism; the minutes lie in the vault (R45)."""

    meeting_id: UUID
    division: DivisionCode
    on: date
    organisations: tuple[Organisation, ...]
    subjects: tuple[Subject, ...]
    cases: tuple[UUID, ...] = ()
    """The cases talked about."""
    minutes_id: UUID
    evidence: tuple[str, ...] = ()
    """SHA-256 of the signed minutes."""


@contract
class PolicyMergingRecorded(IdentificationEvent):
    """A place joined the policies for monitored and for low-income households (R47)."""

    merging_id: UUID
    division: DivisionCode
    on: date
    document: str
    benefits: tuple[Benefit, ...]
    """Whose recipients and the monitored households share policies from now on."""
    effective_from: date
    note_id: UUID
