"""What the handlers work with: the vault, the blind index, the divisions, the way out's guard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.alerts.domain.commands import Person
from services.alerts.domain.context import AlertsContext
from services.alerts.domain.register import Known
from services.alerts.read_models import register
from shared.kernel.ids import new_id
from shared.policy.divisions import Divisions
from shared.store.application import Call
from shared.vault.blind_index import BlindIndex
from shared.vault.vault import Entry, Vault
from shared.web.outbound import Guard, OutboundSettings
from shared.web.settings import Mode


@dataclass(frozen=True)
class Tools:
    """Made once, in the composition root."""

    vault: Vault
    index: BlindIndex
    divisions: Divisions
    guard: Guard = field(default_factory=lambda: Guard(Mode.PRODUCTION, OutboundSettings()))
    """Where webhooks may go; the careful one unless said otherwise."""

    async def notes(
        self, call: Call, owner: UUID, texts: Mapping[str, str | None]
    ) -> dict[str, UUID]:
        """Put free texts into the vault under ``owner``; the new records' ids, by field."""
        ids = {name: new_id() for name, text in texts.items() if text is not None}
        entries = [Entry(owner, id_, "note", {"text": texts[name]}) for name, id_ in ids.items()]
        await self.vault.put(call.tx.raw, entries, at=call.tx.clock.now())
        return ids

    async def person(self, call: Call, owner: UUID, kind: str, person: Person) -> UUID:
        """Put somebody into the vault under ``owner``; the record's id."""
        entry = Entry(owner, new_id(), kind, person.model_dump(exclude_none=True))
        await self.vault.put(call.tx.raw, [entry], at=call.tx.clock.now())
        return entry.id


async def context(
    call: Call,
    division: str,
    occurred_on: date | None,
    *,
    notes: Mapping[str, UUID] | None = None,
    household: Known | None = None,
) -> AlertsContext:
    """The context of a decision: the dates, and the policy in force there on that day."""
    plain = call.context(occurred_on)
    policy, calendar = await register.law_for(
        call.tx.raw, division, plain.occurred_on, today=plain.today
    )
    return AlertsContext(
        plain.today,
        plain.occurred_on,
        plain.principal,
        policy=policy,
        calendar=calendar,
        notes=notes or {},
        household=household,
    )
