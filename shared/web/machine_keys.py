"""Keys for machines: ``dxk_<id>_<secret>``. Only a hash of the secret is kept.

The secret has 256 random bits, so a plain SHA-256 is enough: there is nothing to guess, and a slow
hash would only slow down the feed. A key has roles, one division, and the feeds it may post to.
"""

import hmac
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from shared.kernel.bounded import BoundedCache
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Invalid, NotFound
from shared.web.auth import MACHINE_PREFIX
from shared.web.problem import Unauthorized

MACHINE_ROLES = frozenset({Role.HOTLINE, Role.FEED})
"""The only roles a machine key can have."""

metadata = sa.MetaData(schema="access")
machine_key = sa.Table(
    "machine_key",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("feeds", ARRAY(sa.Text), nullable=False),
    sa.Column("issued_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Column("replaces", sa.Text),
)

_REMEMBERED_FOR = 10.0
_COLUMNS = (
    "id, label, secret_hash, roles, division, feeds, issued_by, created_at, expires_at,"
    " revoked_at, replaces"
)


@dataclass(frozen=True)
class MachineKey:
    """A key as it is kept."""

    id: str
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
    replaces: str | None = None

    def valid(self, now: datetime) -> bool:
        """Whether it opens anything at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def principal(self) -> Principal:
        """Who a machine with this key is."""
        return Principal(
            subject=f"machine:{self.id}",
            roles=self.roles,
            division=self.division,
            feeds=self.feeds,
        )


class MachineKeys(Protocol):
    """Where keys are looked up."""

    async def find(self, key_id: str) -> MachineKey | None:
        """The key of that id."""
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


class MachineKeyVerifier:
    """Verifies machine keys. A key taken back stays good for at most ten seconds."""

    def __init__(
        self, keys: MachineKeys, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._keys, self._now = keys, now
        self._known: BoundedCache[str, MachineKey] = BoundedCache(size=1024, ttl=_REMEMBERED_FOR)

    async def verify(self, credential: str) -> Principal:
        """The machine. Raises ``Unauthorized``: one answer for unknown, wrong and ended keys."""
        key_id, secret = parse(credential)
        key = self._known.get(key_id)
        if key is None:
            key = await self._keys.find(key_id)
        # An unknown id costs the same comparison, so that time does not tell which ids exist.
        kept = key.secret_hash if key else bytes(32)
        if not hmac.compare_digest(hash_of(secret), kept) or key is None:
            raise _refused()
        if not key.valid(self._now()):
            raise _refused()
        self._known.put(key_id, key)
        return key.principal


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
            zh="机器密钥只能授予热线或部门数据推送角色",
            en="a machine key can only be a hotline's or a feed's",
            field="roles",
        )
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    key = MachineKey(
        key_id, label, hash_of(secret), roles, division, feeds, issued_by, now, expires_at
    )
    return key, credential_of(key_id, secret)


def credential_of(key_id: str, secret: str) -> str:
    """What a machine sends."""
    return f"{MACHINE_PREFIX}{key_id}_{secret}"


async def find(connection: "asyncpg.Connection[Any]", key_id: str) -> MachineKey | None:
    """The key of that id, valid or not."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from access.machine_key where id = $1",  # noqa: S608 - constant columns
        key_id,
    )
    if row is None:
        return None
    return MachineKey(
        **{
            **row,
            "roles": frozenset(Role(name) for name in row["roles"]),
            "feeds": frozenset(row["feeds"]),
        }
    )


async def store(connection: "asyncpg.Connection[Any]", key: MachineKey) -> None:
    """Keep a new key. Storing the very same key again changes nothing."""
    await connection.execute(
        f"insert into access.machine_key ({_COLUMNS})"  # noqa: S608 - constant columns
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing",
        key.id,
        key.label,
        key.secret_hash,
        sorted(key.roles),
        key.division,
        sorted(key.feeds),
        key.issued_by,
        key.created_at,
        key.expires_at,
        key.revoked_at,
        key.replaces,
    )


async def revoke(connection: "asyncpg.Connection[Any]", key_id: str, now: datetime) -> None:
    """End a key at once. Raises ``NotFound``; a key already ended stays as it is."""
    if await find(connection, key_id) is None:
        raise NotFound("机器密钥", "machine key")
    await connection.execute(
        "update access.machine_key set revoked_at = $2 where id = $1 and revoked_at is null",
        key_id,
        now,
    )


async def rotate(
    connection: "asyncpg.Connection[Any]",
    key_id: str,
    *,
    issued_by: str,
    now: datetime,
    overlap: timedelta = timedelta(days=7),
) -> tuple[MachineKey, str]:
    """A successor with the same rights; the old key ends after ``overlap``, or when it would have.

    Raises ``NotFound`` for a key that does not exist or is no longer valid.
    """
    old = await find(connection, key_id)
    if old is None or not old.valid(now):
        raise NotFound("机器密钥", "machine key")
    made, credential = new_key(
        label=old.label,
        roles=old.roles,
        division=old.division,
        feeds=old.feeds,
        issued_by=issued_by,
        now=now,
    )
    await connection.execute(
        "update access.machine_key set expires_at = least(coalesce(expires_at, $2), $2)"
        " where id = $1",
        key_id,
        now + overlap,
    )
    successor = replace(made, replaces=old.id)
    await store(connection, successor)
    return successor, credential


def _refused() -> Unauthorized:
    return Unauthorized("machine-key", "机器密钥无效或已停用", "the machine key is not valid")
