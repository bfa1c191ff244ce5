"""A finding: raised by a detector, answered by its owner, never deleted (R48–R50). Pure."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.identification.domain import commands, internal
from shared.contracts.findings import FindingAnswered, FindingRaised
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.kernel.refusal import NotFound, OutOfOrder
from shared.policy.rules import rule

LABEL = ("线索发现", "finding")


@dataclass(frozen=True)
class Finding:
    """What was found, and what was said to it."""

    raised: FindingRaised | None = None
    answered: FindingAnswered | None = None


@dataclass(frozen=True)
class FindingContext(Context):
    """What an answer needs besides."""

    note_id: UUID | None = None


@rule("R50")
def decide(state: Finding, command: Command, context: Context) -> list[Event]:
    """Raise it once; answer it once. There is no third act: nothing deletes a finding (R50)."""
    if isinstance(command, internal.RaiseFinding):
        return [] if state.raised else [_raised(command, context)]
    assert isinstance(command, commands.AnswerFinding)
    assert isinstance(context, FindingContext)
    if state.raised is None:
        raise NotFound(*LABEL)
    if state.answered is not None:
        raise OutOfOrder(
            "R50", code="already-done", zh="该发现已答复", en="the finding is answered already"
        )
    assert context.note_id is not None
    return [
        FindingAnswered(
            finding_id=command.finding_id,
            answer=command.answer,
            note_id=context.note_id,
            on=context.occurred_on,
        )
    ]


def _raised(command: internal.RaiseFinding, context: Context) -> FindingRaised:
    return FindingRaised(
        finding_id=command.finding_id,
        kind=command.kind,
        rule=command.rule,
        division=command.division,
        case_id=command.case_id,
        household_id=command.household_id,
        on=context.occurred_on,
        figures=command.figures,
    )


def evolve(state: Finding, event: Event) -> Finding:
    """The finding after ``event``."""
    if isinstance(event, FindingRaised):
        return replace(state, raised=event)
    if isinstance(event, FindingAnswered):
        return replace(state, answered=event)
    return state


def _key(state: Finding) -> Any:
    raised = state.raised
    return None if raised is None else raised.household_id or raised.finding_id


FINDING: Aggregate[Finding] = Aggregate(
    name="finding",
    label=LABEL,
    initial=Finding(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: () if state.raised is None else (state.raised.division,),
    key=_key,
)
"""A finding as a stream: category ``finding``, keyed by its household, or by itself."""
