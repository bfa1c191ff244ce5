"""The clocks of a case: what starts them, how long they run, who hears of a miss. Pure."""

from collections.abc import Mapping
from datetime import date

from shared.contracts.identification import DeadlineEscalated, DeadlineMissed, DeadlineWarned
from shared.kernel.deadline import Clocks, Deadline, Running
from shared.kernel.division import Level, ancestor
from shared.kernel.event import Event
from shared.policy.legal_time import deadline
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule

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
"""The level above the one whose act is due: it hears of a miss first, the province last."""


@rule("R54", "R55")
def opening(policy: PolicyVersion, discovered_on: date) -> tuple[Deadline, Deadline]:
    """Three days to verify and fifteen to identify, both from the lead (R54, R55)."""
    numbers = policy.parameters
    return (
        _clock("verify", "R55", discovered_on, numbers.verify, policy=policy),
        _clock(
            "identify",
            "R54",
            discovered_on,
            numbers.identify,
            policy=policy,
            warn=numbers.identify_warnings,
        ),
    )


@rule("R63")
def national_entry(policy: PolicyVersion, approved_on: date) -> Deadline:
    """Ten days to enter an identified household into the national system (R63)."""
    return _clock(
        "national-entry", "R63", approved_on, policy.parameters.national_entry, policy=policy
    )


@rule("R67")
def tell_applicant(policy: PolicyVersion, declined_on: date) -> Deadline:
    """Five days to tell an applicant the refusal and its reason (R67; PROPOSED)."""
    return _clock(
        "tell-applicant", "R67", declined_on, policy.parameters.tell_applicant, policy=policy
    )


@rule("R74")
def tell_exit(policy: PolicyVersion, exited_on: date) -> Deadline:
    """As long to tell a household that it left the green channel, and why (R74; PROPOSED)."""
    return _clock("tell-exit", "R74", exited_on, policy.parameters.tell_applicant, policy=policy)


@rule("R33")
def follow_up(policy: PolicyVersion, seen_on: date) -> Deadline:
    """A month until a followed household is looked at again (R33; PROPOSED)."""
    return _clock("follow-up", "R33", seen_on, policy.parameters.follow_up, policy=policy)


@rule("R71", "R72", "R74")
def green_channel(policy: PolicyVersion, entered_on: date) -> tuple[Deadline, ...]:
    """A month to establish eligibility (R71), the same instead of the fifteen days (R72).

    And some days to tell the household what is done with it (R74; PROPOSED).
    """
    numbers = policy.parameters
    month, warnings = numbers.green_channel, numbers.green_channel_warnings
    return (
        _clock("green-channel", "R71", entered_on, month, policy=policy, warn=warnings),
        _clock("identify", "R72", entered_on, month, policy=policy),
        _clock("tell-entry", "R74", entered_on, numbers.tell_applicant, policy=policy),
    )


def _clock(
    kind: str,
    rule_id: str,
    starts_on: date,
    length: str,
    *,
    policy: PolicyVersion,
    warn: tuple[str, ...] = (),
) -> Deadline:
    """A clock whose miss climbs level by level to the province (R54)."""
    levels = Level.PROVINCE - ESCALATES_TO[kind]
    return deadline(
        kind,
        rule_id,
        starts_on,
        length,
        policy=policy.version,
        warn=warn,
        escalate=(policy.parameters.escalate, levels),
    )


@rule("R54", "R71")
def speak(clocks: Clocks, division: str, today: date) -> list[Event]:
    """What the clocks have to say by ``today``: each warning, miss and escalation once (R54).

    A clock warns and reports; it never approves, refuses or exits anything (R71).
    """
    return [event for running in clocks.values() for event in _said(running, division, today)]


def told_to(running: Running, division: str) -> str:
    """The division that heard last of the clock: the town first, then level by level upward."""
    first = ESCALATES_TO[running.deadline.kind]
    if running.missed:
        return ancestor(division, Level(first + running.escalated))
    return ancestor(division, Level.TOWN if running.warned <= 1 else Level.COUNTY)


def _said(running: Running, division: str, today: date) -> list[Event]:
    due = running.deadline
    facts = {"kind": due.kind, "rule": due.rule, "due_on": due.due_on}
    said: list[Event] = [
        DeadlineWarned(**facts, on=day)
        for day in due.warn_on[running.warned :]
        if day <= today and not running.missed
    ]
    first = ESCALATES_TO[due.kind]
    if today > due.due_on and not running.missed:
        said.append(DeadlineMissed(**facts, escalated_to=ancestor(division, first)))
    for number, day in enumerate(due.escalate_on[running.escalated :], running.escalated + 1):
        if day <= today:
            above = ancestor(division, Level(first + number))
            said.append(DeadlineEscalated(**facts, on=day, escalated_to=above))
    return said
