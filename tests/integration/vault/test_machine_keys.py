"""Machine keys in a real table: issued once, looked up by id, rotated, ended."""

from datetime import UTC, datetime, timedelta

import pytest

from dixian.people import MACHINES
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Invalid, NotFound
from shared.store.database import Database
from shared.web.machine_keys import (
    MachineKey,
    MachineKeyVerifier,
    TableMachineKeys,
    find,
    new_key,
    revoke,
    rotate,
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
    key, credential = await issued(database)
    verifier = verifier_of(database, clock)
    for _ in range(2):
        assert await verifier.verify(credential) == Principal(
            f"machine:{key.id}",
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
            await revoke(tx.raw, key.id, NOW + timedelta(days=day))
    with pytest.raises(Unauthorized):
        await verifier_of(database, clock).verify(credential)
    async with database.reading() as tx:
        found = await find(tx.raw, key.id)
    assert found is not None
    assert found.revoked_at == NOW


async def test_a_successor_has_the_same_rights_and_both_serve_for_a_while(
    database: Database, clock: Clock
) -> None:
    old, former = await issued(database)
    async with database.transaction() as tx:
        new, credential = await rotate(
            tx.raw, old.id, issued_by="person:other", now=NOW, overlap=timedelta(days=1)
        )
    assert (new.replaces, new.roles, new.division, new.feeds, new.label) == (
        old.id,
        old.roles,
        old.division,
        old.feeds,
        old.label,
    )
    verifier = verifier_of(database, clock)
    assert (await verifier.verify(former)).subject == f"machine:{old.id}"
    clock.now += timedelta(days=1)
    fresh = verifier_of(database, clock)
    assert (await fresh.verify(credential)).subject == f"machine:{new.id}"
    with pytest.raises(Unauthorized):
        await fresh.verify(former)


async def test_a_rotation_never_lengthens_a_key_s_life(database: Database) -> None:
    ends = NOW + timedelta(hours=1)
    old, _ = await issued(database, expires_at=ends)
    async with database.transaction() as tx:
        await rotate(tx.raw, old.id, issued_by="person:other", now=NOW)
        found = await find(tx.raw, old.id)
    assert found is not None
    assert found.expires_at == ends


async def test_what_does_not_exist_or_has_ended_cannot_be_rotated_or_revoked(
    database: Database,
) -> None:
    key, _ = await issued(database)
    async with database.transaction() as tx:
        await revoke(tx.raw, key.id, NOW)
    for act in (
        lambda raw: revoke(raw, "0123456789abcdef", NOW),
        lambda raw: rotate(raw, "0123456789abcdef", issued_by="x", now=NOW),
        lambda raw: rotate(raw, key.id, issued_by="x", now=NOW),
    ):
        with pytest.raises(NotFound):
            async with database.transaction() as tx:
                await act(tx.raw)


@pytest.mark.parametrize("roles", [set(), {Role.OFFICER}, {Role.FEED, Role.SYSTEM}])
def test_a_machine_gets_a_machine_s_role(roles: set[Role]) -> None:
    with pytest.raises(Invalid) as refused:
        new_key(
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
    assert subjects == {f"machine:{machine.key.id}" for machine in MACHINES}
