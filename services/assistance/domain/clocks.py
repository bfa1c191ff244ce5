"""What clocks say when their day has come: a warning, or a miss to the level above, once each."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from shared.contracts.assistance import DeadlineMissed, DeadlineWarned
from shared.kernel.deadline import Clocks, Running
from shared.kernel.division import Level, ancestor
from shared.kernel.event import Event
from shared.policy.rules import rule

_ABOVE = {
    "plan": Level.COUNTY,
    "first_help": Level.CITY,
    "start": Level.CITY,
    "end": Level.COUNTY,
    "mark": Level.CITY,
    "refresh": Level.COUNTY,
    "compare": Level.CITY,
    "ledger": Level.CITY,
}
"""The level above the one that has to act, by the clock's kind."""


@rule("R70", "R89", "R90", "R99", "R102", "R106", "R111")
def speak(clocks: Clocks, division: str, today: date) -> list[Event]:
    """Every warning and miss due by ``today``; a clock approves and rejects nothing."""
    return [event for running in clocks.values() for event in _of_one(running, division, today)]


def _of_one(running: Running, division: str, today: date) -> Iterator[Event]:
    deadline = running.deadline
    while running.next_on is not None and running.next_on <= today:
        if running.warned < len(deadline.warn_on):
            day = running.next_on
            running = replace(running, warned=running.warned + 1)
            yield DeadlineWarned(
                kind=deadline.kind, rule=deadline.rule, due_on=deadline.due_on, on=day
            )
        else:
            running = replace(running, missed=True)
            yield DeadlineMissed(
                kind=deadline.kind,
                rule=deadline.rule,
                due_on=deadline.due_on,
                escalated_to=ancestor(division, _ABOVE[deadline.kind.partition(":")[0]]),
            )
