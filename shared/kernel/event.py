"""Events: what happened, in the past tense, frozen. Every service's events derive from here."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.kernel.principal import Permission, Principal, Role


class Event(BaseModel):
    """A fact. Its class name is its type; ``schema_version`` grows when its shape changes.

    Holds ids, codes, dates and amounts in 分; never a name, document number, phone, account,
    address or illness (those live in the vault). Fields a newer producer adds are ignored on
    reading, so that old consumers go on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: ClassVar[str]
    """The service that owns the event; set once per contracts module by its base class."""
    schema_version: ClassVar[int] = 1


class Command(BaseModel):
    """A wish to change something: imperative, frozen, unknown fields refused.

    ``permission`` says who may wish it; ``execute`` checks it, whichever door the command came by.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    permission: ClassVar[Permission]


@dataclass(frozen=True)
class Metadata:
    """Who caused an event, on whose authority, in which request. Kept with the event for ever."""

    actor: str
    """The principal's pseudonym."""
    actor_division: str
    actor_roles: tuple[str, ...]
    correlation_id: UUID
    """Shared by everything that follows from one outside request."""
    causation_id: UUID
    """The request or the neighbour's event that led directly to this one; a clock's stream."""
    traceparent: str = ""
    """W3C trace context of the request."""

    def as_json(self) -> dict[str, Any]:
        """The metadata as it stands in the store and in message headers."""
        return {
            "actor": self.actor,
            "actor_division": self.actor_division,
            "actor_roles": list(self.actor_roles),
            "correlation_id": str(self.correlation_id),
            "causation_id": str(self.causation_id),
            "traceparent": self.traceparent,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Metadata":
        """The inverse of ``as_json``."""
        return cls(
            actor=data["actor"],
            actor_division=data["actor_division"],
            actor_roles=tuple(data["actor_roles"]),
            correlation_id=UUID(data["correlation_id"]),
            causation_id=UUID(data["causation_id"]),
            traceparent=data.get("traceparent", ""),
        )


E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True)
class Recorded(Generic[E_co]):
    """An event as the store holds it and the bus carries it."""

    event_id: UUID
    stream_id: UUID
    category: str
    """The aggregate's name: ``case``, ``household``, ``order``..."""
    version: int
    """1, 2, 3... within the stream, without a gap."""
    key: UUID
    """What keeps order across streams: the household, or the order, feed or correction."""
    region: str
    """The division the event belongs to."""
    occurred_on: date
    """The legal date (Asia/Shanghai)."""
    recorded_at: datetime
    """When it was entered, UTC."""
    event: E_co
    metadata: Metadata
    position: int = 0
    """The store's global position; 0 on one just decided, and on one that came over the bus."""

    @property
    def by_clock(self) -> bool:
        """Whether the stream's own clock said it: a warning or a miss, nobody's act."""
        return (
            self.metadata.causation_id == self.stream_id
            and Role.SYSTEM in self.metadata.actor_roles
        )


@dataclass(frozen=True)
class Cause:
    """Why a command runs: the ids and trace that its events will carry."""

    correlation_id: UUID
    causation_id: UUID
    traceparent: str = ""

    def metadata(self, principal: Principal) -> Metadata:
        """The metadata of events that ``principal`` brings about for this cause."""
        return Metadata(
            actor=principal.subject,
            actor_division=principal.division,
            actor_roles=tuple(sorted(principal.roles)),
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            traceparent=self.traceparent,
        )
