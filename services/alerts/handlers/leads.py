"""Leads: found a household for, matched, disposed of, followed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.alerts.domain import policies
from services.alerts.domain.commands import (
    CorrectLead,
    DeclareRisk,
    DisposeLead,
    FollowLead,
    MatchLead,
    Person,
    RegisterLead,
    ReportRisk,
    SettleLead,
)
from services.alerts.domain.context import AlertsContext
from services.alerts.domain.declaration import channel_is_said, lead_id
from services.alerts.domain.lead import LEAD, Lead
from services.alerts.domain.register import Known, Match
from services.alerts.handlers import matching
from services.alerts.handlers.tools import Tools, context
from services.alerts.read_models import register
from services.alerts.read_models.register import Waiting
from shared.contracts.alerts import Channel
from shared.contracts.audit import Target
from shared.contracts.values import LeadSource
from shared.kernel.decider import Aggregate
from shared.kernel.division import NATION
from shared.kernel.ids import named_id, new_id
from shared.kernel.refusal import NotFound
from shared.service.correcting import CarryOut
from shared.store import event_store
from shared.store.application import Call, Outcome, Stream


async def report(call: Call, command: ReportRisk, waiting: Iterable[Waiting]) -> Outcome:
    """Make a lead; one without a household waits for what it will be recognised by."""
    made = await context(call, command.division, command.discovered_on)
    outcome = await call.decide(LEAD, command.lead_id, command, made)
    if command.household_id is None and outcome.events:
        for item in waiting:
            await register.wait(call.tx.raw, command.lead_id, item)
    return outcome


async def lead_to_correct(call: Call, stream_id: UUID) -> Aggregate[Lead]:
    """Corrections are of leads. Raises ``NotFound`` for any other stream."""
    history = await event_store.load(call.tx.raw, call.application.service, stream_id)
    if not history or history[0].category != LEAD.name:
        raise NotFound(*LEAD.label)
    return LEAD


class Leads:
    """The handlers."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def register(self, command: RegisterLead, call: Call) -> Outcome:
        """A declaration or a screening (R54)."""
        policies.somebody_is_named(command)
        channel_is_said(command)
        if command.person is not None:
            matching.must_be_whole(command.person.document_number)
        policies.local(command.division)
        self._tools.divisions.require(command.division, field="division")
        lead_id = _lead_id(command)
        match = await self._find(call, command)
        made = call.context(command.occurred_on)
        reported = ReportRisk(
            lead_id=lead_id,
            source=command.source,
            discovered_on=made.occurred_on,
            division=match.household.division if match.household else command.division,
            reported_in=command.division,
            household_id=match.household.household_id if match.household else None,
            risks=command.risks,
            evidence=command.evidence,
            person_id=await self._person(call, lead_id, command.person, match),
            channel=command.channel,
            agent_id=await self._agent(call, lead_id, command.agent),
            text_id=await self._text(call, lead_id, command.text),
        )
        return await report(call, reported, matching.waiting_for_lead(match))

    async def declare(self, command: DeclareRisk, call: Call) -> Outcome:
        """A household's own declaration, from a portal (R54)."""
        policies.local(command.division)
        policies.not_in_the_future(command.declared_on, call.today, "declared_on")
        self._tools.divisions.require(command.division, field="division")
        matching.must_be_valid(command.person.document_number)
        lead = lead_id(call.principal.subject, command.reference)
        match = await matching.look_up(
            call.tx.raw, self._tools.index, command.person.document_number
        )
        household = match.household
        reported = ReportRisk(
            lead_id=lead,
            source=LeadSource.SELF_DECLARATION,
            discovered_on=command.declared_on,
            division=household.division if household else command.division,
            reported_in=command.division,
            household_id=household.household_id if household else None,
            risks=command.risks,
            evidence=command.evidence,
            person_id=await self._person(call, lead, command.person, match),
            channel=Channel.ONLINE,
            agent_id=await self._agent(call, lead, command.agent),
            text_id=await self._text(call, lead, command.text),
        )
        return await report(call, reported, matching.waiting_for_lead(match))

    async def made(self, command: ReportRisk, call: Call) -> Outcome:
        """A lead about a household that the register itself names."""
        return await report(call, command, ())

    async def match(self, command: MatchLead, call: Call) -> Outcome:
        """An officer's word, or the register's, on which household it is."""
        household = await register.by_id(call.tx.raw, command.household_id)
        made = await self._context(command.lead_id, call, household, command.occurred_on)
        outcome = await call.decide(LEAD, command.lead_id, command, made)
        await register.wait_no_more(call.tx.raw, command.lead_id)
        return outcome

    async def dispose(self, command: DisposeLead, call: Call) -> Outcome:
        """One lead, one disposition, one reason (R42)."""
        notes = await self._tools.notes(call, command.lead_id, {"note": command.note})
        made = await self._context(command.lead_id, call, None, command.occurred_on)
        outcome = await call.decide(LEAD, command.lead_id, command, replace(made, notes=notes))
        await register.wait_no_more(call.tx.raw, command.lead_id)
        return outcome

    async def correct(
        self, command: CarryOut, target: Target, stream: Stream, call: Call
    ) -> Outcome:
        """A lead's compensating event (R108); a withdrawn one waits for no household any more."""
        wish = CorrectLead(
            lead_id=stream.stream_id,
            correction_id=command.authorized.correction_id,
            to_version=target.to_version,
        )
        if target.to_version is None:
            await register.wait_no_more(call.tx.raw, stream.stream_id)
        return await call.decide(LEAD, stream.stream_id, wish, call.context())

    async def follow(self, command: FollowLead, call: Call) -> Outcome:
        """The monthly look at what is tracked (R33)."""
        notes = await self._tools.notes(call, command.lead_id, {"note": command.note})
        made = await self._context(command.lead_id, call, None, command.occurred_on)
        return await call.decide(LEAD, command.lead_id, command, replace(made, notes=notes))

    async def settle(self, command: SettleLead, call: Call) -> Outcome:
        """What the identification service said became of it."""
        return await call.decide(LEAD, command.lead_id, command, call.context())

    async def _context(
        self, lead_id: UUID, call: Call, household: Known | None, on: date | None
    ) -> AlertsContext:
        division = (await call.load(LEAD, lead_id)).state.division or NATION
        return await context(call, division, on, household=household)

    async def _find(self, call: Call, command: RegisterLead) -> Match:
        if command.household_id is not None:
            household = await register.by_id(call.tx.raw, command.household_id)
            return Match((policies.registered(household),))
        number = command.person.document_number if command.person else None
        return await matching.look_up(call.tx.raw, self._tools.index, number)

    async def _person(
        self, call: Call, lead_id: UUID, person: Person | None, match: Match
    ) -> UUID | None:
        """Whom the register knows is not kept a second time."""
        if person is None or match.household is not None:
            return None
        return await self._tools.person(call, lead_id, "person", person)

    async def _agent(self, call: Call, lead_id: UUID, agent: Person | None) -> UUID | None:
        return None if agent is None else await self._tools.person(call, lead_id, "agent", agent)

    async def _text(self, call: Call, lead_id: UUID, text: str | None) -> UUID | None:
        return (await self._tools.notes(call, lead_id, {"text": text})).get("text")


def _lead_id(command: RegisterLead) -> UUID:
    if command.reference is None:
        return new_id()
    return named_id("lead", command.division, command.reference)
