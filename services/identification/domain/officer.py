"""Who works in the villages and towns: known here since they first came in, at which post. Pure."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from shared.contracts.governance import OfficerKnown
from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import Level
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.kernel.principal import Permission, Role, may
from shared.policy.rules import rule


class ComeIn(Command):
    """Say that one is here: whoever answers for a case can be chosen from those who did (R5)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=(Level.VILLAGE, Level.TOWN))


def officer_id(subject: str, division: str) -> UUID:
    """The stream of a person's post at a place."""
    return named_id("officer", subject, division)


@dataclass(frozen=True)
class Officer:
    """One person, by pseudonym, at one place."""

    subject: str = ""
    division: str = ""


@dataclass(frozen=True)
class OfficerContext(Context):
    """Where the person last came in."""

    latest: str | None


@rule("R5")
def decide(_state: Officer, _command: ComeIn, context: OfficerContext) -> list[Event]:
    """Recorded once, and again when the post before lay elsewhere."""
    who = context.principal
    if context.latest == who.division:
        return []
    return [OfficerKnown(subject=who.subject, division=who.division, on=context.occurred_on)]


def evolve(state: Officer, event: Event) -> Officer:
    """The person after ``event``."""
    if isinstance(event, OfficerKnown):
        return Officer(event.subject, event.division)
    return state


OFFICER: Aggregate[Officer] = Aggregate(
    name="officer",
    label=("人员", "officer"),
    initial=Officer(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: (state.division,) if state.division else (),
    key=lambda state: officer_id(state.subject, state.division),
)
"""A person's post as a stream: category ``officer``, keyed by itself."""
