"""What follows from neighbours' events: asked by the system alone."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from services.assistance.domain.commands.common import SYSTEM
from shared.contracts.help import Identified, PlanCloseReason
from shared.contracts.values import Gap, Risk
from shared.kernel.division import DivisionCode
from shared.kernel.event import Command
from shared.kernel.principal import Permission
from shared.policy.parameters import PolicyVersion


class OpenPlan(Command):
    """A household was identified, or entered the green channel."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    case_id: UUID
    household_id: UUID
    division: DivisionCode
    risks: tuple[Risk, ...]
    gaps: tuple[Gap, ...] = ()
    identified: Identified | None
    """``None`` before the approval."""
    green_channel: bool = False
    """Help starts at once, provisionally (R70)."""
    occurred_on: date


class KnowCase(Command):
    """A case was opened in identification."""

    permission: ClassVar[Permission] = SYSTEM

    case_id: UUID
    household_id: UUID
    division: DivisionCode
    risks: tuple[Risk, ...]
    previous_case_id: UUID | None
    occurred_on: date


class ConcludeCase(Command):
    """A case ended without identification."""

    permission: ClassVar[Permission] = SYSTEM

    case_id: UUID
    occurred_on: date


class KnowDelegation(Command):
    """The committee let a person approve in its place (R53)."""

    permission: ClassVar[Permission] = SYSTEM

    delegation_id: UUID
    county: DivisionCode
    holder: str
    document: str
    valid_from: date
    valid_until: date
    occurred_on: date


class LoseDelegation(Command):
    """The committee took a delegation back (R53)."""

    permission: ClassVar[Permission] = SYSTEM

    delegation_id: UUID
    occurred_on: date


class AddRisk(Command):
    """A new risk of an identified household."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    lead_id: UUID
    risks: tuple[Risk, ...]
    occurred_on: date


class ClosePlan(Command):
    """The case ended without identification, or left the green channel."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    reason: PlanCloseReason
    occurred_on: date


class StartAfterCare(Command):
    """The county approved the elimination; part of the same transaction."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    elimination_id: UUID
    nobody_left: bool = False
    """Everybody died or moved away (R94): there is no household to refresh."""
    occurred_on: date


class AdoptPolicy(Command):
    """A policy was published."""

    permission: ClassVar[Permission] = SYSTEM

    policy: PolicyVersion
    occurred_on: date


class Correct(Command):
    """The gates have authorised a withdrawal or a rollback of one stream (R107, R108)."""

    permission: ClassVar[Permission] = SYSTEM

    stream_id: UUID
    correction_id: UUID
    to_version: int | None
    """``None`` withdraws the whole stream."""
    occurred_on: date


class EndAfterCare(Command):
    """The elimination was taken back by a correction; part of the same transaction."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    correction_id: UUID
    occurred_on: date


class ChangeFlag(Command):
    """The gates have authorised the change (R100, R108)."""

    permission: ClassVar[Permission] = SYSTEM

    flag_id: UUID
    flagged: bool
    correction_id: UUID
    occurred_on: date
