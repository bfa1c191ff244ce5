"""What this service's decisions may look at besides the stream's own state."""

from dataclasses import dataclass, field
from uuid import UUID

from services.assistance.domain.delegation import Held
from services.assistance.domain.plan_state import Plan
from shared.contracts.help import LedgerEntry
from shared.kernel.decider import Context
from shared.policy.parameters import PolicyVersion, in_force

_NIL = UUID(int=0)


@dataclass(frozen=True)
class Surroundings(Context):
    """The policy in force, the note already kept, and the streams beside this one."""

    book: tuple[PolicyVersion, ...] = ()
    """Every policy published for the nation, province, city and county at hand."""
    note_id: UUID | None = None
    """Where the command's free text was kept in the vault."""
    new_id: UUID = _NIL
    """A fresh id for what the act brings into being: a measure, an objection."""
    plan: Plan = field(default_factory=Plan)
    """The case's plan, for a decision about its elimination or its flag."""
    plan_id: UUID = _NIL
    flagged: bool = False
    """Whether the household is 整户无劳动能力兜底保障户 (R96)."""
    figures: tuple[LedgerEntry, ...] = ()
    """The town's and its villages' figures, for the ledger (R110)."""
    number: int = 1
    """Which proposal of the case this is."""
    held: tuple[Held, ...] = ()
    """The committee's delegations that the caller holds in the household's county (R53)."""
    hands: frozenset[str] = frozenset()
    """Who has acted on the stream so far: nobody approves their own work."""

    def policy(self, division: str) -> PolicyVersion:
        """What is in force there on the legal date of the act. Raises ``NoPolicy`` (K7, R28)."""
        return in_force(self.book, division, self.occurred_on)
