"""What this service knows of the register: enough to match and to measure, nothing personal."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.contracts.alerts import Population
from shared.contracts.values import History


@dataclass(frozen=True)
class Known:
    """A registered household, as its own events tell of it."""

    household_id: UUID
    division: str
    """Its village."""
    history: History = History.ORDINARY
    relocated: bool = False
    monitored: bool = False
    """Identified and not eliminated."""

    @property
    def population(self) -> Population:
        """Which thresholds are for it."""
        if self.monitored:
            return Population.MONITORED
        if self.history is History.FORMERLY_POOR:
            return Population.FORMERLY_POOR
        return Population.ORDINARY


class Why(StrEnum):
    """Why a household is suggested for a lead."""

    SAME_NUMBER = "SAME_NUMBER"
    """证件号码一致"""
    SIMILAR_NUMBER = "SIMILAR_NUMBER"
    """证件号码仅有一处不同"""


@dataclass(frozen=True)
class Suggestion:
    """A household that may be the one, and why."""

    household: Known
    why: Why


@dataclass(frozen=True)
class Match:
    """What looking a document number up came to."""

    households: tuple[Known, ...] = ()
    """The households with a member of exactly that number."""
    tokens: tuple[bytes, ...] = ()
    """The number's tokens; none where the number is no valid one."""
    similar: tuple[bytes, ...] = ()
    """Tokens of the valid numbers that are one slip away from an invalid one."""

    @property
    def household(self) -> Known | None:
        """The one household, if it is exactly one: otherwise nobody decides but an officer."""
        return self.households[0] if len(self.households) == 1 else None


def population_of(households: Sequence[Known]) -> Population:
    """Whose threshold holds while it is open which household it is: the strictest in doubt.

    A household that nobody knows yet may turn out to be any: measured laxly, its alert would be
    put away before its registration, which may be on its way, could say better (R42).
    """
    if not households:
        return Population.MONITORED
    populations = {household.population for household in households}
    for population in (Population.MONITORED, Population.FORMERLY_POOR):
        if population in populations:
            return population
    return Population.ORDINARY
