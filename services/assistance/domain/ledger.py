"""The 2% ledger of a town and its villages (R110, R111). It never blocks an identification."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from services.assistance.domain import commands as c
from services.assistance.domain.clocks import speak
from services.assistance.domain.context import Surroundings
from shared.contracts.assistance import (
    DeadlineMissed,
    DeadlineWarned,
    LedgerEntered,
    LedgerLeft,
    LedgerReviewed,
)
from shared.contracts.help import LedgerEntry
from shared.kernel import deadline
from shared.kernel.deadline import Clocks, Deadline
from shared.kernel.decider import Aggregate
from shared.kernel.division import Level, ancestor
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.kernel.refusal import OutOfOrder, Refusal
from shared.policy import legal_time
from shared.policy.rules import rule


@dataclass(frozen=True)
class Ledger:
    """Which of a town's divisions stand in the ledger, the town itself included, since when."""

    town: str = ""
    listed: Mapping[str, date] = field(default_factory=dict)
    reviewed_on: date | None = None
    """When the county went through it last."""
    mass_relapse_risk: bool = False
    """What it found then."""
    clocks: Clocks = field(default_factory=dict)


@rule("R110", "R111")
def is_over(entry: LedgerEntry, percent: int) -> bool:
    """Strictly more than ``percent`` of the rural registered population (R110, K4)."""
    return entry.people * 100 > entry.population * percent


def decide(ledger: Ledger, command: Command, context: Surroundings) -> list[Event]:
    """What a command brings about in a town's ledger, or the ``Refusal``."""
    match command:
        case c.UpdateLedger():
            return update(ledger, command, context)
        case c.ReviewLedger():
            return review(ledger, command, context)
        case _:
            return speak(ledger.clocks, ledger.town, context.today)


@rule("R110", "R111")
def update(ledger: Ledger, command: c.UpdateLedger, context: Surroundings) -> list[Event]:
    """Enter what is over the share, take out what is not any more; nothing else changes."""
    percent = context.policy(command.town).parameters.ledger_percent
    return [
        *_entered(ledger, command, context, percent),
        *_left(ledger, command, context, percent),
    ]


def _entered(
    ledger: Ledger, command: c.UpdateLedger, context: Surroundings, percent: int
) -> Sequence[Event]:
    clocks = () if ledger.listed else (_clock(command.town, context),)
    return [
        LedgerEntered(town=command.town, entry=entry, on=context.occurred_on, deadlines=clocks)
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


@rule("R111")
def review(ledger: Ledger, command: c.ReviewLedger, context: Surroundings) -> list[Event]:
    """The county went through the ledger: not complete while a household is without a measure."""
    if not ledger.listed:
        raise OutOfOrder(
            "R111",
            code="not-in-the-ledger",
            zh="该镇及所辖村未列入工作台账",
            en="neither the town nor a village of it stands in the ledger",
        )
    entries = tuple(item for item in context.figures if item.division in ledger.listed)
    without = sum(item.without_measure for item in entries if item.division != ledger.town)
    without = max(without, *(item.without_measure for item in entries), 0)
    if without:
        raise Refusal(
            "R111",
            code="households-without-a-measure",
            zh=f"台账内尚有{without}户未落实帮扶措施",
            en=f"{without} households of the ledger have no measure carried out",
            field="town",
        )
    risk = command.mass_relapse_risk
    return [
        LedgerReviewed(
            town=ledger.town,
            entries=entries,
            mass_relapse_risk=risk,
            escalated_to=ancestor(ledger.town, Level.CITY) if risk else None,
            evidence=command.evidence,
            on=context.occurred_on,
            deadlines=(_clock(ledger.town, context),),
        )
    ]


def _clock(town: str, context: Surroundings) -> Deadline:
    policy = context.policy(town)
    length = policy.parameters.ledger_review
    return legal_time.deadline(
        "ledger", "R111", context.occurred_on, length, policy=policy.version, warn=(length,)
    )


def evolve(ledger: Ledger, event: Event) -> Ledger:
    """Fold one recorded event."""
    fold = _FOLDS.get(type(event))
    return ledger if fold is None else fold(ledger, event)


def _has_entered(ledger: Ledger, event: LedgerEntered) -> Ledger:
    return replace(
        ledger,
        town=event.town,
        listed={**ledger.listed, event.entry.division: event.on},
        clocks=deadline.start(ledger.clocks, *event.deadlines),
    )


def _has_left(ledger: Ledger, event: LedgerLeft) -> Ledger:
    left = event.entry.division
    listed = {key: since for key, since in ledger.listed.items() if key != left}
    return replace(ledger, listed=listed, clocks=ledger.clocks if listed else {})


def _reviewed(ledger: Ledger, event: LedgerReviewed) -> Ledger:
    return replace(
        ledger,
        reviewed_on=event.on,
        mass_relapse_risk=event.mass_relapse_risk,
        clocks=deadline.start(ledger.clocks, *event.deadlines),
    )


_FOLDS: Mapping[type[Event], Callable[[Ledger, Any], Ledger]] = {
    LedgerEntered: _has_entered,
    LedgerLeft: _has_left,
    LedgerReviewed: _reviewed,
    DeadlineWarned: lambda ledger, event: replace(
        ledger, clocks=deadline.warned(ledger.clocks, event.kind)
    ),
    DeadlineMissed: lambda ledger, event: replace(
        ledger, clocks=deadline.missed(ledger.clocks, event.kind)
    ),
}

LEDGER: Aggregate[Ledger] = Aggregate(
    name="ledger",
    label=("工作台账", "ledger"),
    initial=Ledger(),
    evolve=evolve,
    decide=decide,
    divisions=lambda ledger: (ledger.town,),
    key=lambda ledger: named_id("town", ledger.town),
    clocks=lambda ledger: ledger.clocks,
)
