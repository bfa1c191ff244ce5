"""Legal clocks as facts: set once when they start, never moved, explainable for ever (K1, K7)."""

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Calendar(StrEnum):
    """How days are counted (K1): the Guide counts natural days, the hotline working days."""

    NATURAL = "natural"
    WORKING = "working"


class Deadline(BaseModel):
    """One running clock, part of the event that started it."""

    model_config = ConfigDict(frozen=True)

    kind: str
    """What must be done, e.g. ``verify`` or ``identify``; unique among a stream's open clocks."""
    rule: str
    """The rule that sets it, e.g. ``R54``."""
    starts_on: date
    """The legal date it starts; that day is not counted (K1)."""
    length: str
    """As the rule says it: ``15d`` natural days, ``5wd`` working days, ``1m`` months (K3)."""
    due_on: date
    """The last day on which the act is on time."""
    warn_on: tuple[date, ...] = ()
    """The days on which somebody is warned, ascending."""
    policy: str = ""
    """The policy version in force when it started, e.g. ``37/2023-1``."""

    def explain(self) -> str:
        """``15d from 2023-08-01, policy 37/2023-1 → 2023-08-16``."""
        basis = f", policy {self.policy}" if self.policy else ""
        return f"{self.length} from {self.starts_on}{basis} → {self.due_on}"
