"""What the neighbours' events bring about here, each as a command through the one way.

Every reaction is harmless when repeated: the stream's own state says that it happened already.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from services.identification.domain import internal
from services.identification.handlers import SERVICE
from services.identification.read_models import lookups
from shared.bus.consumer import Cure
from shared.contracts.alerts import LeadMatched, RiskReported
from shared.contracts.assistance import (
    MeasureEnded,
    MeasureFiled,
    MeasureStarted,
    MeasureStopped,
    OffRegisterHelpRefused,
    RiskEliminated,
)
from shared.contracts.audit import CorrectionAuthorized
from shared.contracts.findings import FindingKind
from shared.kernel.division import Level, ancestor
from shared.kernel.event import Cause, Command, Event, Recorded
from shared.kernel.ids import named_id
from shared.kernel.principal import system
from shared.policy.rules import rule
from shared.service.correcting import CarryOut
from shared.store.application import Application
from shared.store.database import Transaction

Reaction = Callable[[Transaction, Recorded[Any], Cause], Awaitable[None]]
Translate = Callable[[Recorded[Any]], "list[Command]"]


@rule("R42", "R116")
def risk_reported(recorded: Recorded[RiskReported]) -> list[Command]:
    """A lead whose household is known is a case's; the others wait to be matched (R42)."""
    lead = recorded.event
    if lead.household_id is None:
        return []
    return [
        internal.TakeLead(
            lead_id=lead.lead_id,
            household_id=lead.household_id,
            source=lead.source,
            discovered_on=lead.discovered_on,
            risks=lead.risks,
        )
    ]


def lead_matched(recorded: Recorded[LeadMatched]) -> list[Command]:
    """The household of an earlier lead was found."""
    lead = recorded.event
    return [
        internal.TakeLead(
            lead_id=lead.lead_id,
            household_id=lead.household_id,
            source=lead.source,
            discovered_on=lead.discovered_on,
            risks=lead.risks,
        )
    ]


@rule("R91")
def risk_eliminated(recorded: Recorded[RiskEliminated]) -> list[Command]:
    """The household is not monitored any more; a later risk is a new case (R91, R105)."""
    return [
        internal.EndMonitoring(
            case_id=recorded.event.case_id,
            eliminated_on=recorded.event.eliminated_on,
            elimination_id=recorded.event_id,
            mode=recorded.event.mode,
            early=recorded.event.early,
            per_capita_net=recorded.event.per_capita_net,
        )
    ]


@rule("R76")
def measure_filed(recorded: Recorded[MeasureFiled]) -> list[Command]:
    """What a measure is; it does not run yet (R76)."""
    event = recorded.event
    return [
        internal.NoteMeasure(
            case_id=event.case_id,
            measure_id=event.measure_id,
            running=False,
            kind=event.terms.kind,
            development=event.development,
        )
    ]


@rule("R73")
def measure_started(recorded: Recorded[MeasureStarted]) -> list[Command]:
    """A measure runs: in the green channel it must be stopped before the exit (R73)."""
    event = recorded.event
    return [_note(event.case_id, event.measure_id, running=True)]


def measure_over(recorded: Recorded[MeasureStopped | MeasureEnded]) -> list[Command]:
    """A measure stopped, or ran to its end."""
    event = recorded.event
    return [_note(event.case_id, event.measure_id, running=False)]


@rule("R107", "R108")
def correction_authorized(recorded: Recorded[CorrectionAuthorized]) -> list[Command]:
    """Every gate is passed: the corrections of this service's streams are carried out (R108)."""
    return [CarryOut.of(recorded)]


@rule("R49")
def off_register_help(recorded: Recorded[OffRegisterHelpRefused]) -> list[Command]:
    """Help was refused because the household is not in the register: 体外循环, told once (R49)."""
    event = recorded.event
    kind = FindingKind.OFF_REGISTER
    return [
        internal.RaiseFinding(
            finding_id=named_id("finding", kind, "help", str(event.household_id)),
            kind=kind,
            rule="R49",
            division=ancestor(event.division, Level.COUNTY),
            household_id=event.household_id,
            figures={"help": event.kind, "fund": event.fund, "on": event.on.isoformat()},
        )
    ]


def _note(case_id: UUID, measure_id: UUID, *, running: bool) -> Command:
    return internal.NoteMeasure(case_id=case_id, measure_id=measure_id, running=running)


REACTIONS: Mapping[type[Event], Translate] = {
    RiskReported: risk_reported,
    LeadMatched: lead_matched,
    RiskEliminated: risk_eliminated,
    MeasureFiled: measure_filed,
    MeasureStarted: measure_started,
    MeasureStopped: measure_over,
    OffRegisterHelpRefused: off_register_help,
    MeasureEnded: measure_over,
    CorrectionAuthorized: correction_authorized,
}
"""The events that mean something here, and the commands they mean."""


def reactions(application: Application) -> Mapping[type[Event], Reaction]:
    """The reactions for the consumer: each runs its commands inside the consumer's transaction."""
    return {event: _reaction(application, meant) for event, meant in REACTIONS.items()}


async def _policies(tx: Transaction) -> object:
    return await lookups.policies(tx.sql)


CURES: Mapping[str, Cure] = {"refused:R28": _policies}
"""A lead where no policy is in force waits, parked, and goes on when one is published (R28)."""


def _reaction(application: Application, translate: Translate) -> Reaction:
    async def react(tx: Transaction, recorded: Recorded[Any], cause: Cause) -> None:
        for command in translate(recorded):
            await application.execute_in(tx, command, system(SERVICE), cause)

    return react
