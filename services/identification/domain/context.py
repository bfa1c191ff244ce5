"""What a decision about a case may look at besides the case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.identification.domain.delegation import Held
from shared.contracts.identification import Member
from shared.contracts.values import History
from shared.kernel.decider import Context
from shared.kernel.ids import new_id
from shared.policy.parameters import PolicyVersion


@dataclass(frozen=True)
class HouseholdFacts:
    """What the register says about a household."""

    household_id: UUID
    division: str
    history: History
    relocated: bool
    moved_from: str | None
    members: tuple[Member, ...]


@dataclass(frozen=True)
class CaseContext(Context):
    """The look-ups of a case's decisions."""

    policy: PolicyVersion
    """The version that governs the case; for a case not yet open the one now in force."""
    household: HouseholdFacts
    notes: Mapping[str, UUID] = field(default_factory=dict)
    """The vault's ids of the command's free texts, by field."""
    content: tuple[UUID, str] | None = None
    """The rendered notice: its id in the vault and its hash."""
    fresh_id: UUID = field(default_factory=new_id)
    """A new id, for whatever the act brings into being."""
    previous_case_id: UUID | None = None
    delegations: tuple[Held, ...] = ()
    """What the committee has delegated to the caller (R53)."""
    posts: Mapping[str, str] = field(default_factory=dict)
    """Where those work who are to be named, by pseudonym; who never came in is absent (R5)."""

    @property
    def note_id(self) -> UUID | None:
        """The note the officer wrote, if any."""
        return self.notes.get("note")
