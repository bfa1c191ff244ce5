"""A committee's delegation as this service has heard of it: who may approve in its place (R53)."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.assistance.domain import commands as c
from shared.contracts.assistance import DelegationKnown, DelegationLapsed
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.policy.rules import rule


@dataclass(frozen=True)
class Delegation:
    """One delegation."""

    known: DelegationKnown | None = None
    lapsed_on: date | None = None
    """The day from which it holds no more: it was taken back."""

    @property
    def the_delegation(self) -> DelegationKnown:
        """What is known of a delegation that exists."""
        assert self.known is not None
        return self.known


@dataclass(frozen=True)
class Held:
    """A delegation that somebody holds."""

    delegation_id: UUID
    document: str
    valid_from: date
    valid_until: date
    """The last day on which it holds."""

    def holds(self, document: str, on: date) -> bool:
        """Whether it is the one named, and holds on that day."""
        return self.document == document and self.valid_from <= on <= self.valid_until


@rule("R53")
def decide(state: Delegation, command: Command, _context: Context) -> list[Event]:
    """Take note of a delegation, or of its end, once."""
    if isinstance(command, c.LoseDelegation):
        if state.known is None or state.lapsed_on is not None:
            return []
        return [DelegationLapsed(delegation_id=command.delegation_id, on=command.occurred_on)]
    assert isinstance(command, c.KnowDelegation)
    if state.known is not None:
        return []
    facts = command.model_dump(exclude={"occurred_on"})
    return [DelegationKnown(**facts)]


def evolve(state: Delegation, event: Event) -> Delegation:
    """Fold one recorded event."""
    match event:
        case DelegationKnown():
            return Delegation(event)
        case DelegationLapsed():
            return replace(state, lapsed_on=event.on)
        case _:
            return state


DELEGATION: Aggregate[Delegation] = Aggregate(
    name="delegation",
    label=("授权批准", "delegation"),
    initial=Delegation(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: (state.the_delegation.county,),
    key=lambda state: state.the_delegation.delegation_id,
)
