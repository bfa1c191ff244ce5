"""Seeing personal data in full: for a purpose, recorded in the vault and as an event."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any
from uuid import UUID

from services.alerts.domain import policies
from services.alerts.domain.commands import LeadPart, OrderPart, RevealLead, RevealOrder
from services.alerts.domain.lead import LEAD, Lead
from services.alerts.domain.order import ORDER, Order
from services.alerts.handlers.tools import Tools
from shared.contracts.alerts import PersonalDataRevealed
from shared.kernel.refusal import NotFound
from shared.policy.purposes import Purpose
from shared.store.application import Call
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
        """What of a lead is in the vault, in full; a look for each key that seals it."""
        lead: Lead = (await call.load(LEAD, command.lead_id)).state
        policies.lead_known(lead.exists)
        there = {part: id_ for part, id_ in _lead_parts(lead).items() if part in command.parts}
        if not there:
            raise NotFound("线索所涉信息", "such part of this lead", field="parts")
        shown: dict[str, Mapping[str, Any]] = {}
        for owner, parts in groupby(there, key=lambda part: _owner(lead, part)):
            ids = {part: there[part] for part in parts}
            found = await self._look(
                call,
                owner,
                tuple(LEAD.divisions(lead)),
                Purpose(command.purpose),
                list(ids.values()),
            )
            shown |= {part: found[id_] for part, id_ in ids.items()}
        return shown

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


def _owner(lead: Lead, part: LeadPart) -> UUID:
    """Whose key seals it: of the person the alert's, where the lead came from one."""
    of_alert = part is LeadPart.PERSON and lead.alert_id is not None
    return lead.alert_id if of_alert and lead.alert_id else lead.lead_id


def _lead_parts(lead: Lead) -> dict[LeadPart, UUID]:
    parts = {
        LeadPart.PERSON: lead.person_id,
        LeadPart.AGENT: lead.agent_id,
        LeadPart.TEXT: lead.text_id,
        LeadPart.NOTE: lead.note_id,
    }
    return {part: id_ for part, id_ in parts.items() if id_ is not None}


def _parts(order: Order) -> dict[OrderPart, UUID]:
    parts = {
        OrderPart.CALLER: order.caller_id,
        OrderPart.MATTER: order.matter_id,
        OrderPart.INSTRUCTION: order.instruction_id,
        OrderPart.ANSWER: order.answer_id,
    }
    return {part: id_ for part, id_ in parts.items() if id_ is not None}
