"""Machine keys in a real table: looked up by id, ended, and when they were last used."""

from datetime import UTC, datetime, timedelta

import pytest

from dixian.people import MACHINES
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Invalid
from shared.store.database import Database
from shared.web.machine_keys import (
    REMEMBERED_FOR,
    MachineKey,
    MachineKeyVerifier,
    TableMachineKeys,
    end,
    find,
    new_key,
    revoke,
    store,
)
from shared.web.problem import Unauthorized

NOW = datetime(2023, 8, 1, 2, 0, tzinfo=UTC)


class Clock:
    """The verifier's time, in the test's hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def verifier_of(database: Database, clock: Clock) -> MachineKeyVerifier:
    """A verifier that remembers nothing yet."""
    return MachineKeyVerifier(TableMachineKeys(database.reading), now=clock)


async def issued(database: Database, **changes: datetime) -> tuple[MachineKey, str]:
    key, credential = new_key(
        machine_id="settlement",
        label="省医保局结算系统",
        roles=frozenset({Role.FEED}),
        division="37",
        feeds=frozenset({"medical-insurance"}),
        issued_by="person:administrator",
        now=NOW,
        **changes,
    )
    async with database.transaction() as tx:
        await store(tx.raw, key)
    return key, credential


async def test_a_key_proves_a_machine(database: Database, clock: Clock) -> None:
    _, credential = await issued(database)
    verifier = verifier_of(database, clock)
    for _ in range(2):
        assert await verifier.verify(credential) == Principal(
            "machine:settlement",
            frozenset({Role.FEED}),
            "37",
            frozenset({"medical-insurance"}),
        )


async def test_the_table_holds_the_key_and_not_its_secret(database: Database) -> None:
    key, credential = await issued(database, expires_at=NOW + timedelta(days=90))
    async with database.reading() as tx:
        assert await find(tx.raw, key.id) == key
        row = await tx.raw.fetchval("select m::text from access.machine_key m")
    assert credential.rsplit("_", 1)[1] not in row


@pytest.mark.parametrize(
    "change",
    [
        lambda credential: credential[:-1] + ("A" if credential[-1] != "A" else "B"),
        lambda credential: credential + "x",
        lambda credential: "dxk_0123456789abcdef_" + credential.split("_", 2)[2],
        lambda credential: "dxk_" + credential.split("_")[1],
        lambda _credential: "dxk_",
        lambda _credential: "dxk_号_x",
        lambda _credential: "dxk_';drop--_x",
    ],
)
async def test_anything_else_proves_nothing(
    database: Database, clock: Clock, change: object
) -> None:
    _, credential = await issued(database)
    with pytest.raises(Unauthorized) as refused:
        await verifier_of(database, clock).verify(change(credential))  # type: ignore[operator]
    assert refused.value.code == "machine-key"


async def test_a_key_ends_on_its_day_even_when_remembered(database: Database, clock: Clock) -> None:
    _, credential = await issued(database, expires_at=NOW + timedelta(seconds=5))
    verifier = verifier_of(database, clock)
    await verifier.verify(credential)
    clock.now += timedelta(seconds=5)
    with pytest.raises(Unauthorized):
        await verifier.verify(credential)


async def test_a_revoked_key_is_refused(database: Database, clock: Clock) -> None:
    key, credential = await issued(database)
    for day in range(2):
        async with database.transaction() as tx:
            await revoke(tx.raw, [key.id], NOW + timedelta(days=day))
    with pytest.raises(Unauthorized):
        await verifier_of(database, clock).verify(credential)
    async with database.reading() as tx:
        found = await find(tx.raw, key.id)
    assert found is not None
    assert found.revoked_at == NOW


async def test_another_process_notices_within_a_second(database: Database, clock: Clock) -> None:
    """It goes by what it read for ``REMEMBERED_FOR``: here for no time at all."""
    assert REMEMBERED_FOR <= 1
    key, credential = await issued(database)
    keys = TableMachineKeys(database.reading)
    elsewhere = MachineKeyVerifier(keys, now=clock, remembered_for=0)
    await elsewhere.verify(credential)
    async with database.transaction() as tx:
        await revoke(tx.raw, [key.id], NOW)
    with pytest.raises(Unauthorized):
        await elsewhere.verify(credential)


async def test_ending_a_key_never_lengthens_its_life(database: Database) -> None:
    ends = NOW + timedelta(hours=1)
    short, _ = await issued(database, expires_at=ends)
    lasting, _ = await issued(database)
    async with database.transaction() as tx:
        await end(tx.raw, [short.id, lasting.id], NOW + timedelta(days=1))
        found = [await find(tx.raw, key.id) for key in (short, lasting)]
    assert [key and key.expires_at for key in found] == [ends, NOW + timedelta(days=1)]


async def test_the_last_use_is_known_to_the_minute(database: Database, clock: Clock) -> None:
    key, credential = await issued(database)
    verifier = MachineKeyVerifier(TableMachineKeys(database.reading), now=clock, remembered_for=0)
    seen = []
    for seconds in (0, 59, 61):
        clock.now = NOW + timedelta(seconds=seconds)
        await verifier.verify(credential)
        async with database.reading() as tx:
            found = await find(tx.raw, key.id)
        assert found is not None
        seen.append(found.last_used_at)
    assert seen == [NOW, NOW, NOW + timedelta(seconds=61)]


async def test_a_wrong_secret_is_no_use_of_the_key(database: Database, clock: Clock) -> None:
    key, credential = await issued(database)
    with pytest.raises(Unauthorized):
        await verifier_of(database, clock).verify(credential + "x")
    async with database.reading() as tx:
        found = await find(tx.raw, key.id)
    assert found is not None
    assert found.last_used_at is None


@pytest.mark.parametrize("roles", [set(), {Role.OFFICER}, {Role.FEED, Role.SYSTEM}])
def test_a_machine_gets_a_machine_s_role(roles: set[Role]) -> None:
    with pytest.raises(Invalid) as refused:
        new_key(
            machine_id="x",
            label="x",
            roles=frozenset(roles),
            division="37",
            feeds=frozenset(),
            issued_by="x",
            now=NOW,
        )
    assert refused.value.code == "machine-key-role"


async def test_the_demo_s_keys_are_always_the_same(database: Database, clock: Clock) -> None:
    for _ in range(2):
        async with database.transaction() as tx:
            for machine in MACHINES:
                await store(tx.raw, machine.key)
    verifier = verifier_of(database, clock)
    subjects = {(await verifier.verify(machine.credential)).subject for machine in MACHINES}
    assert subjects == {f"machine:{machine.machine_id}" for machine in MACHINES}
