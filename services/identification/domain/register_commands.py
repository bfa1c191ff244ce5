"""Everything one can ask of the register that changes something."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.identification.domain.collection import (
    DetailsOf,
    FreeText,
    PersonGiven,
    Private,
    Reference,
    Related,
    ResidenceReason,
    VerifiedMember,
)
from shared.contracts.members import RemovedMember
from shared.contracts.values import History
from shared.kernel.decider import Act
from shared.kernel.division import DivisionCode, Level
from shared.kernel.principal import Permission, Role, may

_LOCAL = may(Role.OFFICER, at=(Level.VILLAGE, Level.TOWN, Level.COUNTY))


class RegisterHousehold(Act):
    """Put a household into the register (R11, R23–R26). The one command with personal data."""

    permission: ClassVar[Permission] = _LOCAL

    division: DivisionCode
    """The village that owns it."""
    hukou_place: DivisionCode
    residence: DivisionCode
    residence_leads: ResidenceReason | None = None
    """Why the residence place leads instead of the hukou place (R25)."""
    history: History
    relocated: bool = False
    moved_from: DivisionCode | None = None
    address: FreeText
    phone: Private | None = None
    national_number: Reference | None = None
    """户编号 of the national system, where it has one."""
    relocation_site: FreeText | None = None
    """集中安置点 and the address there."""
    members: Annotated[tuple[PersonGiven, ...], Field(min_length=1, max_length=30)]


class ReviseHousehold(Act):
    """Record who came, who went, and what changed about the others (R22, R23)."""

    permission: ClassVar[Permission] = _LOCAL

    household_id: UUID
    added: Annotated[tuple[PersonGiven, ...], Field(max_length=30)] = ()
    changed: Annotated[tuple[VerifiedMember, ...], Field(max_length=30)] = ()
    removed: Annotated[tuple[RemovedMember, ...], Field(max_length=30)] = ()
    head: UUID | None = None
    """The new head, where the former one left."""
    details: Annotated[tuple[DetailsOf, ...], Field(max_length=30)] = ()
    """What else the form asks, of members who stay."""
    address: FreeText | None = None
    phone: Private | None = None
    national_number: Reference | None = None
    relocation_site: FreeText | None = None


class SplitHousehold(Act):
    """Let some members be a household of their own (分户); cases and plans stay (R7, R25)."""

    permission: ClassVar[Permission] = _LOCAL

    household_id: UUID
    members: Annotated[tuple[Related, ...], Field(min_length=1, max_length=29)]
    """Who leaves, with the relation to the new head; the new head's own is ``HEAD``."""
    remaining_head: UUID | None = None
    """The head of those who stay, where the former one leaves."""
    division: DivisionCode | None = None
    """The village that owns the new household; the same one unless given."""
    residence: DivisionCode | None = None
    hukou_place: DivisionCode | None = None
    residence_leads: ResidenceReason | None = None
    address: FreeText
    phone: Private | None = None


class MergeHouseholds(Act):
    """Let another household's members belong to this one (并户) (R7, R11, R25)."""

    permission: ClassVar[Permission] = _LOCAL

    household_id: UUID
    absorbed_id: UUID
    relations: Annotated[tuple[Related, ...], Field(max_length=30)] = ()
    """Of those who come, to this household's head; ``OTHER`` where nothing is said."""


class MoveHousehold(Act):
    """Hand a household over to another village; the caller's division contains both (R24–R26)."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER, at=(Level.TOWN, Level.COUNTY, Level.CITY, Level.PROVINCE)
    )

    household_id: UUID
    division: DivisionCode
    residence: DivisionCode
    hukou_place: DivisionCode | None = None
    """Where it is registered from now on, when that changed too."""
    residence_leads: ResidenceReason | None = None
    """Why the residence place leads instead of the hukou place (R25)."""
