"""What goes into the vault and what comes out of it, and why nothing does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from shared.kernel.principal import Principal
from shared.kernel.refusal import Refusal
from shared.policy.purposes import Purpose


@dataclass(frozen=True)
class Entry:
    """One piece of personal data."""

    owner: UUID
    """Whose key seals it: the household, or the order for its caller."""
    id: UUID
    kind: str
    """``member``, ``household``, ``caller``, ``note`` …"""
    data: Mapping[str, Any]
    """JSON. Field names with a mask are shown masked; the others are hidden."""

    def __repr__(self) -> str:
        return f"Entry({self.kind}, {self.id})"


@dataclass(frozen=True)
class Reveal:
    """The record of one reveal: what the vault keeps, and what the audit trail gets."""

    id: UUID
    at: datetime
    principal: Principal
    purpose: Purpose
    owner: UUID
    records: tuple[UUID, ...]
    fields: tuple[str, ...]
    correlation_id: UUID


@dataclass(frozen=True)
class Revealed:
    """Full values, and the record that they were seen."""

    record: Reveal
    data: Mapping[UUID, Mapping[str, Any]]

    def __repr__(self) -> str:
        return f"Revealed({self.record.id})"


class Destroyed(Refusal):
    """The owner's key was shredded: the data exists nowhere any more."""

    status: ClassVar[int] = 410

    def __init__(self) -> None:
        super().__init__(
            code="personal-data-destroyed",
            zh="该户的个人信息已依法销毁",
            en="the personal data of this household has been destroyed",
        )


class Misplaced(Exception):
    """An id already stands for another owner's or another kind's record: a bug, not a refusal."""
