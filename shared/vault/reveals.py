"""Seeing personal data in full: for a purpose, recorded in the vault and as an event at once.

Each look is a stream of its own, category ``reveal``, so that the audit log has it.
"""

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import DivisionCode
from shared.kernel.event import Command, Event
from shared.kernel.principal import Permission, Role, may
from shared.policy.purposes import Purpose
from shared.store.application import Call
from shared.vault.vault import Reveal, Revealed, Vault

Look = Any
"""A service's ``PersonalDataRevealed``; ``None`` before it is recorded."""


class RecordReveal(Command):
    """Note that somebody saw personal data. Comes from a service's own handlers only."""

    permission: ClassVar[Permission] = may(Role.SYSTEM)

    reveal_id: UUID
    owner_id: UUID
    """Whose key seals what was seen: a household, an order, a lead."""
    divisions: tuple[DivisionCode, ...]
    purpose: str
    records: tuple[UUID, ...]
    fields: tuple[str, ...]


def reveal_stream(
    event: type[Event], *, owner: str, divisions: str | None = None
) -> Aggregate[Any]:
    """The stream of looks that a service records as ``event``.

    ``owner`` and ``divisions`` are the event's own names for those; an event about one household
    has a single ``division``.
    """

    def decide(state: Look, command: RecordReveal, _context: Context) -> list[Event]:
        if state is not None:
            return []
        given = command.model_dump(exclude={"owner_id", "divisions"})
        where = {divisions: command.divisions} if divisions else {"division": command.divisions[0]}
        return [event(**given, **{owner: command.owner_id}, **where)]

    def places(state: Look) -> tuple[str, ...]:
        if state is None:
            return ()
        return tuple(getattr(state, divisions)) if divisions else (state.division,)

    return Aggregate(
        name="reveal",
        label=("查看记录", "record of a look"),
        initial=None,
        evolve=lambda state, seen: seen if isinstance(seen, event) else state,
        decide=decide,
        divisions=places,
        key=lambda state: getattr(state, owner),
    )


async def reveal(
    vault: Vault,
    call: Call,
    stream: Aggregate[Any],
    *,
    owner: UUID,
    divisions: tuple[str, ...],
    records: Collection[UUID],
    fields: Collection[str],
    purpose: Purpose,
) -> Revealed:
    """The full values, and the record of the look in the same transaction.

    The caller has checked that the owner lies in the principal's division. Raises what
    ``Vault.reveal`` raises.
    """
    revealed = await vault.reveal(
        call.tx.raw,
        owner,
        records,
        fields=fields,
        purpose=purpose,
        principal=call.principal,
        correlation_id=call.cause.correlation_id,
        at=call.tx.clock.now(),
    )
    await _record(call, stream, revealed.record, divisions)
    return revealed


async def record_look(
    vault: Vault,
    call: Call,
    stream: Aggregate[Any] | None,
    *,
    owner: UUID,
    divisions: tuple[str, ...],
    records: Collection[UUID],
    fields: Collection[str],
    purpose: Purpose,
) -> None:
    """The record of a look at what the vault sealed and does not keep itself: a file.

    Without a ``stream`` the vault's own record is all, as for the notes that the audit service
    keeps. Raises what ``Vault.look`` raises.
    """
    record = await vault.look(
        call.tx.raw,
        owner,
        records,
        fields=fields,
        purpose=purpose,
        principal=call.principal,
        correlation_id=call.cause.correlation_id,
        at=call.tx.clock.now(),
    )
    if stream is not None:
        await _record(call, stream, record, divisions)


async def _record(
    call: Call, stream: Aggregate[Any], record: Reveal, divisions: tuple[str, ...]
) -> None:
    command = RecordReveal(
        reveal_id=record.id,
        owner_id=record.owner,
        divisions=divisions,
        purpose=record.purpose,
        records=record.records,
        fields=record.fields,
    )
    # Beside the act it belongs to, and not the stream that ``If-Match`` speaks of.
    expected, call.expected_version = call.expected_version, None
    await call.decide(stream, record.id, command, call.context())
    call.expected_version = expected
