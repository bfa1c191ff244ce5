"""The machines that the alerts service lets in, known to another service that machines call.

A reaction for each event of theirs: the keys stand in this service's own ``access.machine_key``, so
that its door asks no neighbour. A key taken back is refused here as soon as the event has come.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.bus.handler import Reaction
from shared.contracts.alerts import MachineKeyIssued, MachineKeysRevoked, MachineRegistered
from shared.kernel.event import Cause, Event, Recorded
from shared.kernel.principal import Role
from shared.store.database import Transaction
from shared.web import machine_keys
from shared.web.machine_keys import MachineKey


async def registered(tx: Transaction, recorded: Recorded[MachineRegistered], _cause: Cause) -> None:
    """A machine and its first key."""
    event = recorded.event
    if event.secret_hash is None:
        return
    key = MachineKey(
        id=event.key_id,
        machine_id=str(event.machine_id),
        label=event.kind,
        secret_hash=bytes.fromhex(event.secret_hash),
        roles=frozenset({Role(event.kind)}),
        division=event.division,
        feeds=frozenset(event.feeds),
        issued_by=recorded.metadata.actor,
        created_at=recorded.recorded_at,
        expires_at=event.expires_at,
    )
    await machine_keys.store(tx.raw, key)


async def issued(tx: Transaction, recorded: Recorded[MachineKeyIssued], _cause: Cause) -> None:
    """Another key; the ones before it end after the overlap."""
    event = recorded.event
    known = await machine_keys.of_machine(tx.raw, str(event.machine_id))
    if event.former_end_at is not None:
        await machine_keys.end(tx.raw, event.former, event.former_end_at)
    if event.secret_hash is None or not known:
        return
    key = replace(
        known[0],
        id=event.key_id,
        secret_hash=bytes.fromhex(event.secret_hash),
        issued_by=recorded.metadata.actor,
        created_at=recorded.recorded_at,
        expires_at=event.expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    await machine_keys.store(tx.raw, key)


async def revoked(tx: Transaction, recorded: Recorded[MachineKeysRevoked], _cause: Cause) -> None:
    """Keys open nothing any more."""
    await machine_keys.revoke(tx.raw, recorded.event.key_ids, recorded.recorded_at)


MACHINES: Mapping[type[Event], Reaction] = {
    MachineRegistered: registered,
    MachineKeyIssued: issued,
    MachineKeysRevoked: revoked,
}
"""To be handled beside a service's own reactions."""
