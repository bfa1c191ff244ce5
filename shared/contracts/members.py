"""A household's members as events know them: codes only."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.values import Benefit, Hukou, Labour
from shared.kernel.division import DivisionCode


class Member(BaseModel):
    """A member as events know them: codes only; the person is in the vault under the same id."""

    model_config = ConfigDict(frozen=True)

    member_id: UUID
    is_head: bool = False
    labour: Labour
    hukou: Hukou
    co_living: bool = True
    """Lives with and shares the income of the household (R22, R23)."""
    benefits: tuple[Benefit, ...] = ()
    hukou_place: DivisionCode | None = None
    """Where the member is registered, when that is not the household's own place (R23)."""
    details_id: UUID | None = None
    """The vault's record of what else the collection form asks about the person."""


class Leaving(StrEnum):
    """Why a member is no longer one."""

    DIED = "DIED"
    MARRIED_OUT = "MARRIED_OUT"
    MOVED_OUT = "MOVED_OUT"
    WRONGLY_ENTERED = "WRONGLY_ENTERED"


class RemovedMember(BaseModel):
    """A member who left, and why."""

    model_config = ConfigDict(frozen=True)

    member_id: UUID
    reason: Leaving


class MovedMember(BaseModel):
    """A member who belongs to another household now, and the id the person has there."""

    model_config = ConfigDict(frozen=True)

    member_id: UUID
    as_member_id: UUID


class IndexToken(BaseModel):
    """The keyed blind index of one document number; says nothing without the key."""

    model_config = ConfigDict(frozen=True)

    member_id: UUID
    token: str
    """Hex HMAC of the normalised number."""
