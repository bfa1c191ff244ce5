"""One look at personal data, as a stream of its own, so that the audit log has it. Pure."""

from typing import Any

from services.identification.domain import internal
from shared.contracts.identification import PersonalDataRevealed
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id

Reveal = PersonalDataRevealed | None


def decide(state: Reveal, command: Command, _context: Context) -> list[Event]:
    """Record the look, once."""
    assert isinstance(command, internal.RecordReveal)
    if state is not None:
        return []
    return [
        PersonalDataRevealed(
            reveal_id=command.reveal_id,
            household_id=command.household_id,
            division=command.division,
            purpose=command.purpose,
            records=command.records,
            fields=command.fields,
        )
    ]


def evolve(state: Reveal, event: Event) -> Reveal:
    """The look itself."""
    return event if isinstance(event, PersonalDataRevealed) else state


def _divisions(state: Reveal) -> tuple[str, ...]:
    return () if state is None else (state.division,)


def _key(state: Reveal) -> Any:
    return named_id("nothing") if state is None else state.household_id


REVEAL: Aggregate[Any] = Aggregate(
    name="reveal",
    label=("查看记录", "record of a look"),
    initial=None,
    evolve=evolve,
    decide=decide,
    divisions=_divisions,
    key=_key,
)
"""A look as a stream: category ``reveal``, keyed by its household."""
