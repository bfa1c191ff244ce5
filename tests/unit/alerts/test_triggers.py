"""Thresholds: which amount makes a lead, for whom, from when."""

from datetime import date

import pytest

from services.alerts.domain import triggers
from services.alerts.domain.alert import fate_of
from services.alerts.domain.register import Known, population_of
from shared.contracts.alerts import AlertType, Fate, Population
from shared.contracts.values import History
from shared.kernel.ids import new_id
from shared.testing.decider import rule

ON = date(2023, 8, 1)


def threshold(type_: AlertType, population: Population, on: date = ON) -> int | None:
    found = triggers.in_force(triggers.DEFAULTS, type_, population, on)
    return found.amount if found else None


@rule("R42", "K4")
@pytest.mark.parametrize(
    ("type_", "population", "amount", "over"),
    [
        (AlertType.MEDICAL_STAY, Population.MONITORED, 600_000, False),
        (AlertType.MEDICAL_STAY, Population.MONITORED, 600_001, True),
        (AlertType.MEDICAL_STAY, Population.ORDINARY, 1_000_000, False),
        (AlertType.MEDICAL_YEAR, Population.FORMERLY_POOR, 499_999, False),
        (AlertType.MEDICAL_YEAR, Population.FORMERLY_POOR, 500_000, True),
        (AlertType.MEDICAL_YEAR, Population.ORDINARY, 2_000_000, True),
        (AlertType.EDUCATION_COST, Population.ORDINARY, 1_000_000, False),
        (AlertType.DROPOUT, Population.ORDINARY, None, True),
        (AlertType.NEW_DIBAO, Population.ORDINARY, None, True),
    ],
)
def test_over_the_threshold(
    type_: AlertType, population: Population, amount: int | None, over: bool
) -> None:
    """超过 is strictly over; 以上 includes the number itself."""
    found = triggers.in_force(triggers.DEFAULTS, type_, population, ON)
    assert triggers.over(found, amount) is over


@rule("K7")
def test_the_latest_threshold_in_force_applies() -> None:
    stricter = triggers.DEFAULTS[1].model_copy(
        update={"amount": 800_000, "effective_from": date(2023, 9, 1)}
    )
    book = [*triggers.DEFAULTS, stricter]
    for on, amount in ((date(2023, 8, 31), 1_000_000), (date(2023, 9, 1), 800_000)):
        found = triggers.in_force(book, stricter.type, stricter.population, on)
        assert found is not None
        assert found.amount == amount


def test_every_type_has_a_department_and_a_risk() -> None:
    assert set().union(*triggers.FEEDS.values()) == set(AlertType)
    assert set(triggers.RISKS) == set(AlertType)


def test_while_the_household_is_open_the_strictest_threshold_holds() -> None:
    poor = Known(new_id(), "370114001001", History.FORMERLY_POOR)
    other = Known(new_id(), "370114001001")
    assert population_of([other, poor]) is Population.FORMERLY_POOR
    assert population_of([]) is Population.MONITORED


@pytest.mark.parametrize(
    ("households", "over", "fate"),
    [
        (1, True, Fate.LEAD),
        (0, True, Fate.UNMATCHED),
        (2, True, Fate.AMBIGUOUS),
        (1, False, Fate.BELOW_THRESHOLD),
        (0, False, Fate.BELOW_THRESHOLD),
    ],
)
def test_every_alert_has_one_fate(households: int, over: bool, fate: Fate) -> None:
    assert fate_of(households, over=over) is fate
