"""Legal clocks as facts: set once when they start, never moved, explainable for ever (K1, K7)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict


class Deadline(BaseModel):
    """One clock, part of the event that starts it."""

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
    escalate_on: tuple[date, ...] = ()
    """The days on which a miss is told one level higher still, ascending (R54)."""
    policy: str = ""
    """The policy version in force when it started, e.g. ``37/2023-1``."""

    def explain(self) -> str:
        """``15d from 2023-08-01, policy 37/2023-1 → 2023-08-16``."""
        basis = f", policy {self.policy}" if self.policy else ""
        return f"{self.length} from {self.starts_on}{basis} → {self.due_on}"


@dataclass(frozen=True)
class Running:
    """A clock that has started and is not yet settled."""

    deadline: Deadline
    warned: int = 0
    """How many of ``warn_on`` have been raised."""
    missed: bool = False
    escalated: int = 0
    """How many of ``escalate_on`` have been raised."""

    @property
    def next_on(self) -> date | None:
        """The next day on which the clock has something to say; ``None`` when all is said."""
        if self.missed:
            later = self.deadline.escalate_on[self.escalated :]
            return later[0] if later else None
        if self.warned < len(self.deadline.warn_on):
            return self.deadline.warn_on[self.warned]
        return self.deadline.due_on + timedelta(days=1)


Clocks = Mapping[str, Running]
"""A stream's running clocks by kind."""


def start(clocks: Clocks, *deadlines: Deadline) -> Clocks:
    """The clocks with ``deadlines`` running too."""
    return {**clocks, **{deadline.kind: Running(deadline) for deadline in deadlines}}


def stop(clocks: Clocks, *kinds: str) -> Clocks:
    """The clocks without those of ``kinds``: the act was done, or is no longer due."""
    return {kind: running for kind, running in clocks.items() if kind not in kinds}


def warned(clocks: Clocks, kind: str) -> Clocks:
    """The clocks after one more warning of ``kind`` (a clock already settled stays settled)."""
    if kind not in clocks:
        return clocks
    return {**clocks, kind: replace(clocks[kind], warned=clocks[kind].warned + 1)}


def missed(clocks: Clocks, kind: str) -> Clocks:
    """The clocks after ``kind`` was missed; it stays, overdue, until the act is done."""
    if kind not in clocks:
        return clocks
    return {**clocks, kind: replace(clocks[kind], missed=True)}


def escalated(clocks: Clocks, kind: str) -> Clocks:
    """The clocks after the miss of ``kind`` was told one level higher."""
    if kind not in clocks:
        return clocks
    return {**clocks, kind: replace(clocks[kind], escalated=clocks[kind].escalated + 1)}
