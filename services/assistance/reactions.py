"""What this service does when a neighbour's event comes. Repeating any of it changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from services.assistance.domain import commands as c
from services.assistance.handlers import plan_id_of
from shared.contracts.audit import CorrectionAuthorized
from shared.contracts.governance import DelegationGranted, DelegationRevoked
from shared.contracts.help import Identified, PlanCloseReason
from shared.contracts.identification import (
    Approved,
    CaseOpened,
    GreenChannelEntered,
    GreenChannelExited,
    NotIdentified,
    PolicyPublished,
    Purged,
    RiskAdded,
)
from shared.kernel.event import Cause, Command, Event, Recorded
from shared.kernel.principal import system
from shared.policy.rules import rule
from shared.service.correcting import CarryOut
from shared.store.application import Application
from shared.store.database import Transaction

Reaction = Callable[[Transaction, Recorded[Any], Cause], Awaitable[None]]


@rule("R59", "R105")
def _case_opened(recorded: Recorded[CaseOpened]) -> list[Command]:
    """A case is under way: its plan may be drafted early; one before it is linked (R105)."""
    event = recorded.event
    return [
        c.KnowCase(
            case_id=event.case_id,
            household_id=event.household_id,
            division=event.division,
            risks=event.risks,
            previous_case_id=event.previous_case_id,
            occurred_on=recorded.occurred_on,
        )
    ]


def _approved(recorded: Recorded[Approved]) -> list[Command]:
    event = recorded.event
    return [
        c.OpenPlan(
            plan_id=plan_id_of(event.case_id),
            case_id=event.case_id,
            household_id=event.household_id,
            division=event.division,
            risks=event.risks,
            identified=Identified(
                category=event.category,
                history=event.history,
                gaps=event.gaps,
                members=event.members,
                labour_capable=event.labour_capable,
                wholly_without_labour=event.whole_household_no_labour,
                per_capita_net=event.per_capita_net,
                identified_on=event.identified_on,
                approved_on=event.on,
            ),
            occurred_on=event.on,
        ),
    ]


def _channel_entered(recorded: Recorded[GreenChannelEntered]) -> list[Command]:
    event = recorded.event
    return [
        c.OpenPlan(
            plan_id=plan_id_of(event.case_id),
            case_id=event.case_id,
            household_id=event.household_id,
            division=event.division,
            risks=event.risks,
            identified=None,
            green_channel=True,
            occurred_on=event.entered_on,
        ),
    ]


def _channel_exited(recorded: Recorded[GreenChannelExited]) -> list[Command]:
    return [
        c.ClosePlan(
            plan_id=plan_id_of(recorded.event.case_id),
            reason=PlanCloseReason.CHANNEL_EXITED,
            occurred_on=recorded.occurred_on,
        ),
    ]


def _not_identified(recorded: Recorded[NotIdentified]) -> list[Command]:
    return [
        c.ClosePlan(
            plan_id=plan_id_of(recorded.event.case_id),
            reason=PlanCloseReason.NOT_IDENTIFIED,
            occurred_on=recorded.occurred_on,
        ),
        c.ConcludeCase(case_id=recorded.event.case_id, occurred_on=recorded.occurred_on),
    ]


def _risk_added(recorded: Recorded[RiskAdded]) -> list[Command]:
    event = recorded.event
    return [
        c.AddRisk(
            plan_id=plan_id_of(event.case_id),
            lead_id=event.lead_id,
            risks=event.risks,
            occurred_on=recorded.occurred_on,
        ),
    ]


def _case_purged(recorded: Recorded[Purged]) -> list[Command]:
    """A withdrawn case has no plan; only a case's stream is withdrawn with its household."""
    if recorded.category != "case":
        return []
    return [
        c.ClosePlan(
            plan_id=plan_id_of(recorded.stream_id),
            reason=PlanCloseReason.PURGED,
            occurred_on=recorded.occurred_on,
        ),
        c.ConcludeCase(case_id=recorded.stream_id, occurred_on=recorded.occurred_on),
    ]


@rule("R100", "R107", "R108")
def _correction_authorized(recorded: Recorded[CorrectionAuthorized]) -> list[Command]:
    """Every gate is passed: this service's streams among the targets are corrected (R108)."""
    return [CarryOut.of(recorded)]


@rule("R53")
def _delegation_granted(recorded: Recorded[DelegationGranted]) -> list[Command]:
    """Who may approve in the committee's place may do so here too."""
    facts = recorded.event.model_dump(exclude={"on"})
    return [c.KnowDelegation(**facts, occurred_on=recorded.occurred_on)]


def _delegation_revoked(recorded: Recorded[DelegationRevoked]) -> list[Command]:
    event = recorded.event
    return [c.LoseDelegation(delegation_id=event.delegation_id, occurred_on=event.on)]


def _policy_published(recorded: Recorded[PolicyPublished]) -> list[Command]:
    return [
        c.AdoptPolicy(policy=recorded.event.policy, occurred_on=recorded.occurred_on),
    ]


REACTIONS: Mapping[type[Event], Callable[[Recorded[Any]], list[Command]]] = {
    CaseOpened: _case_opened,
    Approved: _approved,
    GreenChannelEntered: _channel_entered,
    GreenChannelExited: _channel_exited,
    NotIdentified: _not_identified,
    RiskAdded: _risk_added,
    PolicyPublished: _policy_published,
    DelegationGranted: _delegation_granted,
    DelegationRevoked: _delegation_revoked,
    Purged: _case_purged,
    CorrectionAuthorized: _correction_authorized,
}
"""The commands that follow from each neighbour's event."""


async def _react(
    application: Application,
    translate: Callable[[Recorded[Any]], list[Command]],
    tx: Transaction,
    recorded: Recorded[Any],
    cause: Cause,
) -> None:
    for command in translate(recorded):
        await application.execute_in(tx, command, system(application.service), cause)


def reactions(application: Application) -> Mapping[type[Event], Reaction]:
    """The reactions, bound to the application; the consumer calls them in its transaction."""
    return {
        event: partial(_react, application, translate) for event, translate in REACTIONS.items()
    }
