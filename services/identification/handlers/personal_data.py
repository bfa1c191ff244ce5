"""What happens to a household's personal data as a whole: indexed by a new key, or destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.identification.domain import internal
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.household_state import Move, Reindexing
from services.identification.read_models import lookups
from shared.contracts.identification import IndexToken
from shared.kernel.event import Command
from shared.kernel.refusal import NotFound
from shared.policy.rules import rule
from shared.store.application import Call, Handler, Outcome
from shared.vault.blind_index import BlindIndex
from shared.vault.documents import Document
from shared.vault.vault import Vault


@dataclass(frozen=True)
class PersonalDataHandlers:
    """The handlers."""

    vault: Vault
    index: BlindIndex

    def table(self) -> Mapping[type[Command], Handler]:
        """Every command with its handler."""
        return {internal.Reindex: self.reindex, internal.EraseHousehold: self.erase}

    async def reindex(self, command: internal.Reindex, call: Call) -> Outcome:
        """The numbers are read for their tokens alone: nobody sees them, no event holds them."""
        stream = await call.load(HOUSEHOLD, command.household_id)
        numbers = await self.vault.unseen(
            call.tx.raw, command.household_id, kind="member", field="document_number"
        )
        plain = call.context()
        context = Reindexing(
            today=plain.today,
            occurred_on=plain.occurred_on,
            principal=plain.principal,
            key_id=str(self.index.version),
            tokens=tuple(
                IndexToken(member_id=member.member_id, token=token.hex())
                for member in stream.state.members
                if member.member_id in numbers
                for token in self.index.tokens(Document(numbers[member.member_id]))
            ),
        )
        return await call.decide(HOUSEHOLD, command.household_id, command, context)

    @rule("R107", "R108")
    async def erase(self, command: internal.EraseHousehold, call: Call) -> Outcome:
        """At the version the request was about, and at no other: so it happens once (R108)."""
        stream = await call.load(HOUSEHOLD, command.household_id)
        if not stream.history:
            raise NotFound(*HOUSEHOLD.label)
        if stream.version != command.at_version:
            return Outcome(stream.stream_id, stream.version, stream.state, [])
        plain = call.context()
        active = await lookups.active_case(call.tx.sql, command.household_id)
        context = Move(plain.today, plain.occurred_on, plain.principal, active is not None)
        outcome = await call.decide(HOUSEHOLD, command.household_id, command, context)
        await self.vault.shred(call.tx.raw, command.household_id, at=call.tx.clock.now())
        return outcome
