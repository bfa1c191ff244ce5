"""A measure as its plan's events make it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.contracts.help import MeasureTerms, StopReason


class MeasureStatus(StrEnum):
    """Where a measure stands."""

    FILED = "FILED"
    STARTED = "STARTED"
    STOPPED = "STOPPED"
    ENDED = "ENDED"


LIVE = frozenset({MeasureStatus.FILED, MeasureStatus.STARTED, MeasureStatus.ENDED})
"""What answers a risk: filed, running, or run to its end."""


@dataclass(frozen=True)
class Measure:
    """One measure of a plan."""

    measure_id: UUID
    terms: MeasureTerms
    development: bool
    provisional: bool
    filed_on: date
    status: MeasureStatus = MeasureStatus.FILED
    started_on: date | None = None
    finished_on: date | None = None
    """When it stopped or ended."""
    stop_reason: StopReason | None = None
    outputs: int = 0
    """How many outputs are recorded."""
    quantity: int = 0
    paid: int = 0
    """分: what the recorded outputs come to; 0 without one (R86)."""
    start_due_on: date | None = None
    """The day by which its department had to start it (R90)."""

    @property
    def implemented(self) -> bool:
        """Whether it was carried out at all: started, whatever came after."""
        return self.started_on is not None


def start_clock(measure_id: UUID) -> str:
    """The kind of the clock until a measure's start (R90)."""
    return f"start:{measure_id}"


def end_clock(measure_id: UUID) -> str:
    """The kind of the clock until a measure's end (R102)."""
    return f"end:{measure_id}"
