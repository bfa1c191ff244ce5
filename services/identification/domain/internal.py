"""The commands that no person can send: what follows from neighbours' events, clocks, detectors."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.identification.domain.collection import ResidenceReason
from services.identification.domain.commands import CaseAct
from shared.contracts.findings import FindingKind
from shared.contracts.identification_steps import Hit, Source
from shared.contracts.values import EliminationMode, LeadSource, Risk
from shared.kernel.division import DivisionCode
from shared.kernel.event import Command
from shared.kernel.principal import Permission, Role

_SYSTEM = Permission(frozenset({Role.SYSTEM}))


class TakeLead(Command):
    """A lead about a registered household: open a case, join the open one, or add the risk."""

    permission: ClassVar[Permission] = _SYSTEM

    lead_id: UUID
    household_id: UUID
    source: LeadSource
    discovered_on: date
    risks: tuple[Risk, ...] = ()


class HandFollowingOver(Command):
    """The household's new case takes the following over (R33)."""

    permission: ClassVar[Permission] = _SYSTEM

    case_id: UUID
    to_case_id: UUID


class EndMonitoring(Command):
    """The assistance service eliminated the risk (R91)."""

    permission: ClassVar[Permission] = _SYSTEM

    case_id: UUID
    eliminated_on: date
    elimination_id: UUID
    mode: EliminationMode | None = None
    early: bool = False
    per_capita_net: int | None = None


class NoteMeasure(Command):
    """A measure of the case was filed, started or stopped by the assistance service (R70, R73)."""

    permission: ClassVar[Permission] = _SYSTEM

    case_id: UUID
    measure_id: UUID
    running: bool
    kind: str = ""
    """Of a filing only."""
    development: bool = False


class SplitOff(Command):
    """The other half of a split: the household that comes into being."""

    permission: ClassVar[Permission] = _SYSTEM

    division: DivisionCode
    residence: DivisionCode
    hukou_place: DivisionCode
    residence_leads: ResidenceReason | None = None
    relocated: bool
    moved_from: DivisionCode | None
    head: UUID
    """By the id the head had before."""


class BeAbsorbed(Command):
    """The other half of a merger: the household that becomes part of another."""

    permission: ClassVar[Permission] = _SYSTEM

    into: UUID


class AnswerComparison(CaseAct):
    """A department's answer about one member of the case's household."""

    permission: ClassVar[Permission] = _SYSTEM

    source: Source
    member_id: UUID
    hits: tuple[Hit, ...]


class Correct(Command):
    """A correction's part about one stream, a case or a household (R107, R108)."""

    permission: ClassVar[Permission] = _SYSTEM

    stream_id: UUID
    correction_id: UUID
    to_version: Annotated[int, Field(ge=1)] | None = None
    """Of a rollback; without it the case is withdrawn (清退)."""


class RaiseFinding(Command):
    """A detector found something (R48–R50, R114)."""

    permission: ClassVar[Permission] = _SYSTEM

    finding_id: UUID
    kind: FindingKind
    rule: str
    division: DivisionCode
    case_id: UUID | None = None
    household_id: UUID | None = None
    figures: Mapping[str, int | str]
