"""Work orders: the personal data goes to the vault, the lead is made in the same transaction."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.alerts.domain import policies
from services.alerts.domain.commands import AcceptOrder, AssignOrder, OrderAct, Person, ReportRisk
from services.alerts.domain.order import ORDER, lead_id, order_id
from services.alerts.domain.register import Match
from services.alerts.handlers import leads, matching
from services.alerts.handlers.tools import Tools, context
from services.alerts.read_models.register import Waiting
from shared.contracts.alerts import OrderKind
from shared.contracts.values import LeadSource
from shared.kernel.division import NATION
from shared.store.application import Call, Handler, Outcome


class Orders:
    """The handlers."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def accept(self, command: AcceptOrder, call: Call) -> Outcome:
        """A call: the order, and at once the lead that an application or a report makes (R116)."""
        policies.not_in_the_future(command.called_on, call.today, "called_on")
        self._tools.divisions.require(command.division, field="division")
        stream = order_id(call.principal.division, command.order_no)
        notes = await self._tools.notes(call, stream, {"matter": command.text})
        notes["caller"] = await self._tools.person(call, stream, "caller", command.caller)
        made = await context(call, command.division, command.called_on, notes=notes)
        outcome = await call.decide(ORDER, stream, command, made)
        if command.kind is not OrderKind.CONSULT:
            await self._report(command, call)
        return outcome

    async def _report(self, command: AcceptOrder, call: Call) -> None:
        clue = command.kind is OrderKind.REPORT
        person = _whom_it_is_about(command)
        match = await matching.look_up(call.tx.raw, self._tools.index, person.document_number)
        # A report is somebody's word about somebody else: an officer looks before a case begins.
        household = None if clue else match.household
        hotline = call.principal.division
        lead = lead_id(hotline, command.order_no)
        reported = ReportRisk(
            lead_id=lead,
            source=LeadSource.HOTLINE,
            discovered_on=command.called_on,
            division=household.division if household else command.division,
            reported_in=command.division,
            household_id=household.household_id if household else None,
            risks=command.risks,
            order_id=order_id(hotline, command.order_no),
            clue=clue,
            person_id=await self._person(call, lead, person, known=household is not None),
        )
        await leads.report(call, reported, _waiting(match, clue=clue))

    async def _person(self, call: Call, lead: UUID, person: Person, *, known: bool) -> UUID | None:
        """Whom the register knows is not kept a second time; nobody is no person."""
        if known or person == Person():
            return None
        return await self._tools.person(call, lead, "person", person)

    def act(self, *texts: str) -> Handler:
        """The handler of an act on an order whose fields ``texts`` go to the vault."""

        async def handle(command: OrderAct, call: Call) -> Outcome:
            if isinstance(command, AssignOrder):
                self._tools.divisions.require(command.assignee, field="assignee")
            order = (await call.load(ORDER, command.order_id)).state
            made = await context(call, order.division or NATION, command.occurred_on)
            notes = await self._notes(command, call, texts) if order.exists else {}
            return await call.decide(ORDER, command.order_id, command, replace(made, notes=notes))

        return handle

    async def _notes(self, command: OrderAct, call: Call, texts: Sequence[str]) -> dict[str, UUID]:
        written = {name: getattr(command, name) for name in texts}
        return await self._tools.notes(call, command.order_id, written)


def _whom_it_is_about(command: AcceptOrder) -> Person:
    """The subject; of an application the caller, unless another is named; never the reporter."""
    if command.subject is not None:
        return command.subject
    return command.caller if command.kind is OrderKind.APPLY else Person()


def _waiting(match: Match, *, clue: bool) -> Sequence[Waiting]:
    return list(matching.waiting_for_clue(match) if clue else matching.waiting_for_lead(match))
