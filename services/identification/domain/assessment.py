"""From what was verified to the advice, under the policy in force or one only tried. Pure."""

from dataclasses import dataclass

from services.identification.domain import scope
from services.identification.domain.advice import Facts, advise
from shared.contracts.assessment import Accounts, Advice, Findings
from shared.contracts.identification import Member
from shared.contracts.values import History
from shared.kernel.division import Level, ancestor
from shared.policy.parameters import PolicyVersion, monitoring_line
from shared.policy.rules import rule


@dataclass(frozen=True)
class Assessed:
    """What a verification says about a household."""

    division: str
    year: int
    """Of the case's first lead: its line is used (K7)."""
    history: History
    relocated: bool
    members: tuple[Member, ...]
    accounts: Accounts
    findings: Findings


@rule("R15", "R28")
def assess(policy: PolicyVersion, seen: Assessed) -> Advice:
    """The decision table over the household as a whole; it suggests, people decide (R15).

    Raises ``NoPolicy`` when the policy knows no line for the year or any before it (R28).
    """
    parameters = policy.parameters
    line, own = monitoring_line(policy, seen.year)
    return advise(
        Facts(
            accounts=seen.accounts,
            findings=seen.findings,
            history=seen.history,
            in_scope=scope.in_scope(seen.members, relocated=seen.relocated),
            line=line,
            line_year=seen.year,
            line_is_years_own=own,
            former_standard=parameters.former_poverty_standard,
            rural_mean=parameters.county_rural_mean.get(ancestor(seen.division, Level.COUNTY)),
            well_above_percent=parameters.well_above_mean_percent,
        )
    )
