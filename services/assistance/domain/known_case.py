"""A case as this service knows it: enough to draft a plan before the approval (R59)."""

from dataclasses import dataclass

from services.assistance.domain import commands as c
from shared.contracts.assistance import CaseKnown
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event


@dataclass(frozen=True)
class KnownCase:
    """What was heard of one case."""

    known: CaseKnown | None = None

    @property
    def the_case(self) -> CaseKnown:
        """What is known of a case that exists."""
        assert self.known is not None
        return self.known


def decide(case: KnownCase, command: Command, _context: Context) -> list[Event]:
    """Take note of a case once."""
    assert isinstance(command, c.KnowCase)
    if case.known is not None:
        return []
    return [
        CaseKnown(
            case_id=command.case_id,
            household_id=command.household_id,
            division=command.division,
            risks=command.risks,
            previous_case_id=command.previous_case_id,
        )
    ]


def evolve(case: KnownCase, event: Event) -> KnownCase:
    """Fold one recorded event."""
    return KnownCase(event) if isinstance(event, CaseKnown) else case


KNOWN_CASE: Aggregate[KnownCase] = Aggregate(
    name="known_case",
    label=("个案", "case"),
    initial=KnownCase(),
    evolve=evolve,
    decide=decide,
    divisions=lambda case: (case.the_case.division,),
    key=lambda case: case.the_case.household_id,
)
