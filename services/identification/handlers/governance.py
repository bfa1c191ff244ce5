"""The commands on delegations, joint meetings and the merging of policies: words to the vault."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.identification.domain.coordination import COORDINATION, HoldMeeting, RecordMerging
from services.identification.domain.delegation import (
    DELEGATION,
    GovernanceContext,
    GrantDelegation,
    RevokeDelegation,
)
from services.identification.domain.officer import (
    OFFICER,
    ComeIn,
    OfficerContext,
    officer_id,
)
from services.identification.read_models import lookups
from shared.kernel.decider import Act, Aggregate
from shared.kernel.event import Command
from shared.kernel.ids import new_id
from shared.store.application import Call, Handler, Outcome
from shared.vault.vault import Entry, Vault


@dataclass(frozen=True)
class GovernanceHandlers:
    """The handlers; each keeps the command's words, if it has any, and decides."""

    vault: Vault

    def table(self) -> Mapping[type[Command], Handler]:
        """Every command with its handler."""
        return {
            ComeIn: self.come_in,
            GrantDelegation: self.grant,
            RevokeDelegation: self.revoke,
            HoldMeeting: self.hold,
            RecordMerging: self.merge,
        }

    async def come_in(self, command: ComeIn, call: Call) -> Outcome:
        """Somebody is here, at their post."""
        who, plain = call.principal, call.context()
        latest = (await lookups.posts(call.tx.sql, [who.subject])).get(who.subject)
        made = OfficerContext(plain.today, plain.occurred_on, plain.principal, latest)
        stream = officer_id(who.subject, who.division)
        return await call.decide(OFFICER, stream, command, made)

    async def grant(self, command: GrantDelegation, call: Call) -> Outcome:
        """A new delegation."""
        return await self._decide(DELEGATION, new_id(), command, None, call)

    async def revoke(self, command: RevokeDelegation, call: Call) -> Outcome:
        """An end to one."""
        return await self._decide(DELEGATION, command.delegation_id, command, command.note, call)

    async def hold(self, command: HoldMeeting, call: Call) -> Outcome:
        """A joint meeting."""
        return await self._decide(COORDINATION, new_id(), command, command.minutes, call)

    async def merge(self, command: RecordMerging, call: Call) -> Outcome:
        """A merging of policies."""
        return await self._decide(COORDINATION, new_id(), command, command.note, call)

    async def _decide(
        self, aggregate: Aggregate[Any], stream: UUID, command: Act, words: str | None, call: Call
    ) -> Outcome:
        plain = call.context(command.occurred_on)
        note_id = new_id()
        made = GovernanceContext(
            plain.today, plain.occurred_on, plain.principal, fresh_id=stream, note_id=note_id
        )
        outcome = await call.decide(aggregate, stream, command, made)
        if words is not None:
            note = Entry(stream, note_id, "note", {"text": words})
            await self.vault.put(call.tx.raw, [note], at=call.tx.clock.now())
        return outcome
