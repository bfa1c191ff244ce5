"""A procedure as data: its steps, who does each, what must be done before, which clock it settles.

Identification (R51) and elimination (R95) are two of them. The state machine, the work queue, the
progress bar and the diagram in the docs all read the same declaration.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shared.kernel.division import Level
from shared.kernel.event import Command, Event
from shared.kernel.refusal import OutOfOrder


@dataclass(frozen=True)
class Step:
    """One step of a procedure."""

    name: str
    """``verify``; unique within the procedure."""
    label: tuple[str, str]
    """Chinese and English: ``("入户核实", "household verification")``."""
    levels: tuple[Level, ...]
    """Who does it; the same as the command's permission."""
    command: type[Command]
    done_by: tuple[type[Event], ...]
    """The events any of which completes it."""
    needs: tuple[str, ...] = ()
    """The steps that must be complete before."""
    clock: str | None = None
    """The kind of clock that stops when it is done."""
    rule: str = "R51"


@dataclass(frozen=True)
class Procedure:
    """Steps in their order. Immutable; checked when it is made."""

    name: str
    rule: str
    """The rule that fixes the order: R51, R95."""
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        known: set[str] = set()
        for step in self.steps:
            if not known.issuperset(step.needs):
                raise TypeError(f"{self.name}.{step.name} needs a step that does not come before")
            known.add(step.name)

    def step(self, name: str) -> Step:
        """The step of that name. Raises ``KeyError``."""
        return {step.name: step for step in self.steps}[name]

    def open_steps(self, done: Collection[str]) -> Sequence[Step]:
        """The steps that can be done now: not done, and everything they need is."""
        return [
            step
            for step in self.steps
            if step.name not in done and all(need in done for need in step.needs)
        ]

    def missing(self, name: str, done: Collection[str]) -> Sequence[Step]:
        """What must still be done before ``name``."""
        return [self.step(need) for need in self.step(name).needs if need not in done]

    def must_be_open(self, name: str, done: Collection[str]) -> None:
        """Refuse a step that was done already or whose turn has not come (no skip, R51)."""
        step = self.step(name)
        if name in done:
            raise OutOfOrder(
                self.rule,
                code="already-done",
                zh=f"“{step.label[0]}”已经完成,不能重复办理",
                en=f"{step.label[1]} is done already",
            )
        missing = self.missing(name, done)
        if missing:
            raise OutOfOrder(
                self.rule,
                code="out-of-order",
                zh=f"请先完成“{'”“'.join(item.label[0] for item in missing)}”",
                en=f"first: {', '.join(item.label[1] for item in missing)}",
            )

    def completed_by(self, event: Event) -> Step | None:
        """The step that ``event`` completes, if any."""
        for step in self.steps:
            if isinstance(event, step.done_by):
                return step
        return None

    def mermaid(self) -> str:
        """The procedure as a Mermaid flowchart, for the docs."""
        lines = ["flowchart LR"]
        for step in self.steps:
            level = "/".join(item.label for item in step.levels)
            lines.append(f'    {step.name}["{level} {step.label[0]}"]')
        lines += [f"    {need} --> {step.name}" for step in self.steps for need in step.needs]
        return "\n".join(lines)
