"""What this service does when a neighbour's event comes. Repeating any of it changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from services.assistance.domain import commands as c
from services.assistance.handlers import plan_id_of
from shared.contracts.help import Identified, PlanCloseReason
from shared.contracts.identification import (
    Approved,
    GreenChannelEntered,
    GreenChannelExited,
    NotIdentified,
    PolicyPublished,
    RiskAdded,
)
from shared.kernel.event import Cause, Command, Event, Recorded
from shared.kernel.principal import system
from shared.store.application import Application
from shared.store.database import Transaction

Reaction = Callable[[Transaction, Recorded[Any], Cause], Awaitable[None]]


def _approved(recorded: Recorded[Approved]) -> Command:
    event = recorded.event
    return c.OpenPlan(
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
    )


def _channel_entered(recorded: Recorded[GreenChannelEntered]) -> Command:
    event = recorded.event
    return c.OpenPlan(
        plan_id=plan_id_of(event.case_id),
        case_id=event.case_id,
        household_id=event.household_id,
        division=event.division,
        risks=event.risks,
        identified=None,
        occurred_on=event.entered_on,
    )


def _channel_exited(recorded: Recorded[GreenChannelExited]) -> Command:
    return c.ClosePlan(
        plan_id=plan_id_of(recorded.event.case_id),
        reason=PlanCloseReason.CHANNEL_EXITED,
        occurred_on=recorded.occurred_on,
    )


def _not_identified(recorded: Recorded[NotIdentified]) -> Command:
    return c.ClosePlan(
        plan_id=plan_id_of(recorded.event.case_id),
        reason=PlanCloseReason.NOT_IDENTIFIED,
        occurred_on=recorded.occurred_on,
    )


def _risk_added(recorded: Recorded[RiskAdded]) -> Command:
    event = recorded.event
    return c.AddRisk(
        plan_id=plan_id_of(event.case_id),
        lead_id=event.lead_id,
        risks=event.risks,
        occurred_on=recorded.occurred_on,
    )


def _policy_published(recorded: Recorded[PolicyPublished]) -> Command:
    return c.AdoptPolicy(policy=recorded.event.policy, occurred_on=recorded.occurred_on)


REACTIONS: Mapping[type[Event], Callable[[Recorded[Any]], Command]] = {
    Approved: _approved,
    GreenChannelEntered: _channel_entered,
    GreenChannelExited: _channel_exited,
    NotIdentified: _not_identified,
    RiskAdded: _risk_added,
    PolicyPublished: _policy_published,
}
"""The command that follows from each neighbour's event."""


async def _react(
    application: Application,
    translate: Callable[[Recorded[Any]], Command],
    tx: Transaction,
    recorded: Recorded[Any],
    cause: Cause,
) -> None:
    await application.execute_in(tx, translate(recorded), system(application.service), cause)


def reactions(application: Application) -> Mapping[type[Event], Reaction]:
    """The reactions, bound to the application; the consumer calls them in its transaction."""
    return {
        event: partial(_react, application, translate) for event, translate in REACTIONS.items()
    }
