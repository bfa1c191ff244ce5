"""An elimination as its events make it: one proposal on its way through the procedure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.assistance.domain.procedure import ELIMINATION_PROCEDURE
from shared.contracts.assistance import (
    DeadlineMissed,
    DeadlineWarned,
    EliminationAnnounced,
    EliminationDeliberated,
    EliminationDropped,
    EliminationMarked,
    EliminationNoticePosted,
    EliminationObjectionAnswered,
    EliminationObjectionRaised,
    EliminationProposed,
    EliminationPublicized,
    EliminationReviewed,
    EliminationVerified,
    Purged,
    RiskEliminated,
)
from shared.contracts.help import DropReason
from shared.kernel import deadline
from shared.kernel.deadline import Clocks
from shared.kernel.event import Event


@dataclass(frozen=True)
class Notice:
    """The notice now hanging in the village."""

    notice_no: str
    posted_on: date
    last_day: date


@dataclass(frozen=True)
class Elimination:
    """One proposal to eliminate the risk of one case."""

    proposal: EliminationProposed | None = None
    done: frozenset[str] = frozenset()
    """The steps complete, by name."""
    notice: Notice | None = None
    open_objections: frozenset[UUID] = frozenset()
    objections: frozenset[UUID] = frozenset()
    dropped: DropReason | None = None
    eliminated: RiskEliminated | None = None
    latest_on: date | None = None
    """The legal date of the latest step: no later step is dated before it."""
    clocks: Clocks = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether anything has happened yet."""
        return self.proposal is not None

    @property
    def open(self) -> bool:
        """Whether the county has yet to decide."""
        return self.exists and self.dropped is None and self.eliminated is None

    @property
    def the_proposal(self) -> EliminationProposed:
        """The proposal of an elimination that exists."""
        assert self.proposal is not None
        return self.proposal

    @property
    def ids(self) -> dict[str, Any]:
        """What every event of the elimination carries."""
        proposal = self.the_proposal
        return {"case_id": proposal.case_id, "household_id": proposal.household_id}


def evolve(state: Elimination, event: Event) -> Elimination:
    """Fold one recorded event into the elimination. Never refuses: it has happened."""
    step = ELIMINATION_PROCEDURE.completed_by(event)
    if step is not None:
        on = _DATES[type(event)](event)
        clocks = deadline.stop(state.clocks, step.clock) if step.clock else state.clocks
        state = replace(state, done=state.done | {step.name}, clocks=clocks, latest_on=on)
    fold = _FOLDS.get(type(event))
    return state if fold is None else fold(state, event)


def _proposed(state: Elimination, event: EliminationProposed) -> Elimination:
    return replace(state, proposal=event)


def _posted(state: Elimination, event: EliminationNoticePosted) -> Elimination:
    return replace(state, notice=Notice(event.notice_no, event.posted_on, event.last_day))


def _objected(state: Elimination, event: EliminationObjectionRaised) -> Elimination:
    return replace(
        state,
        open_objections=state.open_objections | {event.objection_id},
        objections=state.objections | {event.objection_id},
    )


def _answered(state: Elimination, event: EliminationObjectionAnswered) -> Elimination:
    # What was posted changed: it hangs anew, for the whole time (R66).
    done = state.done - {"post", "publicize"} if event.changed else state.done
    return replace(state, open_objections=state.open_objections - {event.objection_id}, done=done)


def _eliminated(state: Elimination, event: RiskEliminated) -> Elimination:
    return replace(state, eliminated=event, clocks=deadline.start(state.clocks, *event.deadlines))


def _dropped(state: Elimination, event: EliminationDropped) -> Elimination:
    return replace(state, dropped=event.reason, clocks={})


def _purged(state: Elimination, _event: Purged) -> Elimination:
    return replace(state, dropped=DropReason.WITHDRAWN, eliminated=None, clocks={})


def _warned(state: Elimination, event: DeadlineWarned) -> Elimination:
    return replace(state, clocks=deadline.warned(state.clocks, event.kind))


def _missed(state: Elimination, event: DeadlineMissed) -> Elimination:
    return replace(state, clocks=deadline.missed(state.clocks, event.kind))


_DATES: Mapping[type[Event], Callable[[Any], date]] = {
    EliminationProposed: lambda event: event.proposed_on,
    EliminationVerified: lambda event: event.visited_on,
    EliminationDeliberated: lambda event: event.held_on,
    EliminationReviewed: lambda event: event.reviewed_on,
    EliminationNoticePosted: lambda event: event.posted_on,
    EliminationPublicized: lambda event: event.closed_on,
    RiskEliminated: lambda event: event.eliminated_on,
    EliminationAnnounced: lambda event: event.announced_on,
    EliminationMarked: lambda event: event.marked_on,
}
"""The legal date of each step."""
_FOLDS: Mapping[type[Event], Callable[[Elimination, Any], Elimination]] = {
    EliminationProposed: _proposed,
    EliminationNoticePosted: _posted,
    EliminationObjectionRaised: _objected,
    EliminationObjectionAnswered: _answered,
    RiskEliminated: _eliminated,
    EliminationDropped: _dropped,
    DeadlineWarned: _warned,
    DeadlineMissed: _missed,
    Purged: _purged,
}
