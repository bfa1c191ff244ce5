"""``dixian rotate``: new keys under running services, and an end of the former ones.

A rotation only adds a key; the services' workers take it from there, while requests go on. A former
key is removed by ``retire`` alone, and only when the databases say that nothing needs it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from dixian.errors import CannotStart
from dixian.keys import Keys
from dixian.provision import SERVICES
from dixian.settings import DatabaseSettings
from shared.bus.connection import closed, connector
from shared.vault.hsm import Device
from shared.vault.keyring import KeyRing
from shared.vault.settings import VaultSettings, device

MASTER, INDEX = "master.key", "index.key"
_WRAPPED = """
select master_key_id as key, count(*) as n from vault.data_key
 where wrapped is not null group by 1 order by 1
"""
_INDEXED = """
select ('x' || left(token, 2))::bit(8)::int::text as key, count(distinct stream_id) as n
  from rm.household_token group by 1 order by 1
"""
_WAITING = """
select get_byte(token, 0)::text as key, count(distinct lead_id) as n
  from matching.waiting group by 1 order by 1
"""
_LACKING = """
select count(distinct stream_id) from rm.household_token o where not exists (
    select from rm.household_token n where n.stream_id = o.stream_id
       and n.member_id = o.member_id and left(n.token, 2) = lpad(to_hex($1::int), 2, '0'))
"""
_LACKING_LEADS = """
select count(*) from (select from matching.waiting group by lead_id
                      having bool_and(get_byte(token, 0) <> $1)) as lacking
"""


@dataclass(frozen=True)
class Use:
    """How much one service has under one key."""

    service: str
    what: str
    key: str
    count: int


def rotate_master(keys: Keys, settings: VaultSettings | None, console: Console) -> None:
    """Make a new master key, in the HSM where one holds it. Raises ``CannotStart``."""
    held = _held(settings)
    made = keys.rotate(MASTER) if held is None else held.rotate()
    console.print(f"Master key {made} wraps from now on; the workers wrap the rest anew.")


def rotate_index(keys: Keys, console: Console) -> None:
    """Make a new key of the blind index."""
    made = keys.rotate(INDEX)
    console.print(f"Index key {made} is in use beside the former one; the workers index anew.")


async def status(console: Console) -> None:
    """Show what stands under which key."""
    table = Table("service", "what", "key", "count")
    for use in await _uses():
        table.add_row(use.service, use.what, use.key, f"{use.count:,}")
    console.print(table)


async def retire(name: str, keys: Keys, settings: VaultSettings | None, console: Console) -> None:
    """Remove the former keys of ``master`` or ``index``. Raises ``CannotStart`` while needed."""
    if name == "index":
        await _nothing_lacks_the_index_key(keys.ring(INDEX))
        gone = keys.retire(INDEX)
    else:
        gone = await _retire_master(keys, settings)
    console.print(f"Gone: {', '.join(gone)}." if gone else "There is no former key.")


async def _retire_master(keys: Keys, settings: VaultSettings | None) -> list[str]:
    wrapped = {use.key for use in await _uses() if use.what == "data keys"}
    held = _held(settings)
    if held is not None:
        held.read()
        former = held.ids[:-1]
        _must_not_be_needed(wrapped & set(former))
        for key_id in former:
            held.retire(key_id)
        return former
    ring = keys.ring(MASTER)
    _must_not_be_needed(wrapped - {ring.current})
    return keys.retire(MASTER)


def _held(settings: VaultSettings | None) -> Device | None:
    """The device that holds the master key, where one does."""
    if settings is None or settings.pkcs11_module is None:
        return None
    return device(settings)


def _must_not_be_needed(still: set[str]) -> None:
    if still:
        raise CannotStart(
            f"Data is still wrapped by {', '.join(sorted(still))}: wait for the workers "
            "(`dixian rotate status`)."
        )


async def _nothing_lacks_the_index_key(ring: KeyRing) -> None:
    version = int(ring.current)
    households = await _value("identification", _LACKING, version)
    leads = await _value("alerts", _LACKING_LEADS, version)
    if households or leads:
        raise CannotStart(
            f"{households:,} households and {leads:,} waiting leads are not indexed by key "
            f"{version} yet: wait for the workers (`dixian rotate status`)."
        )


async def _uses() -> list[Use]:
    asked: list[tuple[str, str, str]] = [(name, "data keys", _WRAPPED) for name in SERVICES]
    asked += [
        ("identification", "indexed households", _INDEXED),
        ("alerts", "waiting leads", _WAITING),
    ]
    found: list[Use] = []
    for service, what, query in asked:
        rows: list[Mapping[str, Any]] = await _rows(service, query)
        found += [Use(service, what, row["key"], row["n"]) for row in rows]
    return found


async def _value(service: str, query: str, version: int) -> int:
    [row] = await _rows(service, query, version)
    return int(row[0])


async def _rows(service: str, query: str, *values: Any) -> list[Any]:
    connection = await connector(DatabaseSettings().owner(service))()
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await closed(connection)


def run_status(console: Console) -> None:
    """``status``, from a command."""
    _run(status(console))


def run_retire(name: str, keys: Keys, settings: VaultSettings | None, console: Console) -> None:
    """``retire``, from a command."""
    _run(retire(name, keys, settings, console))


def vault_settings() -> VaultSettings | None:
    """The vault's, where this process has any: an HSM is named by them."""
    try:
        return VaultSettings()
    except ValueError:
        return None


def _run(work: Any) -> None:
    try:
        asyncio.run(work)
    except (OSError, asyncpg.PostgresError) as error:
        raise CannotStart(f"A database does not answer: {type(error).__name__}") from error
