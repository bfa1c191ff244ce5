"""Seeing personal data in full: for a purpose, recorded in the vault and as an event."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.alerts.domain import policies
from services.alerts.domain.commands import OrderPart, RevealLead, RevealOrder
from services.alerts.domain.lead import LEAD, Lead
from services.alerts.domain.order import ORDER, Order
from services.alerts.handlers.tools import Tools
from shared.contracts.alerts import PersonalDataRevealed
from shared.kernel.refusal import NotFound
from shared.store.application import Call
from shared.vault.purposes import Purpose
from shared.vault.reveals import reveal, reveal_stream

_FIELDS = ("name", "document_number", "phone", "text")

REVEAL = reveal_stream(PersonalDataRevealed, owner="owner_id", divisions="divisions")
"""A look as a stream: keyed by the order, the lead or the alert."""

Shown = Mapping[str, Mapping[str, Any]]


class Reveals:
    """The two looks there are; each in the transaction that records it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def order(self, command: RevealOrder, call: Call) -> Shown:
        """The parts of an order, in full."""
        order: Order = (await call.load(ORDER, command.order_id)).state
        policies.order_known(order)
        policies.caller_stays_hidden(order, command.parts, call.context())
        there = {part: id_ for part, id_ in _parts(order).items() if part in command.parts}
        divisions = tuple(ORDER.divisions(order))
        found = await self._look(
            call, order.order_id, divisions, Purpose(command.purpose), list(there.values())
        )
        return {part: found[id_] for part, id_ in there.items()}

    async def lead(self, command: RevealLead, call: Call) -> Shown:
        """Whom a lead is about, in full."""
        lead: Lead = (await call.load(LEAD, command.lead_id)).state
        policies.lead_known(lead.exists)
        if lead.person_id is None:
            raise NotFound("线索所涉人员信息", "person of this lead")
        found = await self._look(
            call,
            owner_of(lead.lead_id, lead.alert_id),
            tuple(LEAD.divisions(lead)),
            Purpose(command.purpose),
            [lead.person_id],
        )
        return {"PERSON": found[lead.person_id]}

    async def _look(
        self,
        call: Call,
        owner: UUID,
        divisions: tuple[str, ...],
        purpose: Purpose,
        records: list[UUID],
    ) -> Mapping[UUID, Mapping[str, Any]]:
        revealed = await reveal(
            self._tools.vault,
            call,
            REVEAL,
            owner=owner,
            divisions=divisions,
            records=records,
            fields=_FIELDS,
            purpose=purpose,
        )
        return revealed.data


def owner_of(lead_id: UUID, alert_id: UUID | None) -> UUID:
    """Whose key seals the person of a lead: the alert's, where it came from one."""
    return alert_id or lead_id


def _parts(order: Order) -> dict[OrderPart, UUID]:
    parts = {
        OrderPart.CALLER: order.caller_id,
        OrderPart.MATTER: order.matter_id,
        OrderPart.INSTRUCTION: order.instruction_id,
        OrderPart.ANSWER: order.answer_id,
    }
    return {part: id_ for part, id_ in parts.items() if id_ is not None}
