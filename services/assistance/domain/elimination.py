"""Risk elimination: proposed by the village, verified, deliberated, reviewed, publicized, approved.

No target, quota or ranking of eliminations exists anywhere in this service (R92).
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from services.assistance.domain import commands as c
from services.assistance.domain import policies
from services.assistance.domain.clocks import speak
from services.assistance.domain.context import Surroundings
from services.assistance.domain.corrections import correct
from services.assistance.domain.elimination_state import Elimination, evolve
from services.assistance.domain.planning import must_be_open
from services.assistance.domain.procedure import ELIMINATION_PROCEDURE
from services.assistance.domain.proposal import conditions, propose
from shared.contracts.assistance import (
    EliminationAnnounced,
    EliminationDeliberated,
    EliminationDropped,
    EliminationMarked,
    EliminationNoticePosted,
    EliminationObjectionAnswered,
    EliminationObjectionRaised,
    EliminationPublicized,
    EliminationReviewed,
    EliminationVerified,
    RiskEliminated,
)
from shared.contracts.help import DropReason
from shared.kernel.decider import Aggregate, Tick
from shared.kernel.event import Command, Event
from shared.kernel.refusal import Invalid, NotFound, OutOfOrder
from shared.policy.legal_time import after, deadline
from shared.policy.rules import rule

LABEL = ("风险消除", "elimination")


def decide(state: Elimination, command: Command, context: Surroundings) -> list[Event]:
    """What a command brings about in an elimination, or the ``Refusal``."""
    if isinstance(command, c.ProposeElimination):
        return propose(state, command, context)
    if not state.exists:
        raise NotFound(*LABEL)
    if isinstance(command, Tick):
        return speak(state.clocks, state.the_proposal.division, context.today)
    if isinstance(command, c.Correct):
        return correct(state, command, context)
    _must_not_be_dropped(state)
    _must_follow(state, context)
    return _DECISIONS[type(command)](state, command, context)


@rule("R5", "R95")
def verify(state: Elimination, command: c.VerifyElimination, context: Surroundings) -> list[Event]:
    """Village and town visited the household; unconfirmed, the proposal ends."""
    ELIMINATION_PROCEDURE.must_be_open("verify", state.done)
    if not command.confirmed:
        return [_dropped(state, "verify", DropReason.NOT_CONFIRMED, context)]
    return [
        EliminationVerified(
            **state.ids,
            visited_on=context.occurred_on,
            officers=command.officers,
            evidence=command.evidence,
        )
    ]


@rule("R61", "R95")
def deliberate(
    state: Elimination, command: c.DeliberateElimination, context: Surroundings
) -> list[Event]:
    """The village voted: a majority of those present is in favour, or the proposal ends."""
    ELIMINATION_PROCEDURE.must_be_open("deliberate", state.done)
    votes = command.in_favour + command.against
    if command.present > command.due or votes > command.present:
        raise Invalid(
            "R61",
            code="votes-do-not-add-up",
            zh="应到、实到与票数不符",
            en="people due, people present and votes do not add up",
            field="present",
        )
    numbers = context.policy(state.the_proposal.division).parameters
    if command.in_favour <= command.present * Fraction(numbers.majority):
        return [_dropped(state, "deliberate", DropReason.VOTED_DOWN, context)]
    return [
        EliminationDeliberated(
            **state.ids,
            held_on=context.occurred_on,
            form=command.form,
            due=command.due,
            present=command.present,
            in_favour=command.in_favour,
            against=command.against,
            quorum_met=command.present >= command.due * Fraction(numbers.quorum),
            note_id=context.note_id,
        )
    ]


@rule("R5", "R95")
def review(state: Elimination, command: c.ReviewElimination, context: Surroundings) -> list[Event]:
    """The town passes it on, or sends it back."""
    ELIMINATION_PROCEDURE.must_be_open("review", state.done)
    if not command.passed:
        return [_dropped(state, "review", DropReason.RETURNED_BY_TOWN, context)]
    return [
        EliminationReviewed(
            **state.ids,
            reviewed_on=context.occurred_on,
            officers=command.officers,
            note_id=context.note_id,
        )
    ]


@rule("R56", "R95", "K2")
def post_notice(
    state: Elimination, command: c.PostEliminationNotice, context: Surroundings
) -> list[Event]:
    """The notice hangs for five whole days, the posting day not counted."""
    ELIMINATION_PROCEDURE.must_be_open("post", state.done)
    policy = context.policy(state.the_proposal.division)
    assert context.note_id is not None
    return [
        EliminationNoticePosted(
            **state.ids,
            notice_no=command.notice_no,
            posted_on=context.occurred_on,
            last_day=after(context.occurred_on, policy.parameters.publicity),
            photo=command.photo,
            note_id=context.note_id,
        )
    ]


@rule("R66")
def raise_objection(
    state: Elimination, _command: c.RaiseEliminationObjection, context: Surroundings
) -> list[Event]:
    """Somebody objects while the notice hangs, or before the county has decided."""
    if state.notice is None or not state.open:
        raise OutOfOrder(
            "R66",
            code="nothing-to-object-to",
            zh="仅在公示后、县级批准前可以提出异议",
            en="an objection is made between the posting and the county's decision",
        )
    assert context.note_id is not None
    return [
        EliminationObjectionRaised(
            **state.ids, objection_id=context.new_id, note_id=context.note_id
        )
    ]


@rule("R66")
def answer_objection(
    state: Elimination, command: c.AnswerEliminationObjection, context: Surroundings
) -> list[Event]:
    """The town looked into it: upheld, the proposal ends; changed, the notice hangs anew."""
    if command.objection_id not in state.objections:
        raise NotFound("异议", "objection", field="objection_id")
    if command.objection_id not in state.open_objections:
        raise OutOfOrder(
            "R66",
            code="already-done",
            zh="该异议已经答复",
            en="the objection is answered already",
        )
    assert context.note_id is not None
    answered = EliminationObjectionAnswered(
        **state.ids,
        objection_id=command.objection_id,
        upheld=command.upheld,
        changed=command.changed and not command.upheld,
        note_id=context.note_id,
    )
    if not command.upheld:
        return [answered]
    return [answered, _dropped(state, "publicize", DropReason.OBJECTION_UPHELD, context)]


def close_notice(
    state: Elimination, _command: c.CloseEliminationNotice, context: Surroundings
) -> list[Event]:
    """The publicity is complete: five whole days, every objection answered (R56, R66)."""
    ELIMINATION_PROCEDURE.must_be_open("publicize", state.done)
    assert state.notice is not None
    policies.publicity_is_over(state.notice.last_day, context.occurred_on)
    policies.no_objection_is_open(state.open_objections)
    return [
        EliminationPublicized(
            **state.ids,
            posted_on=state.notice.posted_on,
            last_day=state.notice.last_day,
            closed_on=context.occurred_on,
        )
    ]


@rule("R53", "R91", "R95")
def approve(
    state: Elimination, command: c.ApproveElimination, context: Surroundings
) -> list[Event]:
    """The county decides; every condition is looked at once more on that day."""
    ELIMINATION_PROCEDURE.must_be_open("approve", state.done)
    policies.hands_are_clean(context.principal.subject, context.hands)
    delegation_id = policies.authority_is_valid(
        command.by, command.authority, context.principal, context.held, context.occurred_on
    )
    if not command.approved:
        return [_dropped(state, "approve", DropReason.REJECTED_BY_COUNTY, context)]
    assert state.notice is not None
    policies.publicity_is_over(state.notice.last_day, context.occurred_on)
    policies.no_objection_is_open(state.open_objections)
    proposal = state.the_proposal
    must_be_open(context.plan)
    policy = context.policy(proposal.division)
    early = conditions(proposal, context, policy)
    if proposal.income is not None:
        policies.income_is_over_the_line(proposal.income, policy, context.occurred_on)
    return [
        RiskEliminated(
            **state.ids,
            mode=proposal.mode,
            eliminated_on=context.occurred_on,
            division=proposal.division,
            authority=command.authority,
            by=command.by,
            delegation_id=delegation_id,
            early=early or proposal.early,
            returns_to=proposal.returns_to,
            per_capita_net=proposal.per_capita_net,
            deadlines=(
                deadline(
                    "mark",
                    "R95",
                    context.occurred_on,
                    policy.parameters.national_entry,
                    policy=policy.version,
                ),
            ),
        )
    ]


@rule("R65", "R95")
def announce(
    state: Elimination, command: c.AnnounceElimination, context: Surroundings
) -> list[Event]:
    """The county announces the result; the handler has scanned its words (R65)."""
    ELIMINATION_PROCEDURE.must_be_open("announce", state.done)
    assert context.note_id is not None
    return [
        EliminationAnnounced(
            **state.ids,
            notice_no=command.notice_no,
            announced_on=context.occurred_on,
            note_id=context.note_id,
        )
    ]


def mark(state: Elimination, command: c.MarkElimination, context: Surroundings) -> list[Event]:
    """The national system carries the label (R95)."""
    ELIMINATION_PROCEDURE.must_be_open("mark", state.done)
    return [EliminationMarked(**state.ids, receipt=command.receipt, marked_on=context.occurred_on)]


def withdraw(
    state: Elimination, _command: c.WithdrawElimination, context: Surroundings
) -> list[Event]:
    """Take a proposal back while the county has not decided."""
    if not state.open:
        raise OutOfOrder(
            "R107",
            code="already-eliminated",
            zh="县级已批准消除,不能撤回;更正须走回退程序",
            en="the county has approved it; only a correction through the gates undoes that",
        )
    return [_dropped(state, "withdraw", DropReason.WITHDRAWN, context)]


def _dropped(
    state: Elimination, step: str, reason: DropReason, context: Surroundings
) -> EliminationDropped:
    return EliminationDropped(**state.ids, step=step, reason=reason, note_id=context.note_id)


def _must_not_be_dropped(state: Elimination) -> None:
    if state.dropped is not None:
        raise OutOfOrder(
            "R95",
            code="elimination-dropped",
            zh="该次风险消除已终止,可重新提出",
            en="this proposal was dropped; it may be made anew",
        )


def _must_follow(state: Elimination, context: Surroundings) -> None:
    """No step is dated before the one it follows."""
    if state.latest_on is not None and context.occurred_on < state.latest_on:
        raise Invalid(
            "R95",
            code="before-the-step-before",
            zh=f"发生日期早于上一环节({state.latest_on})",
            en=f"the act is dated before the step it follows ({state.latest_on})",
            field="occurred_on",
        )


_DECISIONS: Mapping[type[Command], Callable[[Elimination, Any, Surroundings], list[Event]]] = {
    c.VerifyElimination: verify,
    c.DeliberateElimination: deliberate,
    c.ReviewElimination: review,
    c.PostEliminationNotice: post_notice,
    c.RaiseEliminationObjection: raise_objection,
    c.AnswerEliminationObjection: answer_objection,
    c.CloseEliminationNotice: close_notice,
    c.ApproveElimination: approve,
    c.AnnounceElimination: announce,
    c.MarkElimination: mark,
    c.WithdrawElimination: withdraw,
}

ELIMINATION: Aggregate[Elimination] = Aggregate(
    name="elimination",
    label=LABEL,
    initial=Elimination(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: (state.the_proposal.division,),
    key=lambda state: state.the_proposal.household_id,
    clocks=lambda state: state.clocks,
)
