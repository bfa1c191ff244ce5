"""Keys for machines: ``dxk_<id>_<secret>``. Only a hash of the secret is kept.

The secret has 256 random bits, so a plain SHA-256 is enough: there is nothing to guess, and a slow
hash would only slow down the feed. A machine has one key or, while it changes over, two; whichever
it shows, it is the same caller. A key has roles, one division, and the feeds it may post to.
"""

import hmac
import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol

import asyncpg

from shared.kernel.bounded import BoundedCache
from shared.kernel.principal import MACHINE_ROLES, Principal, Role
from shared.kernel.refusal import Invalid
from shared.web.auth import MACHINE_PREFIX
from shared.web.problem import Unauthorized

REMEMBERED_FOR = 1.0
"""Seconds for which a process goes by what it read of a key: so long may one taken back serve."""
_USE_NOTED_EVERY = timedelta(minutes=1)
_USED = """
update access.machine_key set last_used_at = $2
 where id = $1 and (last_used_at is null or last_used_at < $2)
"""
_COLUMNS = (
    "id, machine_id, label, secret_hash, roles, division, feeds, issued_by, created_at,"
    " expires_at, revoked_at, last_used_at"
)


@dataclass(frozen=True)
class MachineKey:
    """A key as it is kept."""

    id: str
    machine_id: str
    """Whose key it is; the same through every rotation."""
    label: str
    """Whose machine it is, as an administrator reads it: ``省医保局结算系统``."""
    secret_hash: bytes
    roles: frozenset[Role]
    division: str
    feeds: frozenset[str]
    """The feeds it may post to; empty for a machine that posts none."""
    issued_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the minute."""

    def valid(self, now: datetime) -> bool:
        """Whether it opens anything at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def principal(self) -> Principal:
        """Who a machine with this key is."""
        return Principal(
            subject=subject_of(self.machine_id),
            roles=self.roles,
            division=self.division,
            feeds=self.feeds,
        )


class MachineKeys(Protocol):
    """Where keys are looked up."""

    async def find(self, key_id: str) -> MachineKey | None:
        """The key of that id."""
        ...

    async def used(self, key_id: str, at: datetime) -> None:
        """Note that the key was used."""
        ...


class Connected(Protocol):
    """An open connection: the store's ``Transaction`` is one."""

    @property
    def raw(self) -> "asyncpg.Connection[Any]":
        """The driver's connection."""
        ...


class TableMachineKeys:
    """Keys in the table ``access.machine_key`` of a service's database.

    ``reading`` opens a connection: ``Database.reading``.
    """

    def __init__(self, reading: Callable[[], AbstractAsyncContextManager[Connected]]) -> None:
        self._reading = reading

    async def find(self, key_id: str) -> MachineKey | None:
        """The key of that id."""
        async with self._reading() as tx:
            return await find(tx.raw, key_id)

    async def used(self, key_id: str, at: datetime) -> None:
        """Note that the key was used."""
        async with self._reading() as tx:
            await tx.raw.execute(_USED, key_id, at)


class MachineKeyVerifier:
    """Verifies machine keys. One taken back serves for ``REMEMBERED_FOR`` at the longest."""

    def __init__(
        self,
        keys: MachineKeys,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        remembered_for: float = REMEMBERED_FOR,
    ) -> None:
        self._keys, self._now = keys, now
        self._known: BoundedCache[str, MachineKey] = BoundedCache(size=1024, ttl=remembered_for)

    async def verify(self, credential: str) -> Principal:
        """The machine. Raises ``Unauthorized``: one answer for unknown, wrong and ended keys."""
        key_id, secret = parse(credential)
        key = self._known.get(key_id)
        remembered = key is not None
        if key is None:
            key = await self._keys.find(key_id)
        # An unknown id costs the same comparison, so that time does not tell which ids exist.
        kept = key.secret_hash if key else bytes(32)
        if not hmac.compare_digest(hash_of(secret), kept) or key is None:
            raise _refused()
        now = self._now()
        if not key.valid(now):
            raise _refused()
        if not remembered:
            await self._note(key, now)
            self._known.put(key_id, key)
        return key.principal

    async def _note(self, key: MachineKey, now: datetime) -> None:
        """Note the use of a key, once a minute: the way to the door stays a read."""
        if key.last_used_at is None or now - key.last_used_at >= _USE_NOTED_EVERY:
            await self._keys.used(key.id, now)


def parse(credential: str) -> tuple[str, str]:
    """Id and secret of ``dxk_<id>_<secret>``. Raises ``Unauthorized``."""
    key_id, _, secret = credential.removeprefix(MACHINE_PREFIX).partition("_")
    if not key_id.isalnum() or not key_id.isascii() or not secret:
        raise _refused()
    return key_id, secret


def hash_of(secret: str) -> bytes:
    """The 32 bytes that are kept of a secret."""
    return sha256(secret.encode()).digest()


def new_key(
    *,
    machine_id: str,
    label: str,
    roles: frozenset[Role],
    division: str,
    feeds: frozenset[str],
    issued_by: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[MachineKey, str]:
    """A new key and its credential, which is shown once and kept nowhere.

    Raises ``Invalid`` for a role that machines cannot have.
    """
    if not roles or not roles <= MACHINE_ROLES:
        raise Invalid(
            code="machine-key-role",
            zh="机器密钥只能授予热线、部门数据推送或申报平台角色",
            en="a machine key can only be a hotline's, a feed's or a portal's",
            field="roles",
        )
    key_id, secret = new_secret()
    key = MachineKey(
        id=key_id,
        machine_id=machine_id,
        label=label,
        secret_hash=hash_of(secret),
        roles=roles,
        division=division,
        feeds=feeds,
        issued_by=issued_by,
        created_at=now,
        expires_at=expires_at,
    )
    return key, credential_of(key_id, secret)


def new_secret() -> tuple[str, str]:
    """A new key's id (64 bits) and its secret (256 bits)."""
    return secrets.token_hex(8), secrets.token_urlsafe(32)


def subject_of(machine_id: str) -> str:
    """The pseudonym of a machine in events and logs."""
    return f"machine:{machine_id}"


def credential_of(key_id: str, secret: str) -> str:
    """What a machine sends."""
    return f"{MACHINE_PREFIX}{key_id}_{secret}"


async def find(connection: "asyncpg.Connection[Any]", key_id: str) -> MachineKey | None:
    """The key of that id, valid or not."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from access.machine_key where id = $1",  # noqa: S608 - constant columns
        key_id,
    )
    return None if row is None else _key(row)


async def of_machine(connection: "asyncpg.Connection[Any]", machine_id: str) -> list[MachineKey]:
    """A machine's keys, the latest first."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from access.machine_key where machine_id = $1"  # noqa: S608
        " order by created_at desc, id",
        machine_id,
    )
    return [_key(row) for row in rows]


async def within(connection: "asyncpg.Connection[Any]", division: str) -> list[MachineKey]:
    """All keys of a division's subtree (``""``: of the nation), machine by machine."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from access.machine_key"  # noqa: S608 - constant columns
        " where starts_with(division, $1) order by label, machine_id, created_at desc, id",
        division,
    )
    return [_key(row) for row in rows]


async def store(connection: "asyncpg.Connection[Any]", key: MachineKey) -> None:
    """Keep a new key. Storing the very same key again changes nothing."""
    await connection.execute(
        f"insert into access.machine_key ({_COLUMNS})"  # noqa: S608 - constant columns
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (id) do nothing",
        key.id,
        key.machine_id,
        key.label,
        key.secret_hash,
        sorted(key.roles),
        key.division,
        sorted(key.feeds),
        key.issued_by,
        key.created_at,
        key.expires_at,
        key.revoked_at,
        key.last_used_at,
    )


async def end(connection: "asyncpg.Connection[Any]", keys: Sequence[str], at: datetime) -> None:
    """Let keys end at ``at``, or when they would have if that is earlier."""
    await connection.execute(
        "update access.machine_key set expires_at = least(coalesce(expires_at, $2), $2)"
        " where id = any($1)",
        keys,
        at,
    )


async def revoke(
    connection: "asyncpg.Connection[Any]", keys: Collection[str], now: datetime
) -> None:
    """End keys at once; one taken back already stays as it is."""
    await connection.execute(
        "update access.machine_key set revoked_at = $2 where id = any($1) and revoked_at is null",
        list(keys),
        now,
    )


def _key(row: Any) -> MachineKey:
    return MachineKey(
        **{
            **row,
            "roles": frozenset(Role(name) for name in row["roles"]),
            "feeds": frozenset(row["feeds"]),
        }
    )


def _refused() -> Unauthorized:
    return Unauthorized("machine-key", "机器密钥无效或已停用", "the machine key is not valid")
