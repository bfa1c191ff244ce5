"""Which alerts become leads: thresholds as effective-dated data (K7), and the risk each suggests.

The defaults are those of ``context.md``; a type without a threshold is a lead whatever the amount.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from shared.contracts.alerts import AlertType, Population, Threshold
from shared.contracts.identification_steps import Source
from shared.contracts.values import Risk
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule

_FROM = date(2022, 1, 1)


def _default(type_: AlertType, population: Population, yuan: int, *, inclusive: bool) -> Threshold:
    return Threshold(
        type=type_,
        population=population,
        amount=yuan * 100,
        inclusive=inclusive,
        effective_from=_FROM,
        document="default",
    )


DEFAULTS: Sequence[Threshold] = (
    _default(AlertType.MEDICAL_STAY, Population.MONITORED, 6_000, inclusive=False),
    _default(AlertType.MEDICAL_STAY, Population.FORMERLY_POOR, 10_000, inclusive=False),
    _default(AlertType.MEDICAL_STAY, Population.ORDINARY, 10_000, inclusive=False),
    # A monitored household is measured as the formerly poor are: never by the laxer number.
    _default(AlertType.MEDICAL_YEAR, Population.MONITORED, 5_000, inclusive=True),
    _default(AlertType.MEDICAL_YEAR, Population.FORMERLY_POOR, 5_000, inclusive=True),
    _default(AlertType.MEDICAL_YEAR, Population.ORDINARY, 20_000, inclusive=True),
    _default(AlertType.EDUCATION_COST, Population.MONITORED, 10_000, inclusive=False),
    _default(AlertType.EDUCATION_COST, Population.FORMERLY_POOR, 10_000, inclusive=False),
    _default(AlertType.EDUCATION_COST, Population.ORDINARY, 10_000, inclusive=False),
)

RISKS: Mapping[AlertType, tuple[Risk, ...]] = {
    AlertType.MEDICAL_STAY: (Risk.ILLNESS,),
    AlertType.MEDICAL_YEAR: (Risk.ILLNESS,),
    AlertType.CRITICAL_ILLNESS: (Risk.ILLNESS,),
    AlertType.EDUCATION_COST: (Risk.SCHOOLING,),
    AlertType.DROPOUT: (Risk.SCHOOLING,),
    AlertType.ACCIDENT: (Risk.ACCIDENT,),
    AlertType.DISASTER: (Risk.DISASTER,),
    AlertType.UNSAFE_HOUSE: (Risk.OTHER,),
    AlertType.WATER_CUT: (Risk.OTHER,),
    AlertType.UNEMPLOYMENT: (Risk.UNSTABLE_EMPLOYMENT,),
    AlertType.NEW_DISABILITY: (Risk.DISABILITY,),
    # Civil affairs' lists say who was granted what, not why: the verification finds the risk.
    AlertType.NEW_DIBAO: (),
    AlertType.NEW_DESTITUTE: (),
    AlertType.DIBAO_APPLIED: (),
    AlertType.DESTITUTE_APPLIED: (),
    AlertType.TEMPORARY_RELIEF: (),
}
"""The risk an alert suggests; the verification decides."""

FEEDS: Mapping[str, frozenset[AlertType]] = {
    "medical-insurance": frozenset({AlertType.MEDICAL_STAY, AlertType.MEDICAL_YEAR}),
    "health": frozenset({AlertType.CRITICAL_ILLNESS}),
    "education": frozenset({AlertType.EDUCATION_COST, AlertType.DROPOUT}),
    "police": frozenset({AlertType.ACCIDENT}),
    "civil-affairs": frozenset(
        {
            AlertType.NEW_DIBAO,
            AlertType.NEW_DESTITUTE,
            AlertType.DIBAO_APPLIED,
            AlertType.DESTITUTE_APPLIED,
            AlertType.TEMPORARY_RELIEF,
        }
    ),
    "emergency": frozenset({AlertType.DISASTER}),
    "housing": frozenset({AlertType.UNSAFE_HOUSE}),
    "water": frozenset({AlertType.WATER_CUT}),
    "human-resources": frozenset({AlertType.UNEMPLOYMENT}),
    "disabled-federation": frozenset({AlertType.NEW_DISABILITY}),
}
"""What each department may report."""
ANSWERING = frozenset(source.department for source in Source)
"""Departments that answer comparisons (R52), whether or not they report anything themselves."""


APPLICATIONS = frozenset({AlertType.DIBAO_APPLIED, AlertType.DESTITUTE_APPLIED})
"""Who asked for support and was not granted it yet; who is granted it, is a lead everywhere."""


@rule("R46")
def screened_at_once(type_: AlertType, county: str, policy: PolicyVersion) -> bool:
    """Whether an alert is looked into now: an application only where the county is switched on.

    The Guide encourages it (R46); a county that waits hears of the same people by the grant.
    """
    return type_ not in APPLICATIONS or county in policy.parameters.screens_applicants


@rule("K7")
def in_force(
    book: Sequence[Threshold], type_: AlertType, population: Population, on: date
) -> Threshold | None:
    """The threshold for a type and a population on a day; ``None``: every such alert is a lead."""
    candidates = [
        item
        for item in book
        if item.type is type_ and item.population is population and item.effective_from <= on
    ]
    return max(candidates, key=lambda item: item.effective_from, default=None)


@rule("R42", "K4")
def over(threshold: Threshold | None, amount: int | None) -> bool:
    """Whether an alert becomes a lead; one without a threshold always does."""
    return threshold is None or (amount is not None and threshold.reached(amount))


@rule("R42", "K7")
def surely_below(book: Sequence[Threshold], type_: AlertType, on: date) -> int | None:
    """The amount under which an alert is below everybody's threshold, whoever it is about.

    ``None`` where some population has none: then every alert is looked at. Most rows of a
    department's file lie under it and need no further look.
    """
    lowest: int | None = None
    for population in Population:
        threshold = in_force(book, type_, population, on)
        if threshold is None:
            return None
        least = threshold.amount if threshold.inclusive else threshold.amount + 1
        lowest = least if lowest is None else min(lowest, least)
    return lowest
