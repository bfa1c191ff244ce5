"""The clocks of this service, counted once when they start (K1, K3, K7; R42, R117)."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from services.alerts.domain.context import AlertsContext
from shared.contracts.alerts import DeadlineMissed, DeadlineWarned
from shared.kernel.deadline import Clocks, Deadline
from shared.kernel.division import Level, ancestor, level_of
from shared.kernel.event import Event
from shared.policy import legal_time
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule

HANDLE = "order-handle"
RETURN = "order-return"
DISPOSE = "lead-disposition"
VERIFY = "lead-verify"
IDENTIFY = "lead-identify"
FOLLOW = "lead-follow-up"

_counted = lru_cache(maxsize=1024)(legal_time.deadline)
"""Thousands of a file's leads are of the same few days."""


@rule("R117")
def handling(starts_on: date, length: str, law: AlertsContext) -> Deadline:
    """The handling of an order, in working days; its yellow card a working day before."""
    version, days = law.policy.version, law.calendar
    made = legal_time.deadline(HANDLE, "R117", starts_on, length, policy=version, published=days)
    yellow = legal_time.working_day_before(made.due_on, days)
    return made.model_copy(update={"warn_on": (yellow,)})


@rule("R117")
def returning(starts_on: date, law: AlertsContext) -> Deadline:
    """Until when a unit may give an order back."""
    length, version = law.policy.parameters.hotline_return, law.policy.version
    return legal_time.deadline(
        RETURN, "R117", starts_on, length, policy=version, published=law.calendar
    )


@rule("R42")
def disposition(starts_on: date, policy: PolicyVersion) -> Deadline:
    """A lead is disposed of within the month."""
    return _counted(
        DISPOSE, "R42", starts_on, policy.parameters.lead_disposition, policy=policy.version
    )


def of_lead(discovered_on: date, policy: PolicyVersion, *, waiting: bool) -> tuple[Deadline, ...]:
    """Every clock that a lead starts here.

    Once the household is known the procedure's clocks run with the case, from the same day; while
    nobody knows it, they run here.
    """
    own = disposition(discovered_on, policy)
    return (own, *_procedure(discovered_on, policy)) if waiting else (own,)


@rule("R54", "R55")
def _procedure(discovered_on: date, policy: PolicyVersion) -> tuple[Deadline, Deadline]:
    numbers, version = policy.parameters, policy.version
    verify = _counted(VERIFY, "R55", discovered_on, numbers.verify, policy=version)
    identify = _counted(
        IDENTIFY,
        "R54",
        discovered_on,
        numbers.identify,
        policy=version,
        warn=numbers.identify_warnings,
    )
    return verify, identify


@rule("R33")
def follow_up(starts_on: date, policy: PolicyVersion) -> Deadline:
    """The monthly look at what is tracked until its gap has closed (PROPOSED)."""
    return legal_time.deadline(FOLLOW, "R33", starts_on, "1m", policy=policy.version)


def speak(clocks: Clocks, today: date, escalated_to: Sequence[str]) -> list[Event]:
    """What the clocks have to say by ``today``: each warning and each miss once, nothing else."""
    said: list[Event] = []
    for kind, running in clocks.items():
        due = running.deadline.due_on
        if running.missed:
            continue
        said += [
            DeadlineWarned(kind=kind, rule=running.deadline.rule, due_on=due, on=day)
            for day in running.deadline.warn_on[running.warned :]
            if day <= today
        ]
        if due < today:
            said.append(
                DeadlineMissed(
                    kind=kind,
                    rule=running.deadline.rule,
                    due_on=due,
                    escalated_to=tuple(escalated_to),
                )
            )
    return said


def above(division: str) -> str:
    """The division one level up; the nation's own is itself."""
    level = level_of(division)
    return division if level is Level.NATION else ancestor(division, Level(level + 1))


def county_and_city(division: str) -> tuple[str, ...]:
    """Whom a lead left open is raised to (R42)."""
    return tuple(
        ancestor(division, level)
        for level in (Level.COUNTY, Level.CITY)
        if level >= level_of(division)
    )
