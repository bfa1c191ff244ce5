"""Reading notes in full: for a purpose, recorded in the vault and as an event at once."""

from collections.abc import Collection, Mapping
from uuid import UUID

from services.assistance.domain.commands import RecordReveal
from services.assistance.domain.plan import PLAN
from services.assistance.domain.reveal import REVEAL
from shared.kernel.refusal import NotFound
from shared.store.application import Call
from shared.vault.purposes import Purpose
from shared.vault.vault import Vault

_FIELDS = ("text",)


async def read_notes(
    vault: Vault, call: Call, *, plan_id: UUID, notes: Collection[UUID], purpose: Purpose
) -> Mapping[UUID, str]:
    """The text of notes about the plan's household, by their ids.

    Raises ``NotFound`` for a plan outside the caller's division or a note that is not the
    household's, ``Forbidden`` for a purpose that is not the caller's, ``Destroyed`` once shredded.
    """
    plan = (await call.load(PLAN, plan_id)).state
    if not plan.exists:
        raise NotFound(*PLAN.label)
    revealed = await vault.reveal(
        call.tx.raw,
        plan.household_id,
        notes,
        fields=_FIELDS,
        purpose=purpose,
        principal=call.principal,
        correlation_id=call.cause.correlation_id,
        at=call.tx.clock.now(),
    )
    command = RecordReveal(
        reveal_id=revealed.record.id,
        household_id=plan.household_id,
        division=plan.division,
        purpose=purpose,
        records=revealed.record.records,
        fields=revealed.record.fields,
    )
    await call.decide(REVEAL, revealed.record.id, command, call.context())
    return {note: str(data["text"]) for note, data in revealed.data.items()}
