"""Random registrations, splits, mergers and corrections: each person stands in one household."""

import os
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.identification.domain import internal
from services.identification.domain import register_commands as r
from services.identification.domain.collection import PersonGiven, Related, Relation
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.household_state import (
    Correcting,
    Household,
    Moving,
    Registration,
)
from shared.contracts.identification import IndexToken
from shared.kernel.event import Event
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Refusal
from shared.testing.decider import rule as proves

VILLAGE, TODAY = "370114101200", date(2023, 8, 1)
PLAIN: dict[str, Any] = {
    "today": TODAY,
    "occurred_on": TODAY,
    "principal": Principal("person:county", frozenset({Role.OFFICER}), "370114"),
}
CHOICE = st.integers(min_value=0, max_value=1000)
SOME = st.sets(st.integers(min_value=0, max_value=5), min_size=1)


class Register(RuleBasedStateMachine):
    """The streams as the handlers would have them, and who ought to be somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: dict[UUID, list[Event]] = {}
        self.people: set[str] = set()
        self.undoable: list[list[tuple[UUID, int, int]]] = []

    # -- what the rules choose from ---------------------------------------------------------------

    def state(self, id_: UUID) -> Household:
        return HOUSEHOLD.fold(self.streams.get(id_, []))

    @property
    def living(self) -> list[UUID]:
        return [id_ for id_ in self.streams if self.state(id_).members]

    def decide(self, id_: UUID, command: Any, context: Any) -> None:
        events = HOUSEHOLD.decide(self.state(id_), command, context)
        self.streams[id_] = [*self.streams.get(id_, []), *events]

    def moving(self, source: Household, to: UUID, leaving: list[UUID]) -> Moving:
        return Moving(
            **PLAIN,
            from_household_id=source.household_id,
            to_household_id=to,
            moved={member_id: uuid4() for member_id in leaving},
            details={},
            other=source,
        )

    # -- what happens -----------------------------------------------------------------------------

    @rule(size=st.integers(min_value=1, max_value=4))
    def register(self, size: int) -> None:
        id_, members = uuid4(), tuple(uuid4() for _ in range(size))
        tokens = tuple(IndexToken(member_id=item, token=f"person {item}") for item in members)
        people = [
            PersonGiven(
                name="某",
                document_number="370181198001010011",
                relation=Relation.CHILD if index else Relation.HEAD,
                labour="ORDINARY",
            )
            for index in range(size)
        ]
        command = r.RegisterHousehold(
            division=VILLAGE,
            hukou_place=VILLAGE,
            residence=VILLAGE,
            history="ORDINARY",
            address="某地",
            members=people,
        )
        context = Registration(
            **PLAIN, household_id=id_, member_ids=members, key_id="1", tokens=tokens
        )
        self.decide(id_, command, context)
        self.people |= {item.token for item in tokens}

    @precondition(lambda self: self.living)
    @rule(
        which=CHOICE, chosen=st.sets(st.integers(min_value=0, max_value=5), min_size=1), heir=CHOICE
    )
    def split(self, which: int, chosen: set[int], heir: int) -> None:
        source = self.state(self.living[which % len(self.living)])
        leaving = [m.member_id for index, m in enumerate(source.members) if index in chosen]
        staying = [m.member_id for m in source.members if m.member_id not in leaving]
        if not leaving:
            return
        new = uuid4()
        context = self.moving(source, new, leaving)
        before = {source.household_id: len(self.streams[source.household_id])}
        command = r.SplitHousehold(
            household_id=source.household_id,
            members=[
                Related(member_id=item, relation="CHILD" if index else "HEAD")
                for index, item in enumerate(leaving)
            ],
            remaining_head=staying[heir % len(staying)] if staying else leaving[0],
            address="某地",
        )
        made = internal.SplitOff(
            division=VILLAGE,
            residence=VILLAGE,
            hukou_place=VILLAGE,
            relocated=False,
            moved_from=None,
            head=leaving[0],
        )
        if not staying:
            with pytest.raises(Refusal, match="nobody-left"):
                self.decide(source.household_id, command, context)
            return
        self.decide(source.household_id, command, context)
        self.decide(new, made, context)
        self._remember(before | {new: 1})

    @precondition(lambda self: len(self.living) > 1)
    @rule(one=CHOICE, other=CHOICE)
    def merge(self, one: int, other: int) -> None:
        into = self.living[one % len(self.living)]
        source = self.state(self.living[other % len(self.living)])
        if source.household_id == into:
            return
        context = self.moving(source, into, [m.member_id for m in source.members])
        before = {id_: len(self.streams[id_]) for id_ in (into, source.household_id)}
        self.decide(source.household_id, internal.BeAbsorbed(into=into), context)
        command = r.MergeHouseholds(household_id=into, absorbed_id=source.household_id)
        self.decide(into, command, context)
        self._remember(before)

    @precondition(lambda self: self.undoable)
    @rule()
    def undo(self) -> None:
        """The latest regrouping, if nothing has happened to its households since."""
        regrouped = self.undoable.pop()
        if any(len(self.streams[id_]) != version for id_, version, _ in regrouped):
            return
        for id_, _, to_version in regrouped:
            earlier = HOUSEHOLD.fold(self.streams[id_][:to_version])
            command = internal.Correct(stream_id=id_, correction_id=uuid4(), to_version=to_version)
            self.decide(id_, command, Correcting(**PLAIN, earlier=earlier, has_active_case=False))

    def _remember(self, before: dict[UUID, int]) -> None:
        self.undoable.append([(id_, len(self.streams[id_]), to) for id_, to in before.items()])

    # -- what must hold ---------------------------------------------------------------------------

    @invariant()
    def each_person_stands_in_one_household(self) -> None:
        found = [token.token for id_ in self.streams for token in self.state(id_).tokens]
        assert sorted(found) == sorted(self.people)

    @invariant()
    def members_and_numbers_agree_and_somebody_is_head(self) -> None:
        for id_ in self.streams:
            state = self.state(id_)
            members = {member.member_id for member in state.members}
            assert members == {token.member_id for token in state.tokens}
            assert sum(member.is_head for member in state.members) == bool(members)
            assert state.dissolved is not bool(members)


TestRegister = proves("R7", "R11", "R25", "R107")(Register.TestCase)
TestRegister.settings = settings(
    max_examples=25 * int(os.environ.get("DIXIAN_FUZZ_CASES", "1")),
    stateful_step_count=12,
    deadline=None,
)
