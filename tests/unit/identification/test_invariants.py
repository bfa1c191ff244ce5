"""Random acts, legal and not: whatever is taken, what must never happen has not happened."""

import os
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from hypothesis.stateful import rule as act

from services.identification.domain import commands as c
from services.identification.domain.case import CASE
from services.identification.domain.case_state import Status
from services.identification.domain.procedure import IDENTIFICATION
from services.identification.domain.work import to_do
from shared.contracts import identification as e
from shared.contracts.assessment import Shock
from shared.contracts.identification_steps import BackTo, Conclusion, Told
from shared.contracts.values import Category, Gap, Risk
from shared.kernel.decider import Tick
from shared.kernel.event import Command, Event
from shared.kernel.principal import Principal
from shared.kernel.refusal import Refusal
from shared.testing.decider import rule
from tests.unit.identification.support import (
    CASE_ID,
    COMMITTEE,
    FRESH,
    OFFICER,
    SYSTEM,
    TOWNSMAN,
    VILLAGER,
    approval,
    authorization,
    calm_verification,
    closing,
    comparison,
    context,
    deliberation,
    lead,
    notice,
    officers,
    refusal,
    review,
    verification,
)

ACTS: list[tuple[Command, Principal]] = [
    (officers(), TOWNSMAN),
    (authorization(), VILLAGER),
    (c.RevokeAuthorization(case_id=CASE_ID), VILLAGER),
    (verification(late_reason="WORKLOAD"), VILLAGER),
    (verification(20_000, shock=Shock.ILLNESS, late_reason="WORKLOAD"), VILLAGER),
    (calm_verification(late_reason="WORKLOAD"), VILLAGER),
    (comparison(), OFFICER),
    (deliberation(), VILLAGER),
    (deliberation(category=Category.SEVERE_HARDSHIP), VILLAGER),
    (deliberation(Conclusion.DECLINE), VILLAGER),
    (review(), TOWNSMAN),
    (c.ReviewTown(case_id=CASE_ID, passed=False, back_to=BackTo.DELIBERATION), TOWNSMAN),
    (notice(), VILLAGER),
    (closing(), VILLAGER),
    (c.RaiseObjection(case_id=CASE_ID, objection="异议"), VILLAGER),
    (approval(late_reason="OTHER"), COMMITTEE),
    (approval(Category.SEVERE_HARDSHIP, late_reason="OTHER"), COMMITTEE),
    (refusal("DELIBERATED_AGAINST", late_reason="OTHER"), COMMITTEE),
    (refusal("BELOW_LINE_STABLE", late_reason="OTHER"), COMMITTEE),
    (c.Announce(case_id=CASE_ID, number="1", objection_phone="12317"), OFFICER),
    (c.RecordNationalEntry(case_id=CASE_ID, receipt="GJ1", late_reason="OTHER"), OFFICER),
    (c.TellHousehold(case_id=CASE_ID, about=Told.REFUSAL, late_reason="OTHER"), VILLAGER),
    (c.TellHousehold(case_id=CASE_ID, about=Told.CHANNEL_ENTRY, late_reason="OTHER"), VILLAGER),
    (c.FollowUp(case_id=CASE_ID, open_gaps=(Gap.HOUSING,)), VILLAGER),
    (c.ConfirmGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER), VILLAGER),
    (c.ConfirmGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER), TOWNSMAN),
    (c.EnterGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER, facts="火灾"), OFFICER),
    (c.VerifyGreenChannel(case_id=CASE_ID, eligible=True, late_reason="OTHER"), OFFICER),
    (c.VerifyGreenChannel(case_id=CASE_ID, eligible=False, late_reason="OTHER"), OFFICER),
    (c.ExitGreenChannel(case_id=CASE_ID), OFFICER),
    (Tick(category="case", stream_id=CASE_ID), SYSTEM),
]
CHANNEL = [
    item for item in ACTS if isinstance(item[0], c.ConfirmGreenChannel | c.EnterGreenChannel)
]


class Casework(RuleBasedStateMachine):
    """One case in the hands of officers who try everything, on any day up to today."""

    @initialize()
    def open(self) -> None:
        self.events: list[Event] = []
        self.today = date(2023, 8, 1)
        self.objections = 0
        self.take(lead(), SYSTEM, fresh=CASE_ID)

    def take(self, command: Command, by: Principal, *, on: date | None = None, fresh: UUID) -> bool:
        """Try one act; nothing may have changed when it is refused."""
        state = CASE.fold(self.events)
        made = context(note=True, fresh_id=fresh)(self.today, on or self.today, by)
        try:
            events = CASE.decide(state, command, made)
        except Refusal:
            return False
        self.events += events
        return True

    @act(days=st.integers(0, 6))
    def wait(self, days: int) -> None:
        self.today += timedelta(days=days)

    @act(number=st.integers(0, len(ACTS) - 1), back=st.integers(0, 3))
    def try_anything(self, number: int, back: int) -> None:
        command, by = ACTS[number]
        self.objections += 1
        on = self.today - timedelta(days=back)
        self.take(command, by, on=on, fresh=UUID(int=1000 + self.objections))

    @act(steps=st.integers(1, 9), back=st.integers(0, 2), first=st.integers(0, len(ACTS) - 1))
    def go_on(self, steps: int, back: int, first: int) -> None:
        """Some next steps of the procedure, so that cases get somewhere, by one way or another."""
        for _ in range(steps):
            self.today += timedelta(days=1)
            on = self.today - timedelta(days=back)
            wanted = {item.step for item in to_do(CASE.fold(self.events))}
            commands = tuple(step.command for step in IDENTIFICATION.steps if step.name in wanted)
            for command, by in (*ACTS[first:], *ACTS[:first]):
                if isinstance(command, commands) and self.take(command, by, on=on, fresh=FRESH):
                    break

    @act()
    def burn_down(self) -> None:
        """Into the green channel, where the case allows it."""
        for command, by in CHANNEL:
            self.take(command, by, fresh=FRESH)

    @act(upheld=st.booleans())
    def answer(self, upheld: bool) -> None:
        for objection in CASE.fold(self.events).open_objections:
            command = c.AnswerObjection(
                case_id=CASE_ID, objection_id=objection, upheld=upheld, answer="答复"
            )
            self.take(command, TOWNSMAN, fresh=FRESH)

    @act(days_ago=st.integers(0, 20), number=st.integers(50, 52))
    def another_lead(self, days_ago: int, number: int) -> None:
        on = self.today - timedelta(days=days_ago)
        self.take(lead(on.isoformat(), UUID(int=number)), SYSTEM, on=on, fresh=CASE_ID)

    # --- what must never happen -------------------------------------------------------------------

    @invariant()
    def approval_follows_five_whole_days_of_publicity(self) -> None:
        for place, event in enumerate(self.events):
            if isinstance(event, e.Approved):
                posted = last(self.events[:place], e.NoticePosted)
                assert posted is not None
                assert event.on >= posted.on + timedelta(days=6)
                voided = [
                    item
                    for item in self.events[self.events.index(posted) : place]
                    if isinstance(item, e.ObjectionAnswered) and item.upheld
                ]
                assert voided == []
                assert event.category is posted.category

    @invariant()
    def approval_finds_every_objection_answered(self) -> None:
        raised: set[UUID] = set()
        for event in self.events:
            if isinstance(event, e.ObjectionRaised):
                raised.add(event.objection_id)
            elif isinstance(event, e.ObjectionAnswered):
                raised.discard(event.objection_id)
            elif isinstance(event, e.Approved | e.Publicized):
                assert raised == set()

    @invariant()
    def no_act_answers_what_has_not_happened_yet(self) -> None:
        """An answer not before its objection, an end not before the answers, nor before the day
        on which the channel's household was found eligible, nor a telling before its matter."""
        raised: dict[UUID, date] = {}
        answered = found = ended = date.min
        for event in self.events:
            match event:
                case e.ObjectionRaised():
                    raised[event.objection_id] = event.on
                case e.ObjectionAnswered():
                    assert event.on >= raised[event.objection_id]
                    answered = max(answered, event.on)
                case e.GreenChannelVerified():
                    found = event.on
                case e.Approved() | e.NotIdentified() | e.GreenChannelExited():
                    ended = event.on
                    assert ended >= max(answered, found)
                case e.HouseholdTold() if event.about is not Told.CHANNEL_ENTRY:
                    assert event.on >= ended

    @invariant()
    def nobody_leaves_the_channel_untold(self) -> None:
        told = False
        for event in self.events:
            if isinstance(event, e.HouseholdTold) and event.about is Told.CHANNEL_ENTRY:
                told = True
            if isinstance(event, e.GreenChannelExited) or (
                isinstance(event, e.Approved) and event.green_channel
            ):
                assert told

    @invariant()
    def what_was_entered_later_says_so(self) -> None:
        state = CASE.fold(self.events)
        marked = [item for item in self.events if getattr(item, "entered_on", None) is not None]
        assert len([item for item in state.lapses if item.entered_on]) == len(marked)

    @invariant()
    def a_case_ends_once(self) -> None:
        ends = (e.Approved, e.NotIdentified, e.GreenChannelExited)
        assert sum(isinstance(event, ends) for event in self.events) <= 1

    @invariant()
    def every_step_stands_on_those_before_it(self) -> None:
        state = CASE.fold(self.events)
        for name, on in state.done.items():
            for need in IDENTIFICATION.step(name).needs:
                if need in state.done and name != "comparison":
                    assert state.done[need] <= on, (need, name)

    @invariant()
    def the_identification_date_is_what_the_guide_says(self) -> None:
        approved = last(self.events, e.Approved)
        if approved is None:
            assert CASE.fold(self.events).identified_on is None
            return
        entered = last(self.events, e.GreenChannelEntered)
        assert approved.identified_on == (entered.entered_on if entered else approved.on)
        assert CASE.fold(self.events).identified_on == approved.identified_on

    @invariant()
    def no_date_is_ever_edited(self) -> None:
        """Folding a prefix gives dates that later events keep, unless the step is done again."""
        before: dict[str, date] = {}
        state = CASE.initial
        for event in self.events:
            state = CASE.evolve(state, event)
            kept = before.keys() & state.done.keys()
            assert {name: before[name] for name in kept} == {
                name: state.done[name] for name in kept
            }
            before = dict(state.done)

    @invariant()
    def each_clock_speaks_once(self) -> None:
        missed = [
            (event.kind, event.due_on)
            for event in self.events
            if isinstance(event, e.DeadlineMissed)
        ]
        assert len(missed) == len(set(missed))

    @invariant()
    def a_monitored_household_has_a_category(self) -> None:
        state = CASE.fold(self.events)
        assert (state.status is Status.IDENTIFIED) is (state.category is not None)


def last(events: list[Event], kind: type[Any]) -> Any:
    found = [event for event in events if isinstance(event, kind)]
    return found[-1] if found else None


Casework.TestCase.settings = settings(
    max_examples=120 * int(os.environ.get("DIXIAN_FUZZ_CASES", "1")),
    stateful_step_count=30,
    deadline=None,
    derandomize="DIXIAN_FUZZ_CASES" not in os.environ,
)


@rule("R51", "R56", "R62", "R64", "R66", "R30", "K2", "K6")
class TestCasework(Casework.TestCase):  # type: ignore[misc, name-defined]  # made by hypothesis
    """The machine, run."""
