"""Seeing personal data in full: for a purpose, recorded in the vault and as an event."""

from collections.abc import Collection
from uuid import UUID

from services.identification.domain import internal
from services.identification.domain.reveal import REVEAL
from shared.store.application import Call
from shared.vault.purposes import Purpose
from shared.vault.vault import Revealed, Vault


async def reveal(
    vault: Vault,
    call: Call,
    *,
    household_id: UUID,
    division: str,
    records: Collection[UUID],
    fields: Collection[str],
    purpose: Purpose,
) -> Revealed:
    """The full values, and the record of the look in the same transaction.

    The caller has checked that the household lies in the principal's division. Raises what
    ``Vault.reveal`` raises.
    """
    revealed = await vault.reveal(
        call.tx.raw,
        household_id,
        records,
        fields=fields,
        purpose=purpose,
        principal=call.principal,
        correlation_id=call.cause.correlation_id,
        at=call.tx.clock.now(),
    )
    record = revealed.record
    command = internal.RecordReveal(
        reveal_id=record.id,
        household_id=household_id,
        division=division,
        purpose=record.purpose,
        records=record.records,
        fields=record.fields,
    )
    # Beside the act it belongs to, and not the stream that ``If-Match`` speaks of.
    expected, call.expected_version = call.expected_version, None
    await call.decide(REVEAL, record.id, command, call.context())
    call.expected_version = expected
    return revealed
