"""The procedure of an elimination: no skip, no haste, every objection heard."""

from collections.abc import Iterator
from typing import Any

import pytest

from services.assistance.domain import commands as c
from services.assistance.domain.delegation import Held
from services.assistance.domain.elimination import ELIMINATION
from services.assistance.domain.plan import PLAN
from services.assistance.domain.procedure import ELIMINATION_PROCEDURE
from shared.contracts.assistance import (
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
    RiskEliminated,
)
from shared.contracts.help import DropReason
from shared.contracts.values import AuthorityKind, EliminationMode, History
from shared.kernel.event import Command, Event
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden
from shared.policy.parameters import Parameters
from shared.testing.decider import Given, rule
from tests.unit.assistance import story as s
from tests.unit.assistance.eliminating import (
    APPROVE,
    CLOSE,
    DELIBERATE,
    IDS,
    MARK,
    OBJECT,
    POST,
    REVIEW,
    STEPS,
    VERIFY,
    added,
    elimination,
    events_of,
    history,
)


@rule("R95")
def test_the_whole_way() -> None:
    events = history(8)
    assert [type(event) for event in events] == [
        EliminationProposed,
        EliminationVerified,
        EliminationDeliberated,
        EliminationReviewed,
        EliminationNoticePosted,
        EliminationPublicized,
        RiskEliminated,
        EliminationAnnounced,
        EliminationMarked,
    ]
    state = ELIMINATION.fold(events)
    assert state.done == {step.name for step in ELIMINATION_PROCEDURE.steps}
    assert not state.open
    assert state.clocks == {}


@rule("R91", "R93", "R104")
def test_the_countys_approval_is_the_elimination() -> None:
    event = history(6)[-1]
    assert isinstance(event, RiskEliminated)
    assert event.eliminated_on == s.day("2023-09-21")
    assert event.mode is EliminationMode.ASSISTED
    assert event.returns_to is History.FORMERLY_POOR
    assert event.deadlines[0].due_on == s.day("2023-10-01")


def skips() -> Iterator[Any]:
    for number, (_, _) in enumerate(STEPS):
        for later, (command, _) in enumerate(STEPS[number + 1 :], start=number + 1):
            if command is not MARK or number < 5:
                yield pytest.param(number, command, id=f"{number}-{later}")


@rule("R95")
@pytest.mark.parametrize(("done", "command"), list(skips()))
def test_no_step_is_skipped(done: int, command: Command) -> None:
    by = s.COMMITTEE if command is APPROVE else s.SOMEBODY
    elimination(*history(done)).when(command, on="2023-09-25", by=by).refused(
        "R95", code="out-of-order"
    )


@rule("R95")
@pytest.mark.parametrize("number", range(len(STEPS)))
def test_no_step_is_done_twice(number: int) -> None:
    command, _ = STEPS[number]
    by = s.COMMITTEE if command is APPROVE else s.SOMEBODY
    elimination(*history(number + 1)).when(command, on="2023-09-25", by=by).refused(
        "R95", code="already-done"
    )


@rule("R95")
def test_no_step_is_dated_before_the_one_before() -> None:
    elimination(*history(1)).when(DELIBERATE, on="2023-09-11").refused(
        "R95", code="before-the-step-before"
    )


@rule("R56", "K2")
@pytest.mark.parametrize("on", ["2023-09-15", "2023-09-19", "2023-09-20"])
def test_the_publicity_takes_five_whole_days(on: str) -> None:
    """Posted on 09-15: it hangs through 09-20, and closes from 09-21 on."""
    elimination(*history(4)).when(CLOSE, on=on).refused("R56", code="publicity-not-over")
    elimination(*history(4)).when(CLOSE, on="2023-09-21").then_types(EliminationPublicized)


@rule("R95")
def test_an_unconfirmed_proposal_ends() -> None:
    no = VERIFY.model_copy(update={"confirmed": False})
    (event,) = elimination(*history(0)).when(no, on="2023-09-12").then_types(EliminationDropped)
    assert isinstance(event, EliminationDropped)
    assert event.reason is DropReason.NOT_CONFIRMED
    elimination(*history(0), event).when(VERIFY, on="2023-09-13").refused(
        "R95", code="elimination-dropped"
    )


@rule("R61")
@pytest.mark.parametrize(
    ("in_favour", "expected"), [(12, EliminationDropped), (13, EliminationDeliberated)]
)
def test_more_than_half_of_those_present_carry_it(in_favour: int, expected: type[Event]) -> None:
    vote = DELIBERATE.model_copy(update={"in_favour": in_favour, "against": 24 - in_favour})
    elimination(*history(1)).when(vote, on="2023-09-13").then_types(expected)


@rule("R61")
@pytest.mark.parametrize(("present", "met"), [(20, True), (19, False)])
def test_a_thin_meeting_is_noticed(present: int, met: bool) -> None:
    thin = DELIBERATE.model_copy(update={"present": present, "in_favour": 15, "against": 0})
    (event,) = (
        elimination(*history(1)).when(thin, on="2023-09-13").then_types(EliminationDeliberated)
    )
    assert isinstance(event, EliminationDeliberated)
    assert event.quorum_met is met


@rule("R61")
@pytest.mark.parametrize("changes", [{"present": 31}, {"against": 2}])
def test_votes_add_up(changes: dict[str, int]) -> None:
    wrong = DELIBERATE.model_copy(update=changes)
    elimination(*history(1)).when(wrong, on="2023-09-13").refused("R61")


@rule("R95")
def test_the_town_may_send_it_back_and_the_county_may_say_no() -> None:
    back = REVIEW.model_copy(update={"passed": False})
    elimination(*history(2)).when(back, on="2023-09-14").then_types(EliminationDropped)
    no = APPROVE.model_copy(update={"approved": False, "note": "理由"})
    (event,) = (
        elimination(*history(5))
        .when(no, on="2023-09-21", by=s.COMMITTEE)
        .then_types(EliminationDropped)
    )
    assert isinstance(event, EliminationDropped)
    assert event.reason is DropReason.REJECTED_BY_COUNTY


def objected(upto: int = 4) -> list[Event]:
    events = history(upto)
    return events + events_of(elimination(*events).when(OBJECT, on="2023-09-21"))


def answering(**changes: bool) -> c.AnswerEliminationObjection:
    return c.AnswerEliminationObjection(
        **IDS, objection_id=s.NEW, answer="核实情况", **({"upheld": False} | changes)
    )


@rule("R66")
def test_an_open_objection_suspends_what_follows() -> None:
    assert isinstance(objected()[-1], EliminationObjectionRaised)
    elimination(*objected()).when(CLOSE, on="2023-09-25").refused("R66", code="objection-open")
    elimination(*objected(5)).when(APPROVE, on="2023-09-25", by=s.COMMITTEE).refused(
        "R66", code="objection-open"
    )


@rule("R66")
def test_an_answered_objection_lets_it_go_on() -> None:
    when = elimination(*objected()).when(answering(), on="2023-09-22")
    (answered,) = when.then_types(EliminationObjectionAnswered)
    elimination(*objected(), answered).when(CLOSE, on="2023-09-22").then_types(
        EliminationPublicized
    )
    elimination(*objected(), answered).when(answering(), on="2023-09-22").refused(
        "R66", code="already-done"
    )


@rule("R66")
def test_changed_content_hangs_anew_for_the_whole_time() -> None:
    when = elimination(*objected()).when(answering(changed=True), on="2023-09-22")
    (answered,) = when.then_types(EliminationObjectionAnswered)
    again = [*objected(), answered]
    elimination(*again).when(CLOSE, on="2023-09-25").refused("R95", code="out-of-order")
    again += events_of(elimination(*again).when(POST, on="2023-09-22"))
    elimination(*again).when(CLOSE, on="2023-09-27").refused("R56")
    elimination(*again).when(CLOSE, on="2023-09-28").then_types(EliminationPublicized)


@rule("R66")
def test_an_upheld_objection_ends_the_proposal() -> None:
    elimination(*objected()).when(answering(upheld=True), on="2023-09-22").then_types(
        EliminationObjectionAnswered, EliminationDropped
    )


@rule("R66")
def test_there_is_a_time_for_objections() -> None:
    elimination(*history(3)).when(OBJECT, on="2023-09-14").refused("R66")
    elimination(*history(6)).when(OBJECT, on="2023-09-22").refused("R66")
    elimination(*history(4)).when(answering(), on="2023-09-22").refused(code="not-found")


@rule("R53")
def test_nobody_approves_their_own_work() -> None:
    hands = frozenset({s.COMMITTEE.subject})
    refusal = (
        elimination(*history(5), hands=hands)
        .when(APPROVE, on="2023-09-21", by=s.COMMITTEE)
        .refused("R53")
    )
    assert isinstance(refusal, Forbidden)


@rule("R91")
def test_the_conditions_are_looked_at_again_on_the_day_of_the_approval() -> None:
    """A risk that came on the way, and a line that rose with the new year."""
    late = PLAN.fold([s.opened(), s.filed(1, s.terms(), development=True), s.started(1), added()])
    elimination(*history(5), plan=late).when(APPROVE, on="2023-09-21", by=s.COMMITTEE).refused(
        "R91", code="risk-not-gone"
    )
    dear = s.POLICY.model_copy(
        update={"parameters": Parameters(monitoring_line={2023: 800_000, 2024: 990_000})}
    )
    elimination(*history(5), book=(dear,)).when(APPROVE, on="2024-01-02", by=s.COMMITTEE).refused(
        "R91", code="income-not-over-the-line"
    )


@rule("R107")
def test_what_the_county_approved_is_not_withdrawn_here() -> None:
    withdraw = c.WithdrawElimination(**IDS, note="撤回")
    elimination(*history(3)).when(withdraw, on="2023-09-14").then_types(EliminationDropped)
    elimination(*history(6)).when(withdraw, on="2023-09-22").refused("R107")


DELEGATE = Principal("person:delegate", frozenset({Role.OFFICER}), "370112")


@rule("R53")
def test_a_delegate_approves_while_the_delegation_holds() -> None:
    number = "章农委〔2023〕3号"
    held = Held(s.NEW, number, s.day("2023-09-01"), s.day("2023-09-21"))
    approval = APPROVE.model_copy(update={"by": AuthorityKind.DELEGATION, "authority": number})

    def deciding(command: c.ApproveElimination, on: str = "2023-09-21", *of: Held) -> Given[Any]:
        return elimination(*history(5), held=of).when(command, on=on, by=DELEGATE)

    (event,) = deciding(approval, "2023-09-21", held).then_types(RiskEliminated)
    assert isinstance(event, RiskEliminated)
    assert (event.by, event.delegation_id) == (AuthorityKind.DELEGATION, s.NEW)
    for refused in (
        deciding(approval, "2023-09-22", held),
        deciding(approval),
        deciding(approval.model_copy(update={"authority": "别的文号"}), "2023-09-21", held),
        deciding(APPROVE, "2023-09-21", held),
    ):
        assert isinstance(refused.refused("R53"), Forbidden)


def test_the_county_alone_approves() -> None:
    permission = c.ApproveElimination.permission
    assert permission.allows(s.COMMITTEE)
    assert not permission.allows(Principal("x", frozenset({Role.OFFICER}), "370112001"))
    assert not permission.allows(Principal("x", frozenset({Role.COMMITTEE}), "3701"))
