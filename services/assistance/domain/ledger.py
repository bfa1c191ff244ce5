"""The 2% ledger of a town and its villages (R110, R111). It never blocks an identification."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.assistance.domain import commands as c
from services.assistance.domain.context import Surroundings
from shared.contracts.assistance import LedgerEntered, LedgerLeft
from shared.contracts.help import LedgerEntry
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.policy.rules import rule


@dataclass(frozen=True)
class Ledger:
    """Which of a town's divisions stand in the ledger, the town itself included."""

    town: str = ""
    listed: frozenset[str] = frozenset()


@rule("R110", "R111")
def is_over(entry: LedgerEntry, percent: int) -> bool:
    """Strictly more than ``percent`` of the rural registered population (R110, K4)."""
    return entry.people * 100 > entry.population * percent


@rule("R110", "R111")
def decide(ledger: Ledger, command: Command, context: Surroundings) -> list[Event]:
    """Enter what is over the share, take out what is not any more; nothing else changes."""
    assert isinstance(command, c.UpdateLedger)
    percent = context.policy(command.town).parameters.ledger_percent
    return [
        *_entered(ledger, command, context, percent),
        *_left(ledger, command, context, percent),
    ]


def _entered(
    ledger: Ledger, command: c.UpdateLedger, context: Surroundings, percent: int
) -> Sequence[Event]:
    return [
        LedgerEntered(town=command.town, entry=entry, on=context.occurred_on)
        for entry in context.figures
        if is_over(entry, percent) and entry.division not in ledger.listed
    ]


def _left(
    ledger: Ledger, command: c.UpdateLedger, context: Surroundings, percent: int
) -> Sequence[Event]:
    return [
        LedgerLeft(town=command.town, entry=entry, on=context.occurred_on)
        for entry in context.figures
        if not is_over(entry, percent) and entry.division in ledger.listed
    ]


def evolve(ledger: Ledger, event: Event) -> Ledger:
    """Fold one recorded event."""
    match event:
        case LedgerEntered():
            return Ledger(event.town, ledger.listed | {event.entry.division})
        case LedgerLeft():
            return Ledger(event.town, ledger.listed - {event.entry.division})
        case _:
            return ledger


LEDGER: Aggregate[Ledger] = Aggregate(
    name="ledger",
    label=("工作台账", "ledger"),
    initial=Ledger(),
    evolve=evolve,
    decide=decide,
    divisions=lambda ledger: (ledger.town,),
    key=lambda ledger: named_id("town", ledger.town),
)
