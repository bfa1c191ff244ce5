"""The registers: quarterly comparison, population, the 2% ledger, what stands out."""

from typing import Any

import pytest

from services.assistance.domain import commands as c
from services.assistance.domain.ledger import LEDGER, is_over
from services.assistance.domain.no_labour import NO_LABOUR
from services.assistance.domain.plan import PLAN
from services.assistance.domain.population import POPULATION
from services.assistance.domain.quarters import comparison_clock, following, last_day
from shared.contracts.assistance import (
    DeadlineMissed,
    DeadlineWarned,
    FlagMismatchFound,
    FlagMismatchSettled,
    FlagUpheld,
    LedgerEntered,
    LedgerLeft,
    LedgerReviewed,
    NoLabourFlagged,
    NoLabourProposed,
    PopulationRecorded,
)
from shared.contracts.help import ComparedBenefit, LedgerEntry, Mismatch, NoLabourBasis
from shared.kernel.decider import Tick
from shared.kernel.event import Event
from shared.testing.decider import Given, given, rule
from tests.unit.assistance import story as s

TOWN = "370112001"
OTHER = "370112001002"
FLAGGED: tuple[Event, ...] = (
    NoLabourProposed(
        household_id=s.HOUSEHOLD,
        division=s.VILLAGE,
        basis=NoLabourBasis.DIBAO_FULL,
        evidence=(s.SHA,),
    ),
    NoLabourFlagged(household_id=s.HOUSEHOLD, division=s.VILLAGE, basis=NoLabourBasis.DIBAO_FULL),
)


# --- the quarterly comparison ---------------------------------------------------------------------


def compared(
    *events: Event, benefit: ComparedBenefit, quarter: str = "2023Q2", **changes: bool
) -> Given[Any]:
    nobody = {"labour_capable": False, "wholly_without_labour": True}
    plan = PLAN.fold([s.opened(**(nobody | changes))])
    command = c.CompareFlag(household_id=s.HOUSEHOLD, quarter=quarter, benefit=benefit)
    return given(NO_LABOUR, *events, context=s.around(plan=plan)).when(command, on="2023-07-10")


@rule("R99")
@pytest.mark.parametrize("benefit", [ComparedBenefit.DIBAO, ComparedBenefit.NONE])
def test_a_flag_whose_basis_is_gone_is_a_task(benefit: ComparedBenefit) -> None:
    (event,) = compared(*FLAGGED, benefit=benefit).then_types(FlagMismatchFound)
    assert isinstance(event, FlagMismatchFound)
    assert event.mismatch is Mismatch.BASIS_LOST
    assert NO_LABOUR.fold([*FLAGGED, event]).flagged, "only the gates change the flag (R100)"


@rule("R99")
def test_a_household_that_should_be_flagged_is_a_task_too() -> None:
    (event,) = compared(benefit=ComparedBenefit.DIBAO_FULL).then_types(FlagMismatchFound)
    assert isinstance(event, FlagMismatchFound)
    assert event.mismatch is Mismatch.NOT_FLAGGED
    compared(benefit=ComparedBenefit.DIBAO_FULL, wholly_without_labour=False).then()


@rule("R99")
def test_a_file_counts_once_and_a_corrected_one_again() -> None:
    (upheld,) = compared(*FLAGGED, benefit=ComparedBenefit.SCATTERED_SUPPORT).then_types(FlagUpheld)
    assert isinstance(upheld, FlagUpheld)
    assert upheld.deadlines == (comparison_clock("2023Q3", s.POLICY),), "the next quarter's"
    compared(*FLAGGED, upheld, benefit=ComparedBenefit.DIBAO_FULL).then()
    compared(*FLAGGED, upheld, benefit=ComparedBenefit.NONE, quarter="2023Q1").then()
    (corrected,) = compared(*FLAGGED, upheld, benefit=ComparedBenefit.NONE).then_types(
        FlagMismatchFound
    )
    compared(*FLAGGED, upheld, corrected, benefit=ComparedBenefit.DIBAO_FULL).then_types(
        FlagMismatchSettled
    )
    (event,) = compared(*FLAGGED, benefit=ComparedBenefit.NONE).then_types(FlagMismatchFound)
    compared(*FLAGGED, event, benefit=ComparedBenefit.NONE).then()
    compared(*FLAGGED, event, benefit=ComparedBenefit.DIBAO_FULL, quarter="2023Q3").then_types(
        FlagMismatchSettled
    )


@rule("R99")
def test_a_quarter_that_has_not_begun_stands_before_none() -> None:
    compared(*FLAGGED, benefit=ComparedBenefit.NONE, quarter="2023Q4").refused(
        "R99", code="quarter-not-begun"
    )
    assert [last_day(f"2023Q{number}").isoformat() for number in (1, 2, 3, 4)] == [
        "2023-03-31",
        "2023-06-30",
        "2023-09-30",
        "2023-12-31",
    ]
    assert following("2023Q4") == "2024Q1"


# --- population and ledger ------------------------------------------------------------------------


def people(*villages: tuple[str, int]) -> c.RecordPopulation:
    return c.RecordPopulation(
        town=TOWN,
        year=2023,
        villages=tuple(c.VillagePopulation(division=code, people=n) for code, n in villages),
    )


@rule("R110")
def test_a_years_population_is_recorded_once_and_may_be_corrected() -> None:
    when = given(POPULATION).when(people((s.VILLAGE, 900), (OTHER, 400)), on="2023-04-01")
    (event,) = when.then_types(PopulationRecorded)
    given(POPULATION, event).when(people((OTHER, 400)), on="2023-04-02").then()
    (fixed,) = (given(POPULATION, event).when(people((OTHER, 410)), on="2023-04-02")).then_types(
        PopulationRecorded
    )
    assert POPULATION.fold([event, fixed]).years[2023] == {s.VILLAGE: 900, OTHER: 410}


@rule("R110")
@pytest.mark.parametrize("code", ["370112002001", TOWN])
def test_only_villages_of_the_town(code: str) -> None:
    given(POPULATION).when(people((code, 900)), on="2023-04-01").refused("R110")


def entry(counted: int, population: int = 1000, division: str = s.VILLAGE) -> LedgerEntry:
    return LedgerEntry(
        division=division,
        people=counted,
        population=population,
        households=5,
        without_measure=1,
    )


@rule("R110", "K4")
def test_strictly_over_two_percent() -> None:
    assert not is_over(entry(20), 2)
    assert is_over(entry(21), 2)


@rule("R110", "R111")
def test_the_ledger_takes_in_and_lets_go() -> None:
    update = c.UpdateLedger(town=TOWN)
    over, under = entry(21), entry(20)

    def ledger(*events: Event, figures: tuple[LedgerEntry, ...]) -> Given[Any]:
        return given(LEDGER, *events, context=s.around(figures=figures)).when(
            update, on="2023-05-01"
        )

    (entered,) = ledger(figures=(over, entry(1, division=OTHER))).then_types(LedgerEntered)
    assert isinstance(entered, LedgerEntered)
    assert entered.entry == over
    ledger(entered, figures=(over,)).then()
    ledger(entered, figures=(under,)).then(
        LedgerLeft(town=TOWN, entry=under, on=s.day("2023-05-01"))
    )


@rule("R111")
def test_a_town_in_the_ledger_is_gone_through_every_month() -> None:
    def ledger(*events: Event, helped: bool = True) -> Given[Any]:
        figures = (entry(21).model_copy(update={"without_measure": 0 if helped else 1}),)
        return given(LEDGER, *events, context=s.around(figures=figures))

    review = c.ReviewLedger(town=TOWN, mass_relapse_risk=True, evidence=(s.SHA,))
    tick = Tick(category="ledger", stream_id=s.NEW)
    update = c.UpdateLedger(town=TOWN)
    ledger().when(review, on="2023-05-01").refused("R111", code="not-in-the-ledger")
    (entered,) = ledger().when(update, on="2023-01-31").then_types(LedgerEntered)
    ledger(entered, helped=False).when(review, on="2023-02-05").refused(
        "R111", code="households-without-a-measure"
    )
    warned, missed = (
        ledger(entered).when(tick, on="2023-03-01").then_types(DeadlineWarned, DeadlineMissed)
    )
    assert isinstance(missed, DeadlineMissed)
    assert (missed.due_on, missed.escalated_to) == (s.day("2023-02-28"), "3701")
    ledger(entered, warned, missed).when(tick, on="2023-03-02").then()
    (done,) = (
        ledger(entered, warned, missed).when(review, on="2023-03-02").then_types(LedgerReviewed)
    )
    assert isinstance(done, LedgerReviewed)
    assert (done.escalated_to, len(done.entries)) == ("3701", 1)
    state = LEDGER.fold([entered, warned, missed, done])
    assert state.clocks["ledger"].deadline.due_on == s.day("2023-04-02")
    assert state.clocks["ledger"].missed is False
    left = LedgerLeft(town=TOWN, entry=entry(20), on=s.day("2023-03-05"))
    assert LEDGER.fold([entered, done, left]).clocks == {}
