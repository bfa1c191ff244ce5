"""A case as this service knows it: enough to draft a plan before the approval (R59)."""

from dataclasses import dataclass, replace

from services.assistance.domain import commands as c
from shared.contracts.assistance import CaseConcluded, CaseKnown
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.kernel.refusal import NotFound, OutOfOrder
from shared.policy.rules import rule


@dataclass(frozen=True)
class KnownCase:
    """What was heard of one case."""

    known: CaseKnown | None = None
    concluded: bool = False
    """It ended without identification: nothing is drafted for it any more."""

    @property
    def the_case(self) -> CaseKnown:
        """What is known of a case that exists."""
        assert self.known is not None
        return self.known


def decide(case: KnownCase, command: Command, _context: Context) -> list[Event]:
    """Take note of a case, or of its end, once."""
    if isinstance(command, c.ConcludeCase):
        known = case.known
        if known is None or case.concluded:
            return []
        return [CaseConcluded(case_id=known.case_id, household_id=known.household_id)]
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


def evolve(state: KnownCase, event: Event) -> KnownCase:
    """Fold one recorded event."""
    match event:
        case CaseKnown():
            return KnownCase(event)
        case CaseConcluded():
            return replace(state, concluded=True)
        case _:
            return state


@rule("R59")
def must_be_under_way(case: KnownCase) -> None:
    """A plan is drafted early for a case under way, and for no other. Raises ``OutOfOrder``."""
    if case.known is None:
        raise NotFound(*KNOWN_CASE.label)
    if case.concluded:
        raise OutOfOrder(
            "R59",
            code="case-concluded",
            zh="该个案已结束,未予识别,不能制定帮扶计划",
            en="the case ended without identification; no plan is drafted for it",
        )


KNOWN_CASE: Aggregate[KnownCase] = Aggregate(
    name="known_case",
    label=("个案", "case"),
    initial=KnownCase(),
    evolve=evolve,
    decide=decide,
    divisions=lambda case: (case.the_case.division,),
    key=lambda case: case.the_case.household_id,
)
