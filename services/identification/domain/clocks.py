"""The clocks of a case: what starts them, how long they run, who hears of a miss. Pure."""

from collections.abc import Mapping
from datetime import date

from shared.contracts.identification import DeadlineMissed, DeadlineWarned
from shared.kernel.deadline import Clocks, Deadline, Running
from shared.kernel.division import Level, ancestor
from shared.kernel.event import Event
from shared.policy.legal_time import deadline
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule

FOLLOW_UP = "1m"
"""How often a household not identified but followed is looked at (R33; PROPOSED)."""

ESCALATES_TO: Mapping[str, Level] = {
    "verify": Level.COUNTY,
    "identify": Level.CITY,
    "national-entry": Level.CITY,
    "tell-applicant": Level.CITY,
    "tell-entry": Level.COUNTY,
    "tell-exit": Level.COUNTY,
    "follow-up": Level.COUNTY,
    "green-channel": Level.CITY,
}
"""The level above the one whose act is due."""


@rule("R54", "R55")
def opening(policy: PolicyVersion, discovered_on: date) -> tuple[Deadline, Deadline]:
    """Three days to verify and fifteen to identify, both from the lead (R54, R55)."""
    numbers = policy.parameters
    return (
        deadline("verify", "R55", discovered_on, numbers.verify, policy=policy.version),
        deadline(
            "identify",
            "R54",
            discovered_on,
            numbers.identify,
            policy=policy.version,
            warn=numbers.identify_warnings,
        ),
    )


@rule("R63")
def national_entry(policy: PolicyVersion, approved_on: date) -> Deadline:
    """Ten days to enter an identified household into the national system (R63)."""
    length = policy.parameters.national_entry
    return deadline("national-entry", "R63", approved_on, length, policy=policy.version)


@rule("R67")
def tell_applicant(policy: PolicyVersion, declined_on: date) -> Deadline:
    """Five days to tell an applicant the refusal and its reason (R67; PROPOSED)."""
    length = policy.parameters.tell_applicant
    return deadline("tell-applicant", "R67", declined_on, length, policy=policy.version)


@rule("R74")
def tell_exit(policy: PolicyVersion, exited_on: date) -> Deadline:
    """As long to tell a household that it left the green channel, and why (R74; PROPOSED)."""
    length = policy.parameters.tell_applicant
    return deadline("tell-exit", "R74", exited_on, length, policy=policy.version)


@rule("R33")
def follow_up(policy: PolicyVersion, seen_on: date) -> Deadline:
    """A month until a followed household is looked at again (R33; PROPOSED)."""
    return deadline("follow-up", "R33", seen_on, FOLLOW_UP, policy=policy.version)


@rule("R71", "R72", "R74")
def green_channel(policy: PolicyVersion, entered_on: date) -> tuple[Deadline, ...]:
    """A month to establish eligibility (R71), the same instead of the fifteen days (R72).

    And some days to tell the household what is done with it (R74; PROPOSED).
    """
    numbers = policy.parameters
    return (
        deadline(
            "green-channel",
            "R71",
            entered_on,
            numbers.green_channel,
            policy=policy.version,
            warn=numbers.green_channel_warnings,
        ),
        deadline("identify", "R72", entered_on, numbers.green_channel, policy=policy.version),
        deadline("tell-entry", "R74", entered_on, numbers.tell_applicant, policy=policy.version),
    )


def speak(clocks: Clocks, division: str, today: date) -> list[Event]:
    """What the clocks have to say by ``today``: each warning and each miss, once (R54).

    A clock warns and reports; it never approves, refuses or exits anything (R71).
    """
    return [event for running in clocks.values() for event in _said(running, division, today)]


def _said(running: Running, division: str, today: date) -> list[Event]:
    due = running.deadline
    said: list[Event] = [
        DeadlineWarned(kind=due.kind, rule=due.rule, due_on=due.due_on, on=day)
        for day in due.warn_on[running.warned :]
        if day <= today and not running.missed
    ]
    if today > due.due_on and not running.missed:
        above = ancestor(division, ESCALATES_TO[due.kind])
        said.append(
            DeadlineMissed(kind=due.kind, rule=due.rule, due_on=due.due_on, escalated_to=above)
        )
    return said
