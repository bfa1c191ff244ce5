"""The neighbours' door: what their events mean here. Each is harmless when repeated."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from services.alerts.domain.commands import MatchLead, ReportRisk, SettleLead
from services.alerts.domain.register import Known
from services.alerts.read_models import register
from shared.bus.cloudevents import cause as cause_of
from shared.bus.handler import Run
from shared.contracts.assistance import (
    RefreshRecorded,
    RiskEliminated,
    RiskSeenAfterElimination,
)
from shared.contracts.audit import CorrectionAuthorized
from shared.contracts.identification import (
    Approved,
    CaseOpened,
    HouseholdIndexed,
    HouseholdRegistered,
    HouseholdSplitOff,
    LeadJoined,
    NotIdentified,
    PolicyPublished,
    RiskAdded,
)
from shared.contracts.values import LeadDisposition, LeadSource, Risk
from shared.kernel.event import Cause, Event, Recorded
from shared.kernel.ids import named_id
from shared.kernel.principal import system
from shared.policy.rules import rule
from shared.service.correcting import CarryOut
from shared.store.application import Application
from shared.store.database import Transaction

Reaction = Callable[[Transaction, Recorded[Any], Cause], Awaitable[None]]
_OUT_OF_SCOPE = frozenset({"OUT_OF_SCOPE", "URBAN_HUKOU"})
_US = system("alerts")


def reactions(application: Application) -> Mapping[type[Event], Reaction]:
    """The reactions for the consumer: each works inside the consumer's transaction."""
    return Reactions(application).by_type()


class Reactions:
    """The reactions, on the service's application."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def by_type(self) -> Mapping[type[Event], Reaction]:
        """Which reaction each event has."""
        return {
            PolicyPublished: self.policy_published,
            HouseholdRegistered: self.household,
            HouseholdIndexed: self.household,
            HouseholdSplitOff: self.household_split_off,
            CaseOpened: self.case_opened,
            LeadJoined: self.lead_joined,
            RiskAdded: self.risk_added,
            NotIdentified: self.not_identified,
            Approved: self.approved,
            RiskEliminated: self.risk_eliminated,
            CorrectionAuthorized: self.correction_authorized,
            RefreshRecorded: self.refreshed,
            RiskSeenAfterElimination: self.seen_after,
        }

    async def policy_published(
        self, tx: Transaction, recorded: Recorded[PolicyPublished], _cause: Cause
    ) -> None:
        """Keep our own copy of the policy book, for our clocks."""
        await register.publish(tx.raw, recorded.event.policy)

    def register(self) -> Run:
        """Households of a county's file come by the thousand, and are known all at once."""
        return Run(frozenset({HouseholdRegistered, HouseholdIndexed}), self.households)

    async def household(self, tx: Transaction, recorded: Recorded[Any], _cause: Cause) -> None:
        """One of them."""
        await self.households(tx, [recorded])

    async def households(self, tx: Transaction, run: list[Recorded[Any]]) -> None:
        """Know households, their places and their numbers' tokens; match who waited for one."""
        for part in _apart(run):
            registered = [
                Known(event.household_id, event.division, event.history, event.relocated)
                for event in (recorded.event for recorded in part)
                if isinstance(event, HouseholdRegistered)
            ]
            if registered:
                await register.register(tx.raw, registered)
            indexed = [item for item in part if isinstance(item.event, HouseholdIndexed)]
            if indexed:
                await self._indexed(tx, indexed)

    async def _indexed(self, tx: Transaction, run: list[Recorded[HouseholdIndexed]]) -> None:
        """Match the leads that waited for one of the numbers.

        A number that a household gave up may have made a waiting lead's household certain, too.
        """
        touched = await register.index(tx.raw, [_indexed(item.event) for item in run])
        whose = {
            token: recorded
            for recorded in reversed(run)
            for token in touched[recorded.event.household_id]
        }
        for lead_id, token in (await register.waiting_for(tx.raw, whose)).items():
            households = await register.suggestions(tx.raw, lead_id)
            # Two households with that number: an officer decides, nothing is merged by itself.
            if len(households) == 1:
                [found] = households
                command = MatchLead(lead_id=lead_id, household_id=found.household.household_id)
                await self._application.execute_in(tx, command, _US, cause_of(whose[token]))

    async def correction_authorized(
        self, tx: Transaction, recorded: Recorded[CorrectionAuthorized], cause: Cause
    ) -> None:
        """Every gate is passed: the leads among the targets are corrected (R107, R108)."""
        await self._application.execute_in(tx, CarryOut.of(recorded), _US, cause)

    @rule("R42")
    async def household_split_off(
        self, tx: Transaction, recorded: Recorded[HouseholdSplitOff], cause: Cause
    ) -> None:
        """Who leaves a household with a case has a need of their own: a lead, looked at anew."""
        event = recorded.event
        if event.case_id is None:
            return
        command = ReportRisk(
            lead_id=named_id("split-off", str(event.household_id)),
            source=LeadSource.CADRE_SCREENING,
            discovered_on=recorded.occurred_on,
            division=event.division,
            reported_in=event.division,
            household_id=event.household_id,
            risks=event.risks,
        )
        await self._application.execute_in(tx, command, _US, cause)

    async def case_opened(
        self, tx: Transaction, recorded: Recorded[CaseOpened], cause: Cause
    ) -> None:
        """The lead opened a case."""
        await self._settle(tx, recorded.event, LeadDisposition.CASE_OPENED, cause)

    async def lead_joined(
        self, tx: Transaction, recorded: Recorded[LeadJoined], cause: Cause
    ) -> None:
        """The lead joined an open case."""
        await self._settle(tx, recorded.event, LeadDisposition.JOINED_TO_CASE, cause)

    async def risk_added(
        self, tx: Transaction, recorded: Recorded[RiskAdded], cause: Cause
    ) -> None:
        """The household was monitored already: a new risk."""
        await self._settle(tx, recorded.event, LeadDisposition.ALREADY_MONITORED, cause)

    async def not_identified(
        self, tx: Transaction, recorded: Recorded[NotIdentified], cause: Cause
    ) -> None:
        """The case ended without identification: each of its leads says so, with the reason."""
        event = recorded.event
        disposition = LeadDisposition.UNFOUNDED
        if event.tracked:
            disposition = LeadDisposition.TRACKED
        elif event.reason in _OUT_OF_SCOPE:
            disposition = LeadDisposition.OUT_OF_SCOPE
        for lead_id in await register.leads_of(tx.raw, event.case_id):
            command = SettleLead(
                lead_id=lead_id,
                disposition=disposition,
                case_id=event.case_id,
                reason=event.reason,
            )
            await self._application.execute_in(tx, command, _US, cause)

    async def approved(self, tx: Transaction, recorded: Recorded[Approved], _cause: Cause) -> None:
        """The household is monitored: its thresholds are the monitored ones."""
        await register.set_monitored(tx.raw, recorded.event.household_id, True)

    async def risk_eliminated(
        self, tx: Transaction, recorded: Recorded[RiskEliminated], _cause: Cause
    ) -> None:
        """No longer monitored; it stays in the matching all the same (R101)."""
        await register.set_monitored(tx.raw, recorded.event.household_id, False)

    @rule("R101", "R105")
    async def refreshed(
        self, tx: Transaction, recorded: Recorded[RefreshRecorded], cause: Cause
    ) -> None:
        """A new risk seen at the yearly refresh is a lead like any other: a new case, linked."""
        event = recorded.event
        if event.new_risk:
            lead_id = named_id("refresh-lead", str(event.case_id), str(event.year))
            await self._report(tx, recorded, lead_id, (), cause)

    @rule("R101", "R105")
    async def seen_after(
        self, tx: Transaction, recorded: Recorded[RiskSeenAfterElimination], cause: Cause
    ) -> None:
        """A risk that was added to a case as it ended is a lead again: it is not lost."""
        event = recorded.event
        lead_id = named_id("lead-again", str(event.lead_id))
        await self._report(tx, recorded, lead_id, event.risks, cause)

    async def _report(
        self,
        tx: Transaction,
        recorded: Recorded[RefreshRecorded] | Recorded[RiskSeenAfterElimination],
        lead_id: UUID,
        risks: tuple[Risk, ...],
        cause: Cause,
    ) -> None:
        command = ReportRisk(
            lead_id=lead_id,
            source=LeadSource.CADRE_SCREENING,
            # The neighbour's clock may be a moment ahead of this one at midnight.
            discovered_on=min(recorded.occurred_on, tx.clock.today()),
            division=recorded.region,
            reported_in=recorded.region,
            household_id=recorded.event.household_id,
            risks=risks,
        )
        await self._application.execute_in(tx, command, _US, cause)

    async def _settle(
        self,
        tx: Transaction,
        event: CaseOpened | LeadJoined | RiskAdded,
        disposition: LeadDisposition,
        cause: Cause,
    ) -> None:
        command = SettleLead(lead_id=event.lead_id, disposition=disposition, case_id=event.case_id)
        await self._application.execute_in(tx, command, _US, cause)


def _indexed(event: HouseholdIndexed) -> register.Indexed:
    tokens = [(bytes.fromhex(item.token), item.member_id) for item in event.tokens]
    return register.Indexed(event.household_id, event.division, tokens)


def _apart(run: Iterable[Recorded[Any]]) -> Iterator[list[Recorded[Any]]]:
    """The run in parts: new households together, each other one, which may give up tokens, alone.

    In a part no household is told of twice in one way, nor any number: whether one by one or at
    once, the same comes of it.
    """
    part: list[Recorded[Any]] = []
    told: set[object] = set()
    for recorded in run:
        tells = _told(recorded.event)
        alone = isinstance(recorded.event, HouseholdIndexed) and (
            (HouseholdRegistered, recorded.event.household_id) not in told
        )
        if part and (alone or not told.isdisjoint(tells)):
            yield part
            part, told = [], set()
        part.append(recorded)
        told |= tells
    if part:
        yield part


def _told(event: Any) -> set[object]:
    tells: set[object] = {(type(event), event.household_id)}
    if isinstance(event, HouseholdIndexed):
        tells |= {item.token for item in event.tokens}
    return tells
