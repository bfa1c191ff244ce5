"""A household's members as events know them: codes only."""

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


class IndexToken(BaseModel):
    """The keyed blind index of one document number; says nothing without the key."""

    model_config = ConfigDict(frozen=True)

    member_id: UUID
    token: str
    """Hex HMAC of the normalised number."""
