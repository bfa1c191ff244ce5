"""What happens to a household's personal data as a whole: indexed by a new key, or destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.identification.domain import internal
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.household_state import Household, Move, Reindexing
from services.identification.read_models import lookups
from shared.contracts.audit import Target
from shared.contracts.identification import IndexToken
from shared.kernel.event import Command
from shared.kernel.refusal import NotFound
from shared.policy.rules import rule
from shared.service.correcting import CarryOut
from shared.store.application import Call, Handler, Outcome, Stream
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
        return {internal.Reindex: self.reindex}

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
    async def erase(self, carried: CarryOut, target: Target, stream: Stream, call: Call) -> Outcome:
        """An authorised erasure, at the version the request was about (R108)."""
        if not isinstance(stream.state, Household):
            raise NotFound(*HOUSEHOLD.label)
        plain = call.context()
        active = await lookups.active_case(call.tx.sql, target.stream_id)
        context = Move(plain.today, plain.occurred_on, plain.principal, active is not None)
        command = internal.EraseHousehold(
            household_id=target.stream_id, correction_id=carried.authorized.correction_id
        )
        outcome = await call.decide(HOUSEHOLD, target.stream_id, command, context)
        await self.vault.shred(call.tx.raw, target.stream_id, at=call.tx.clock.now())
        return outcome
