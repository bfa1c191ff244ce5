"""The flag 整户无劳动能力兜底保障户: village and town set it, only the gates change it."""

from typing import Any

from services.assistance.domain import commands as c
from services.assistance.domain.no_labour import NO_LABOUR
from services.assistance.domain.plan import PLAN
from services.assistance.domain.quarters import comparison_clock
from shared.contracts.assistance import (
    DeadlineMissed,
    DeadlineWarned,
    FlagChanged,
    NoLabourDeclined,
    NoLabourFlagged,
    NoLabourProposed,
)
from shared.contracts.help import NoLabourBasis
from shared.kernel.decider import Tick
from shared.kernel.event import Event
from shared.testing.decider import Given, given, rule
from tests.unit.assistance import story as s

PROPOSED = NoLabourProposed(
    household_id=s.HOUSEHOLD,
    division=s.VILLAGE,
    basis=NoLabourBasis.DIBAO_FULL,
    evidence=(s.SHA,),
)
FLAGGED = NoLabourFlagged(
    household_id=s.HOUSEHOLD,
    division=s.VILLAGE,
    basis=NoLabourBasis.DIBAO_FULL,
    deadlines=(comparison_clock("2023Q2", s.POLICY),),
)
CONFIRM = c.FlagNoLabour(plan_id=s.PLAN_ID)


def flag(*events: Event, **changes: bool) -> Given[Any]:
    nobody = {"labour_capable": False, "wholly_without_labour": True}
    plan = PLAN.fold([s.opened(**(nobody | changes))])
    return given(NO_LABOUR, *events, context=s.around(plan=plan))


def proposing(*, nobody_can_work: bool = True) -> c.ProposeNoLabour:
    return c.ProposeNoLabour(
        plan_id=s.PLAN_ID,
        basis=NoLabourBasis.DIBAO_FULL,
        nobody_can_work=nobody_can_work,
        evidence=(s.SHA,),
    )


@rule("R97", "R98")
def test_the_village_puts_it_forward_and_the_town_confirms() -> None:
    flag().when(proposing(), on="2023-04-01").then(PROPOSED)
    state = flag(PROPOSED).when(CONFIRM, on="2023-04-02").then(FLAGGED)
    assert state.flagged


@rule("R98")
def test_the_town_may_send_it_back_and_the_village_begin_anew() -> None:
    declined = CONFIRM.model_copy(update={"confirmed": False})
    sent_back = NoLabourDeclined(household_id=s.HOUSEHOLD)
    state = flag(PROPOSED).when(declined, on="2023-04-02").then(sent_back)
    assert not state.flagged
    flag(PROPOSED, sent_back).when(CONFIRM, on="2023-04-03").refused("R98", code="village-first")
    flag(PROPOSED, sent_back).when(proposing(), on="2023-04-03").then(PROPOSED)


@rule("R99")
def test_a_quarter_that_nobody_compares_is_told_once_and_to_the_city() -> None:
    tick = Tick(category="no_labour", stream_id=s.NEW)
    flag(PROPOSED, FLAGGED).when(tick, on="2023-06-30").then()
    (warned,) = flag(PROPOSED, FLAGGED).when(tick, on="2023-07-01").then_types(DeadlineWarned)
    flag(PROPOSED, FLAGGED, warned).when(tick, on="2023-07-30").then()
    (missed,) = (
        flag(PROPOSED, FLAGGED, warned).when(tick, on="2023-07-31").then_types(DeadlineMissed)
    )
    assert isinstance(missed, DeadlineMissed)
    assert (missed.rule, missed.escalated_to) == ("R99", "3701")
    flag(PROPOSED, FLAGGED, warned, missed).when(tick, on="2023-08-30").then()


@rule("R97")
def test_a_household_with_labour_is_not_flagged() -> None:
    flag(wholly_without_labour=False).when(proposing(), on="2023-04-01").refused("R97")
    flag().when(proposing(nobody_can_work=False), on="2023-04-01").refused("R97")


@rule("R97")
def test_the_destitute_are_without_labour_by_law() -> None:
    destitute = proposing().model_copy(update={"basis": NoLabourBasis.SCATTERED_SUPPORT})
    flag(wholly_without_labour=False).when(destitute, on="2023-04-01").then_types(NoLabourProposed)
    able = flag(labour_capable=True, wholly_without_labour=False)
    able.when(destitute, on="2023-04-01").refused("R97")


@rule("R98")
def test_neither_alone_is_enough() -> None:
    flag().when(CONFIRM, on="2023-04-02").refused(code="not-found")
    flag(PROPOSED, FLAGGED).when(CONFIRM, on="2023-04-03").refused("R98", code="already-done")
    flag(PROPOSED).when(proposing(), on="2023-04-03").refused("R98", code="already-done")
    assert c.ProposeNoLabour.permission.levels != c.FlagNoLabour.permission.levels


@rule("R100")
def test_nobody_takes_the_flag_off_locally() -> None:
    remove = c.UnflagNoLabour(plan_id=s.PLAN_ID)
    flag(PROPOSED, FLAGGED).when(remove, on="2023-05-01").refused("R100")


@rule("R100", "R108")
def test_the_gates_change_it_once_and_the_history_stays() -> None:
    change = c.ChangeFlag(
        flag_id=s.NEW,
        flagged=False,
        correction_id=s.LEAD,
        occurred_on=s.day("2023-06-01"),
    )
    event = FlagChanged(household_id=s.HOUSEHOLD, flagged=False, correction_id=s.LEAD)
    state = flag(PROPOSED, FLAGGED).when(change, on="2023-06-01").then(event)
    assert not state.flagged
    assert state.clocks == {}, "nobody is asked to compare what is not flagged"
    flag(PROPOSED, FLAGGED, event).when(change, on="2023-06-02").then()
