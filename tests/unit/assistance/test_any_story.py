"""Whatever anybody does in whatever order: what must never happen to a household does not."""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import event as note
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from hypothesis.stateful import rule as step

from services.assistance.domain import commands as c
from services.assistance.domain.catalogue import CATALOGUE
from services.assistance.domain.commands import RiskEvidence, RiskResponse
from services.assistance.domain.completeness import missing_of
from services.assistance.domain.context import Surroundings
from services.assistance.domain.elimination import ELIMINATION
from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.no_labour import NO_LABOUR
from services.assistance.domain.plan import PLAN
from services.assistance.domain.plan_state import Plan, Stage
from shared.contracts.assistance import (
    EarlyEliminationAllowed,
    MeasureStopped,
    PlanSubmitted,
    RiskEliminated,
)
from shared.contracts.help import (
    FundSource,
    MeasureKind,
    NaturalCause,
    NoLabourBasis,
    StopReason,
)
from shared.contracts.values import EliminationMode, MeetingForm, Risk
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command, Event
from shared.kernel.principal import Principal
from shared.kernel.refusal import Refusal
from shared.policy.legal_time import after
from shared.testing.decider import rule
from tests.unit.assistance import story as s

IDS = {"elimination_id": s.ELIMINATION_ID}
KINDS = st.sampled_from(list(MeasureKind))


class AnyStory(RuleBasedStateMachine):
    """One household, its plan, its flag and its eliminations, under any acts on any days."""

    def __init__(self) -> None:
        super().__init__()
        self.today = s.day("2023-03-10")
        self.plan_events: list[Event] = []
        self.flag_events: list[Event] = []
        self.elimination_events: list[Event] = []
        self.eliminated: list[RiskEliminated] = []
        self.made = 0

    # -- what happens ------------------------------------------------------------------------------

    @initialize(labour=st.booleans(), green=st.booleans())
    def begin(self, labour: bool, green: bool) -> None:
        facts = {"labour_capable": labour, "wholly_without_labour": not labour}
        if green:
            entered = s.opening((Risk.ILLNESS,)).model_copy(
                update={"identified": None, "green_channel": True}
            )
            self.do(PLAN, self.plan_events, entered)
        self.do(PLAN, self.plan_events, s.opening(**facts))

    @step(days=st.sampled_from([1, 30, 184, 184]))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)

    @step(kinds=st.lists(KINDS, min_size=1, max_size=2, unique=True), willing=st.booleans())
    def draft(self, kinds: Sequence[MeasureKind], willing: bool) -> None:
        response = RiskResponse(risk=Risk.ILLNESS, kinds=tuple(kinds))
        command = s.drafting(response, willing=willing)
        self.do(
            PLAN, self.plan_events, command.model_copy(update={"willingness_signed_on": self.today})
        )

    @step(kind=KINDS, fund=st.sampled_from(list(FundSource)), work=st.booleans())
    def file(self, kind: MeasureKind, fund: FundSource, work: bool) -> None:
        by_output = CATALOGUE[kind].by_output
        command = s.filing(
            kind,
            fund=fund,
            leads_to_work=work,
            takes_part=work,
            cross_province=True,
            amount=300_000,
            rate=50_000 if by_output else None,
            ends_on=self.today + timedelta(days=200) if CATALOGUE[kind].to_an_end else None,
        )
        self.do(PLAN, self.plan_events, command)

    @step()
    def a_job_begins(self) -> None:
        self.file(MeasureKind.WORKSHOP_JOB, FundSource.INDUSTRY_POLICY, work=True)
        self.carry_out(len(self.plan.measures) - 1, "start")

    @step()
    def submit(self) -> None:
        self.do(PLAN, self.plan_events, c.SubmitPlan(plan_id=s.PLAN_ID))

    @step(which=st.integers(0, 5), act=st.sampled_from(["start", "end", "output", "stop"]))
    def carry_out(self, which: int, act: str) -> None:
        measures = list(self.plan.measures)
        if not measures:
            return
        ids = {"plan_id": s.PLAN_ID, "measure_id": measures[which % len(measures)]}
        commands: dict[str, Command] = {
            "start": c.StartMeasure(**ids),
            "end": c.EndMeasure(**ids),
            "output": c.RecordOutput(**ids, quantity=2, evidence=(s.SHA,)),
            "stop": c.StopMeasure(**ids, reason=StopReason.NOT_ELIGIBLE, note="说明"),
        }
        self.do(PLAN, self.plan_events, commands[act])

    @step(risk=st.sampled_from([Risk.SCHOOLING, Risk.ACCIDENT]))
    def a_risk_is_added(self, risk: Risk) -> None:
        added = c.AddRisk(plan_id=s.PLAN_ID, lead_id=s.LEAD, risks=(risk,), occurred_on=self.today)
        self.do(PLAN, self.plan_events, added)

    @step()
    def the_county_allows_it_early(self) -> None:
        allow = c.AllowEarlyElimination(plan_id=s.PLAN_ID, authority="文号", note="理由")
        self.do(PLAN, self.plan_events, allow, by=s.COMMITTEE)

    @step()
    def the_village_and_the_town_flag(self) -> None:
        propose = c.ProposeNoLabour(
            plan_id=s.PLAN_ID,
            basis=NoLabourBasis.DIBAO_FULL,
            nobody_can_work=True,
            evidence=(s.SHA,),
        )
        self.do(NO_LABOUR, self.flag_events, propose)
        self.do(NO_LABOUR, self.flag_events, c.FlagNoLabour(plan_id=s.PLAN_ID))
        self.do(NO_LABOUR, self.flag_events, c.UnflagNoLabour(plan_id=s.PLAN_ID))

    @step(natural=st.booleans(), all_risks=st.booleans())
    def propose(self, natural: bool, all_risks: bool) -> None:
        state = ELIMINATION.fold(self.elimination_events)
        if state.exists and not state.open:
            self.elimination_events = []
        risks = self.plan.risks if all_risks else (Risk.ILLNESS,)
        command = s.proposing(
            mode=EliminationMode.NATURAL if natural else EliminationMode.ASSISTED,
            cause=NaturalCause.RISK_ENDED_UNAIDED if natural else None,
            risks=tuple(RiskEvidence(risk=item, gone=True, evidence=(s.SHA,)) for item in risks),
        )
        self.do(ELIMINATION, self.elimination_events, command)

    @step(wait=st.sampled_from([5, 6]))
    def go_through_the_procedure(self, wait: int) -> None:
        """Every step in turn; those not open are refused, as everywhere."""
        self.do(ELIMINATION, self.elimination_events, VERIFY)
        self.do(ELIMINATION, self.elimination_events, DELIBERATE)
        self.do(ELIMINATION, self.elimination_events, REVIEW)
        self.do(ELIMINATION, self.elimination_events, POST)
        self.today += timedelta(days=wait)
        self.do(ELIMINATION, self.elimination_events, c.CloseEliminationNotice(**IDS))

    @step()
    def approve(self) -> None:
        before = self.plan
        approval = c.ApproveElimination(**IDS, authority="文号")
        events = self.do(ELIMINATION, self.elimination_events, approval, by=s.COMMITTEE)
        if not any(isinstance(event, RiskEliminated) for event in events):
            return
        self.eliminated += [event for event in events if isinstance(event, RiskEliminated)]
        note(f"eliminated {self.eliminated[-1].mode}")
        self.was_right_to_eliminate(before, self.eliminated[-1])
        care = c.StartAfterCare(
            plan_id=s.PLAN_ID, elimination_id=s.ELIMINATION_ID, occurred_on=self.today
        )
        assert not [
            event
            for event in self.do(PLAN, self.plan_events, care)
            if isinstance(event, MeasureStopped)
        ]
        assert self.plan.measures == before.measures, "elimination touched a measure (R102)"

    @step(
        natural=st.sampled_from([False, False, False, True]),
        between=st.sampled_from(["", "", "flag", "risk"]),
    )
    def try_to_eliminate(self, natural: bool, between: str) -> None:
        """All of it in one go; half the time with something that comes between."""
        self.propose(natural, all_risks=True)
        self.go_through_the_procedure(6)
        if between == "flag":
            self.the_village_and_the_town_flag()
        if between == "risk":
            self.a_risk_is_added(Risk.INDUSTRY_FAILURE)
        self.approve()

    # -- what must hold ----------------------------------------------------------------------------

    def was_right_to_eliminate(self, plan: Plan, event: RiskEliminated) -> None:
        assert plan.identified is not None
        assert not NO_LABOUR.fold(self.flag_events).flagged, "a flagged household (R96)"
        earliest = after(plan.identified.identified_on, "6m")
        natural = event.mode is EliminationMode.NATURAL
        allowed = any(isinstance(item, EarlyEliminationAllowed) for item in self.plan_events)
        assert natural or allowed or event.eliminated_on >= earliest, "too early (R93)"
        assert event.early or natural or event.eliminated_on >= earliest, "early but not listed"
        assert natural or any(item.implemented for item in plan.measures.values()), "R76"
        notice = ELIMINATION.fold(self.elimination_events).notice
        assert notice is not None
        assert event.eliminated_on > notice.last_day, "publicity not over (R56)"

    @invariant()
    def one_elimination_at_most(self) -> None:
        assert len(self.eliminated) <= 1
        if self.eliminated:
            assert self.plan.stage is Stage.AFTER_CARE

    @invariant()
    def no_output_no_subsidy(self) -> None:
        for item in self.plan.measures.values():
            if CATALOGUE[item.terms.kind].by_output:
                assert (item.paid == 0) or item.quantity > 0
                assert item.paid <= item.terms.amount

    @invariant()
    def what_counts_never_does_not(self) -> None:
        never = {MeasureKind.CASH, MeasureKind.GOODS, MeasureKind.DIVIDEND}
        for item in self.plan.measures.values():
            assert not (item.terms.kind in never and item.development)

    @invariant()
    def lasting_measures_end_on_their_day(self) -> None:
        for item in self.plan.measures.values():
            if item.status is MeasureStatus.ENDED and item.terms.ends_on is not None:
                assert item.finished_on is not None
                assert item.finished_on >= item.terms.ends_on

    # -- how ---------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        return PLAN.fold(self.plan_events)

    def do(
        self,
        aggregate: Aggregate[Any],
        history: list[Event],
        command: Command,
        by: Principal = s.SOMEBODY,
    ) -> list[Event]:
        """Decide, and append; a refusal changes nothing."""
        self.made += 1
        around = Surroundings(
            self.today,
            self.today,
            by,
            book=(s.POLICY,),
            note_id=s.NOTE,
            new_id=s.measure(self.made),
            plan=self.plan if self.plan_events else Plan(),
            plan_id=s.PLAN_ID,
            flagged=NO_LABOUR.fold(self.flag_events).flagged,
        )
        try:
            events = aggregate.decide(aggregate.fold(history), command, around)
        except Refusal:
            return []
        if any(isinstance(event, PlanSubmitted) for event in events):
            assert missing_of(self.plan) == [], "an incomplete plan was taken (R77, R78, R80)"
        history += events
        return events


VERIFY = c.VerifyElimination(**IDS, officers=("person:v",), confirmed=True, evidence=(s.SHA,))
DELIBERATE = c.DeliberateElimination(
    **IDS,
    form=MeetingForm.VILLAGERS,
    due=10,
    present=9,
    in_favour=9,
    against=0,
    minutes="同意",
)
REVIEW = c.ReviewElimination(**IDS, officers=("person:t",), passed=True, feedback="同意")
POST = c.PostEliminationNotice(**IDS, notice_no="1", text="公示", photo=s.SHA)


TestAnyStory = rule("R56", "R76", "R83", "R86", "R93", "R96", "R102")(AnyStory.TestCase)
TestAnyStory.settings = settings(
    max_examples=120 * int(os.environ.get("DIXIAN_FUZZ_CASES", "1")),
    stateful_step_count=30,
    deadline=None,
)
