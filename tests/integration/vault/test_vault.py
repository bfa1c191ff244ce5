"""The vault on a real PostgreSQL: what it keeps, shows, refuses and forgets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden, NotFound
from shared.policy.purposes import Purpose
from shared.store.database import Database, Transaction
from shared.store.drift import drift
from shared.vault.ciphers import CipherName, Tampered
from shared.vault.keyring import KeyRing
from shared.vault.master_key import FileMasterKey, UnknownMasterKey
from shared.vault.vault import Destroyed, Entry, Misplaced, Revealed, Vault
from tests.integration.vault.conftest import AT, SCHEMA, Urls

OFFICER = Principal("person:town-officer", frozenset({Role.OFFICER}), "370114101")
INSPECTOR = Principal("person:inspector", frozenset({Role.INSPECTOR}), "37")
DATA: dict[str, Any] = {
    "name": "张三丰",
    "document_number": "370114199001011234",
    "phone": "13812341234",
    "account": "6222021234567890123",
    "address": "山东省济南市章丘区垛庄镇蒲秋村12号",
    "health": "慢性病",
    "spouse": None,
}
MASKED = {
    "name": "张**",
    "document_number": "3701**********1234",
    "phone": "138****1234",
    "account": "***0123",
    "address": "山东省济南市章丘区***",
    "health": "***",
    "spouse": None,
}


def member(owner: UUID, **changes: Any) -> Entry:
    return Entry(owner, new_id(), "member", DATA | changes)


async def put(database: Database, vault: Vault, *entries: Entry) -> None:
    async with database.transaction() as tx:
        await vault.put(tx.raw, entries, at=AT)


class GivenUp(Exception):
    """Rolls a transaction back."""


@asynccontextmanager
async def rolled_back(database: Database) -> AsyncIterator[Transaction]:
    with suppress(GivenUp):
        async with database.transaction() as tx:
            yield tx
            raise GivenUp


async def revealed(
    database: Database,
    vault: Vault,
    entry: Entry,
    *,
    fields: tuple[str, ...] = ("name", "phone"),
    principal: Principal = OFFICER,
    purpose: Purpose = Purpose.CONTACT,
    owner: UUID | None = None,
) -> Revealed:
    async with database.transaction() as tx:
        return await vault.reveal(
            tx.raw,
            owner or entry.owner,
            [entry.id],
            fields=fields,
            purpose=purpose,
            principal=principal,
            correlation_id=UUID(int=7),
            at=AT,
        )


async def masked(database: Database, vault: Vault, *entries: Entry) -> dict[UUID, Any]:
    async with database.reading() as tx:
        return dict(await vault.masked(tx.raw, [entry.id for entry in entries]))


async def table(urls: Urls, query: str, *values: Any) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(urls.superuser)
    try:
        return [tuple(row) for row in await connection.fetch(query, *values)]
    finally:
        await connection.close()


async def test_the_migrated_tables_are_the_ones_in_the_code(urls: Urls) -> None:
    assert await drift(urls.superuser, SCHEMA) == []


async def test_everybody_sees_masks(database: Database, vault: Vault) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    assert await masked(database, vault, entry) == {entry.id: MASKED}


async def test_nothing_readable_is_stored(database: Database, vault: Vault, urls: Urls) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    [(row,)] = await table(urls, "select r::text || k::text from vault.record r, vault.data_key k")
    stored = bytes.fromhex("".join(row.split("\\x")[2].split(",")[0].split('"')[0]))
    for value in ("张三丰", "370114199001011234", "13812341234"):
        assert value not in row
        assert value.encode() not in stored


async def test_a_changed_record_is_written_over(database: Database, vault: Vault) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    changed = Entry(entry.owner, entry.id, "member", {"name": "李四"})
    await put(database, vault, changed)
    assert await masked(database, vault, entry) == {entry.id: {"name": "李**"}}


async def test_many_of_many_households_are_put_at_once(database: Database, vault: Vault) -> None:
    owners = [new_id() for _ in range(20)]
    entries = [member(owner, name=f"王{number}") for number in range(5) for owner in owners]
    await put(database, vault, *entries)
    shown = await masked(database, vault, *entries)
    assert len(shown) == 100
    async with database.reading() as tx:
        assert len(await vault.masked_of(tx.raw, owners[0], "member")) == 5
        assert await vault.masked_of(tx.raw, owners[0], "note") == {}


async def test_putting_nothing_is_nothing(database: Database, vault: Vault) -> None:
    await put(database, vault)
    assert await masked(database, vault) == {}


async def test_a_reveal_gives_the_asked_fields_and_is_recorded(
    database: Database, vault: Vault, urls: Urls
) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    seen = await revealed(database, vault, entry)
    assert seen.data == {entry.id: {"name": "张三丰", "phone": "13812341234"}}
    assert "张三丰" not in repr(seen)
    rows = await table(urls, "select * from vault.reveal")
    assert rows == [
        (
            seen.record.id,
            AT,
            "person:town-officer",
            "370114101",
            ["officer"],
            "CONTACT",
            entry.owner,
            [entry.id],
            ["name", "phone"],
            UUID(int=7),
        )
    ]


async def test_a_reveal_that_is_rolled_back_shows_nothing_and_leaves_nothing(
    database: Database, vault: Vault, urls: Urls
) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    async with rolled_back(database) as tx:
        await vault.reveal(
            tx.raw,
            entry.owner,
            [entry.id],
            fields=["name"],
            purpose=Purpose.CONTACT,
            principal=OFFICER,
            correlation_id=new_id(),
            at=AT,
        )
    assert await table(urls, "select 1 from vault.reveal") == []


@pytest.mark.parametrize(
    ("principal", "purpose"),
    [
        (INSPECTOR, Purpose.CONTACT),
        (OFFICER, Purpose.INSPECTION),
        (Principal("person:o", frozenset({Role.OPERATOR}), "37"), Purpose.VERIFICATION),
        (Principal("person:a", frozenset({Role.ADMINISTRATOR}), "37"), Purpose.SUBJECT_REQUEST),
        (Principal("person:p", frozenset({Role.OFFICER}), "37"), Purpose.VERIFICATION),
    ],
)
async def test_a_purpose_that_is_not_the_post_s_is_refused(
    database: Database, vault: Vault, urls: Urls, principal: Principal, purpose: Purpose
) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    with pytest.raises(Forbidden):
        await revealed(database, vault, entry, principal=principal, purpose=purpose)
    assert await table(urls, "select 1 from vault.reveal") == []


async def test_another_household_s_record_is_not_found(database: Database, vault: Vault) -> None:
    entry, other = member(new_id()), member(new_id())
    await put(database, vault, entry, other)
    with pytest.raises(NotFound):
        await revealed(database, vault, entry, owner=other.owner)
    with pytest.raises(NotFound):
        await revealed(database, vault, member(entry.owner))


@pytest.mark.parametrize("column", ["ciphertext", "nonce"])
async def test_a_changed_byte_is_noticed(
    database: Database, vault: Vault, urls: Urls, column: str
) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    await table(
        urls,
        f"update vault.record set {column} = set_byte({column}, 3, get_byte({column}, 3) # 1)",
    )
    with pytest.raises(Tampered):
        await masked(database, vault, entry)


async def test_a_record_moved_to_another_id_or_household_does_not_open(
    database: Database, vault: Vault, urls: Urls
) -> None:
    entry, other = member(new_id()), member(new_id())
    await put(database, vault, entry, other)
    swap = (
        "update vault.record r set ciphertext = o.ciphertext, nonce = o.nonce"
        " from vault.record o where r.id = $1 and o.id = $2"
    )
    await table(urls, swap, entry.id, other.id)
    with pytest.raises(Tampered):
        await masked(database, vault, entry)
    await table(urls, "update vault.record set kind = 'note' where id = $1", other.id)
    with pytest.raises(Tampered):
        await masked(database, vault, other)


async def test_a_key_moved_to_another_household_does_not_unwrap(
    database: Database, vault: Vault, ring: KeyRing, cipher: CipherName, urls: Urls
) -> None:
    entry, other = member(new_id()), member(new_id())
    await put(database, vault, entry, other)
    await table(
        urls,
        "update vault.data_key k set wrapped = o.wrapped from vault.data_key o"
        " where k.owner = $1 and o.owner = $2",
        entry.owner,
        other.owner,
    )
    with pytest.raises(Tampered):
        await masked(database, Vault(FileMasterKey(ring), cipher=cipher), entry)


async def test_an_id_never_changes_its_household_or_kind(database: Database, vault: Vault) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    for taken in (
        Entry(new_id(), entry.id, "member", {}),
        Entry(entry.owner, entry.id, "note", {}),
    ):
        with pytest.raises(Misplaced):
            await put(database, vault, taken)
    assert await masked(database, vault, entry) == {entry.id: MASKED}


async def test_a_shredded_household_is_unreadable_and_stays_so(
    database: Database, vault: Vault, urls: Urls
) -> None:
    entry, other = member(new_id()), member(new_id())
    await put(database, vault, entry, other)
    assert (await masked(database, vault, entry))[entry.id] is not None
    for _ in range(2):
        async with database.transaction() as tx:
            await vault.shred(tx.raw, entry.owner, at=AT)
    assert await masked(database, vault, entry, other) == {entry.id: None, other.id: MASKED}
    with pytest.raises(Destroyed) as refused:
        await revealed(database, vault, entry)
    assert (refused.value.status, refused.value.code) == (410, "personal-data-destroyed")
    with pytest.raises(Destroyed):
        await put(database, vault, member(entry.owner))
    assert await table(
        urls, "select wrapped, shredded_at from vault.data_key where owner = $1", entry.owner
    ) == [(None, AT)]


async def test_a_shredding_that_is_rolled_back_has_not_happened(
    database: Database, vault: Vault
) -> None:
    entry = member(new_id())
    await put(database, vault, entry)
    async with rolled_back(database) as tx:
        await vault.shred(tx.raw, entry.owner, at=AT)
    assert await masked(database, vault, entry) == {entry.id: MASKED}


async def test_shredding_somebody_unknown_is_refused(database: Database, vault: Vault) -> None:
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await vault.shred(tx.raw, new_id(), at=AT)


async def test_a_key_made_in_a_rolled_back_transaction_is_never_used_again(
    database: Database, vault: Vault, ring: KeyRing, cipher: CipherName
) -> None:
    owner = new_id()
    async with rolled_back(database) as tx:
        await vault.put(tx.raw, [member(owner)], at=AT)
    entry = member(owner)
    await put(database, vault, entry)
    fresh = Vault(FileMasterKey(ring), cipher=cipher)
    assert await masked(database, fresh, entry) == {entry.id: MASKED}


async def test_two_at_once_share_one_key(
    database: Database, vault: Vault, ring: KeyRing, cipher: CipherName
) -> None:
    owner = new_id()
    entries = [member(owner) for _ in range(8)]
    await asyncio.gather(*(put(database, vault, entry) for entry in entries))
    fresh = Vault(FileMasterKey(ring), cipher=cipher)
    assert await masked(database, fresh, *entries) == dict.fromkeys(
        [entry.id for entry in entries], MASKED
    )


async def test_the_master_key_rotates_without_a_pause(
    database: Database, ring: KeyRing, cipher: CipherName, tmp_path: Path, urls: Urls
) -> None:
    path = tmp_path / "master.json"
    path.touch(mode=0o600)
    path.write_bytes(ring.content)
    entries = [member(new_id()) for _ in range(7)]
    before = Vault(FileMasterKey(ring), cipher=cipher)
    await put(database, before, *entries)

    rotated = KeyRing.load(path).rotated(path)
    during = Vault(FileMasterKey(KeyRing.load(path)), cipher=cipher)
    late = member(entries[0].owner)
    await put(database, during, late, member(new_id()))
    done = []
    while not done or done[-1]:
        async with database.transaction() as tx:
            done.append(await during.rewrap(tx.raw, limit=3))
    assert done == [3, 3, 1, 0]
    assert await table(urls, "select distinct master_key_id from vault.data_key") == [("2",)]

    rotated.without(path, "1")
    after = Vault(FileMasterKey(KeyRing.load(path)), cipher=cipher)
    shown = await masked(database, after, *entries, late)
    assert list(shown.values()) == [MASKED] * 8
    with pytest.raises(UnknownMasterKey):
        await masked(database, Vault(FileMasterKey(ring), cipher=cipher), *entries)


async def test_both_ciphers_live_side_by_side(database: Database) -> None:
    ring = KeyRing.new("AES-256-GCM")
    old, new = member(new_id()), member(new_id())
    await put(database, Vault(FileMasterKey(ring)), old)
    after = Vault(FileMasterKey(ring), cipher=CipherName.SM4_GCM)
    await put(database, after, new, member(old.owner))
    assert await masked(database, after, old, new) == {old.id: MASKED, new.id: MASKED}


@pytest.mark.parametrize(
    "statement",
    [
        "delete from vault.data_key",
        "delete from vault.record",
        "update vault.reveal set actor = 'somebody else'",
        "delete from vault.reveal",
        "truncate vault.reveal",
        "delete from access.machine_key",
        "alter table vault.record disable trigger all",
    ],
)
async def test_the_service_s_role_can_do_no_more_than_it_needs(urls: Urls, statement: str) -> None:
    connection = await asyncpg.connect(urls.writer)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_reader_sees_reveals_and_no_ciphertext(urls: Urls) -> None:
    connection = await asyncpg.connect(urls.reader)
    try:
        assert await connection.fetch("select * from vault.reveal") == []
        for hidden in ("vault.record", "vault.data_key", "access.machine_key"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select 1 from {hidden}")
    finally:
        await connection.close()
