"""What this service's decisions may look at besides the stream's own state."""

from dataclasses import dataclass, field
from uuid import UUID

from services.assistance.domain.plan_state import Plan
from shared.kernel.decider import Context
from shared.policy.parameters import PolicyVersion

_NIL = UUID(int=0)


@dataclass(frozen=True)
class Surroundings(Context):
    """The policy in force, the note already kept, and the streams beside this one."""

    policy: PolicyVersion | None = None
    """In force for the household's division on the legal date of the act."""
    note_id: UUID | None = None
    """Where the command's free text was kept in the vault."""
    new_id: UUID = _NIL
    """A fresh id for what the act brings into being: a measure, an objection."""
    plan: Plan = field(default_factory=Plan)
    """The case's plan, for a decision about its elimination or its flag."""
    plan_id: UUID = _NIL
    flagged: bool = False
    """Whether the household is 整户无劳动能力兜底保障户 (R96)."""
    number: int = 1
    """Which proposal of the case this is."""
    hands: frozenset[str] = frozenset()
    """Who has acted on the stream so far: nobody approves their own work."""

    @property
    def the_policy(self) -> PolicyVersion:
        """The policy; a handler that forgot to look it up is a fault."""
        assert self.policy is not None
        return self.policy
