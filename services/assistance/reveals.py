"""Reading notes in full: for a purpose, recorded in the vault and as an event at once."""

from collections.abc import Collection, Mapping
from uuid import UUID

from services.assistance.domain.plan import PLAN
from shared.contracts.assistance import PersonalDataRevealed
from shared.kernel.refusal import NotFound
from shared.policy.purposes import Purpose
from shared.store.application import Call
from shared.vault.reveals import reveal, reveal_stream
from shared.vault.vault import Vault

REVEAL = reveal_stream(PersonalDataRevealed, owner="household_id")
"""A look as a stream: keyed by its household."""


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
    revealed = await reveal(
        vault,
        call,
        REVEAL,
        owner=plan.household_id,
        divisions=(plan.division,),
        records=notes,
        fields=["text"],
        purpose=purpose,
    )
    return {note: str(data["text"]) for note, data in revealed.data.items()}
