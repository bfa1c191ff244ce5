"""A machine that the alerts service lets in is known to a neighbour, and shut out there too."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from services.identification.schema import SCHEMA
from shared.contracts.alerts import (
    MachineKeyIssued,
    MachineKeysRevoked,
    MachineKind,
    MachineRegistered,
)
from shared.kernel.clock import SystemClock
from shared.kernel.event import Cause, Event
from shared.kernel.ids import new_id
from shared.kernel.principal import Role
from shared.service.known_machines import MACHINES
from shared.store.database import Database
from shared.testing.builders import recorded
from shared.web.machine_keys import (
    MachineKeyVerifier,
    TableMachineKeys,
    credential_of,
    hash_of,
    new_secret,
)
from shared.web.problem import Unauthorized
from tests.conftest import NewDatabase

MACHINE = new_id()
NOW = datetime.now(UTC)


class Neighbour:
    """A service that hears of machines, and its door."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, NOW
        keys = TableMachineKeys(database.reading)
        self.door = MachineKeyVerifier(keys, now=lambda: self.now, remembered_for=0)

    async def hears(self, event: Event) -> None:
        async with self.database.transaction() as tx:
            await MACHINES[type(event)](tx, recorded(event), Cause(new_id(), new_id()))

    async def refuses(self, credential: str) -> bool:
        try:
            await self.door.verify(credential)
        except Unauthorized:
            return True
        return False


@pytest.fixture
async def neighbour(new_database: NewDatabase) -> AsyncIterator[Neighbour]:
    database = Database((await new_database(SCHEMA)).writer, clock=SystemClock())
    yield Neighbour(database)
    await database.close()


def registered(key_id: str, secret: str) -> MachineRegistered:
    return MachineRegistered(
        machine_id=MACHINE,
        kind=MachineKind.FEED,
        division="370114",
        feeds=("civil-affairs",),
        key_id=key_id,
        secret_hash=hash_of(secret).hex(),
    )


async def test_a_registered_machine_is_let_in(neighbour: Neighbour) -> None:
    key = new_secret()
    await neighbour.hears(registered(*key))
    await neighbour.hears(registered(*key))
    machine = await neighbour.door.verify(credential_of(*key))
    assert (machine.subject, machine.roles) == (f"machine:{MACHINE}", frozenset({Role.FEED}))
    assert (machine.division, machine.feeds) == ("370114", frozenset({"civil-affairs"}))


async def test_a_rotation_serves_both_keys_until_the_overlap_ends(neighbour: Neighbour) -> None:
    first, second = new_secret(), new_secret()
    await neighbour.hears(registered(*first))
    await neighbour.hears(
        MachineKeyIssued(
            machine_id=MACHINE,
            key_id=second[0],
            secret_hash=hash_of(second[1]).hex(),
            former=(first[0],),
            former_end_at=NOW + timedelta(hours=1),
        )
    )
    one = await neighbour.door.verify(credential_of(*first))
    assert await neighbour.door.verify(credential_of(*second)) == one
    neighbour.now = NOW + timedelta(hours=1)
    assert await neighbour.refuses(credential_of(*first))
    assert not await neighbour.refuses(credential_of(*second))


async def test_a_key_taken_back_opens_nothing_here_either(neighbour: Neighbour) -> None:
    key = new_secret()
    await neighbour.hears(registered(*key))
    await neighbour.hears(MachineKeysRevoked(machine_id=MACHINE, key_ids=(key[0],)))
    assert await neighbour.refuses(credential_of(*key))


async def test_a_key_whose_hash_was_not_told_is_unknown(neighbour: Neighbour) -> None:
    """Recorded before other services asked: such a machine is let in anew."""
    key = new_secret()
    event = registered(*key).model_copy(update={"secret_hash": None})
    await neighbour.hears(event)
    assert await neighbour.refuses(credential_of(*key))
