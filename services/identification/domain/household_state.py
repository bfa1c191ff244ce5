"""What a household in the register is, folded from its events, and what its decisions may look at.

Codes only: the people are in the vault.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from services.identification.domain.case_state import NOBODY
from shared.contracts import identification as events
from shared.contracts.identification import IndexToken, Member
from shared.contracts.values import History, Risk
from shared.kernel.decider import Context
from shared.kernel.event import Event


@dataclass(frozen=True)
class Household:
    """A household in the register."""

    exists: bool = False
    household_id: UUID = NOBODY
    division: str = ""
    residence: str = ""
    hukou_place: str | None = None
    history: History = History.ORDINARY
    relocated: bool = False
    moved_from: str | None = None
    members: tuple[Member, ...] = ()
    key_id: str = ""
    tokens: tuple[IndexToken, ...] = ()
    home_id: UUID = NOBODY
    """The vault's record of its address and phone."""
    absorbed_into: UUID | None = None
    """The household that it is part of now."""

    @property
    def dissolved(self) -> bool:
        """Whether it stands for nobody: merged into another one, or undone through the gates."""
        return self.exists and not self.members


@dataclass(frozen=True)
class Registration(Context):
    """What the registration's handler prepared: ids, and the tokens of the document numbers."""

    household_id: UUID
    member_ids: tuple[UUID, ...]
    """In the order of the command's members."""
    key_id: str
    tokens: tuple[IndexToken, ...]
    details: Mapping[UUID, UUID] = field(default_factory=dict)
    """The records of the details given, by member."""


@dataclass(frozen=True)
class Revision(Context):
    """What the revision's handler prepared."""

    member_ids: tuple[UUID, ...]
    """Of those added, in the order of the command."""
    key_id: str
    tokens: tuple[IndexToken, ...]
    """Of those added."""
    details: Mapping[UUID, UUID] = field(default_factory=dict)
    """The records of the details given, by member: of those added and of those who stay."""
    home_id: UUID | None = None
    """The new record of address and phone, when they change."""


@dataclass(frozen=True)
class Move(Context):
    """What a move is measured against."""

    has_active_case: bool


@dataclass(frozen=True)
class Moving(Context):
    """Members on their way to another household."""

    from_household_id: UUID
    to_household_id: UUID
    moved: Mapping[UUID, UUID]
    """Their ids there, by their ids here."""
    details: Mapping[UUID, UUID]
    """The records of their details there, by their ids there."""
    other: Household
    """The household on the other side."""
    case_id: UUID | None = None
    """The open or active case of the household that is left."""
    risks: tuple[Risk, ...] = ()
    """Of that case."""


@dataclass(frozen=True)
class Correcting(Context):
    """What a correction brings back."""

    earlier: Household
    """The household as of the version asked for; nobody, when it is withdrawn."""
    has_active_case: bool


def evolve(household: Household, event: Event) -> Household:
    """The household after ``event``. Never refuses: it has happened."""
    return _APPLY.get(type(event), _unchanged)(household, event)


def _unchanged(household: Household, _event: Any) -> Household:
    return household


def _split_off(_nobody: Household, event: events.HouseholdSplitOff) -> Household:
    return Household(
        exists=True,
        household_id=event.household_id,
        division=event.division,
        home_id=event.household_id,
    )


def _registered(_nobody: Household, event: events.HouseholdRegistered) -> Household:
    return Household(
        exists=True,
        household_id=event.household_id,
        division=event.division,
        residence=event.residence,
        hukou_place=event.hukou_place,
        history=event.history,
        relocated=event.relocated,
        moved_from=event.moved_from,
        members=event.members,
        home_id=event.household_id,
    )


_APPLY: Mapping[type[Event], Callable[[Household, Any], Household]] = {
    events.HouseholdSplitOff: _split_off,
    events.HouseholdRegistered: _registered,
    events.HouseholdRevised: lambda household, event: replace(
        household, members=event.members, home_id=event.home_id or household.home_id
    ),
    events.HouseholdMoved: lambda household, event: replace(
        household,
        division=event.division,
        residence=event.residence,
        hukou_place=event.hukou_place or household.hukou_place,
    ),
    events.HouseholdSplit: lambda household, event: replace(household, members=event.members),
    events.HouseholdMerged: lambda household, event: replace(
        household, members=event.members, history=event.history
    ),
    events.HouseholdAbsorbed: lambda household, event: replace(
        household, members=(), absorbed_into=event.into_household_id
    ),
    events.Purged: lambda household, _event: replace(household, members=()),
    events.HouseholdIndexed: lambda household, event: replace(
        household, key_id=event.key_id, tokens=event.tokens
    ),
}
