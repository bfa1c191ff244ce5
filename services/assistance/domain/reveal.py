"""One look at notes in full, as a stream of its own, so that the audit log has it. Pure."""

from typing import Any
from uuid import UUID

from services.assistance.domain.commands import RecordReveal
from shared.contracts.assistance import PersonalDataRevealed
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Event

Reveal = PersonalDataRevealed | None


def decide(state: Reveal, command: RecordReveal, _context: Context) -> list[Event]:
    """Record the look, once."""
    if state is not None:
        return []
    fields = {name: getattr(command, name) for name in RecordReveal.model_fields}
    return [PersonalDataRevealed(**fields)]


def evolve(state: Reveal, event: Event) -> Reveal:
    """The look itself."""
    return event if isinstance(event, PersonalDataRevealed) else state


def _divisions(state: Reveal) -> tuple[str, ...]:
    return () if state is None else (state.division,)


def _key(state: Reveal) -> UUID:
    assert state is not None
    return state.household_id


REVEAL: Aggregate[Any] = Aggregate(
    name="reveal",
    label=("查看记录", "record of a look"),
    initial=None,
    evolve=evolve,
    decide=decide,
    divisions=_divisions,
    key=_key,
)
