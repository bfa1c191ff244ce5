"""The vault: puts, shows masked, reveals for a purpose, shreds; all in the caller's transaction.

Each owner (a household, an order's caller) has a data key of its own, wrapped by the master key. A
record is sealed under its owner's key and bound to its owner, kind and id.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from shared.kernel.bounded import BoundedCache
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.kernel.refusal import Forbidden, NotFound
from shared.vault import statements
from shared.vault.ciphers import (
    NONCE_BYTES,
    CipherName,
    Sealer,
    must_be_available,
    new_key,
    new_nonce,
    sealer,
)
from shared.vault.masking import MASKS, Mask, masked
from shared.vault.master_key import MasterKey, Wrapped
from shared.vault.purposes import ALLOWED, Purpose
from shared.vault.records import Destroyed, Entry, Misplaced, Reveal, Revealed

_PLACE = b"dixian/record/1/"
_FILE = "file"
_KEYS_KEPT = 4096
_KEPT_FOR = 300.0

SECRET = "secret"  # noqa: S105 - the name of a kind
"""The kind of what the service itself needs in full: a webhook's address and signing secrets."""

Connection: TypeAlias = "asyncpg.Connection[Any]"


@dataclass(frozen=True)
class _Sealed:
    id: UUID
    owner: UUID
    kind: str
    nonce: bytes
    ciphertext: bytes
    wrapped: Wrapped | None
    cipher: CipherName

    @property
    def place(self) -> bytes:
        return _place(self.owner, self.id, self.kind)


class Vault:
    """One service's vault. ``connection`` is the transaction's (``tx.raw``) in every method.

    Unwrapped keys are remembered by their wrapped form, which is read from the database each time:
    a key that was rolled back, rewrapped or shredded is therefore never used by mistake.
    """

    def __init__(
        self,
        master: MasterKey,
        *,
        cipher: CipherName = CipherName.AES_256_GCM,
        masks: Mapping[str, Mask] = MASKS,
    ) -> None:
        must_be_available(cipher)
        self._master, self._cipher, self._masks = master, cipher, masks
        self._known: BoundedCache[Wrapped, Sealer] = BoundedCache(size=_KEYS_KEPT, ttl=_KEPT_FOR)

    async def put(self, connection: Connection, entries: Iterable[Entry], *, at: datetime) -> None:
        """Write records, new or changed, any number of owners: three statements at most.

        Raises ``Destroyed`` for an owner whose key was shredded, ``Misplaced`` for an id in use
        elsewhere.
        """
        latest = {entry.id: entry for entry in entries}
        if not latest:
            return
        keys = await self._keys_for(connection, {entry.owner for entry in latest.values()}, at)
        rows = [_sealed_row(latest[id_], keys[latest[id_].owner]) for id_ in sorted(latest)]
        written = await connection.fetchval(statements.PUT, *_columns(rows), at)
        if written != len(rows):
            raise Misplaced

    async def copy(
        self,
        connection: Connection,
        copies: Mapping[UUID, UUID],
        *,
        owner: UUID,
        changes: Mapping[UUID, Mapping[str, Any]],
        at: datetime,
    ) -> None:
        """Write records again under ``owner``'s key and new ids, changed where ``changes`` says.

        ``copies`` is the new id by the former one, ``changes`` is by the former. Nobody sees a
        value, so there is no purpose and no reveal. Raises ``NotFound`` for an unknown id,
        ``Destroyed`` for a shredded key.
        """
        rows = await self._load(connection, statements.BY_ID, list(copies))
        if len(rows) != len(copies):
            raise NotFound("个人信息记录", "record of personal data")
        opened = await self._open(rows)
        entries = []
        for row in rows:
            data = opened[row.id]
            if data is None:
                raise Destroyed
            changed = {**data, **changes.get(row.id, {})}
            entries.append(Entry(owner, copies[row.id], row.kind, changed))
        await self.put(connection, entries, at=at)

    async def key_of(self, connection: Connection, owner: UUID, *, at: datetime) -> Sealer:
        """An owner's key, made where the owner is new, for what is too large to be a record.

        For a service's own work on what it was sent; what people see goes by ``masked`` and
        ``reveal``. Raises ``Destroyed``.
        """
        return (await self._keys_for(connection, {owner}, at))[owner]

    async def masked(
        self, connection: Connection, ids: Collection[UUID]
    ) -> dict[UUID, dict[str, Any] | None]:
        """The records as anybody in the division may see them; ``None`` for a shredded one.

        Ids that do not exist are absent. Needs no purpose and leaves no record.
        """
        rows = await self._load(connection, statements.BY_ID, list(ids))
        return await self._masked(rows)

    async def masked_of(
        self, connection: Connection, owner: UUID, kind: str | None = None
    ) -> dict[UUID, dict[str, Any] | None]:
        """All records of an owner, masked; of one ``kind`` where it is given."""
        rows = await self._load(connection, statements.BY_OWNER, owner, kind)
        return await self._masked(rows)

    async def says(
        self,
        connection: Connection,
        owner: UUID,
        kind: str,
        holds: Callable[[Mapping[str, Any]], bool],
    ) -> bool:
        """Whether any of an owner's records of a kind is so: a yes or a no, and no data.

        For checks that no person makes; what a person sees is a ``reveal``.
        """
        opened = await self._open(await self._load(connection, statements.BY_OWNER, owner, kind))
        return any(data is not None and holds(data) for data in opened.values())

    async def reveal(
        self,
        connection: Connection,
        owner: UUID,
        ids: Collection[UUID],
        *,
        fields: Collection[str],
        purpose: Purpose,
        principal: Principal,
        correlation_id: UUID,
        at: datetime,
    ) -> Revealed:
        """Full values of ``fields``, for a purpose; the record of it joins the transaction.

        The caller has checked that the owner lies in the principal's division. Raises ``Forbidden``
        for a purpose that is not the principal's, ``NotFound`` for an id that is not the owner's,
        ``Destroyed`` for a shredded key.
        """
        _must_be_allowed(purpose, principal)
        rows = await self._load(connection, statements.BY_ID, list(ids))
        if {row.id for row in rows} != set(ids) or any(row.owner != owner for row in rows):
            raise NotFound("个人信息记录", "record of personal data")
        opened = await self._open(rows)
        if None in opened.values():
            raise Destroyed
        record = await self.look(
            connection,
            owner,
            ids,
            fields=fields,
            purpose=purpose,
            principal=principal,
            correlation_id=correlation_id,
            at=at,
        )
        return Revealed(
            record,
            {
                id_: {name: value for name, value in (data or {}).items() if name in fields}
                for id_, data in opened.items()
            },
        )

    async def look(
        self,
        connection: Connection,
        owner: UUID,
        ids: Collection[UUID],
        *,
        fields: Collection[str],
        purpose: Purpose,
        principal: Principal,
        correlation_id: UUID,
        at: datetime,
    ) -> Reveal:
        """Record a look at what is sealed under an owner's key and lies elsewhere: a file.

        Raises ``Forbidden`` for a purpose that is not the principal's.
        """
        _must_be_allowed(purpose, principal)
        record = Reveal(
            id=new_id(),
            at=at,
            principal=principal,
            purpose=purpose,
            owner=owner,
            records=tuple(sorted(ids)),
            fields=tuple(sorted(fields)),
            correlation_id=correlation_id,
        )
        await _write(connection, record)
        return record

    async def seal(
        self, connection: Connection, owner: UUID, id_: UUID, content: bytes, *, at: datetime
    ) -> bytes:
        """A file under its owner's key, to be kept anywhere; bound to its owner and id.

        The owner's key is made where there is none. Raises ``Destroyed``.
        """
        keys = await self._keys_for(connection, {owner}, at)
        nonce = new_nonce()
        place = _place(owner, id_, _FILE)
        return nonce + await asyncio.to_thread(keys[owner].seal, nonce, content, place)

    async def unseal(self, connection: Connection, owner: UUID, id_: UUID, sealed: bytes) -> bytes:
        """The file that ``seal`` sealed. Raises ``Destroyed``, ``NotFound``, ``Tampered``."""
        found = await self._existing(connection, {owner})
        if owner not in found:
            raise NotFound("个人信息", "personal data")
        wrapped, cipher = found[owner]
        key = (await self._sealers({wrapped: cipher}))[wrapped]
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return await asyncio.to_thread(key.open, nonce, body, _place(owner, id_, _FILE))

    async def secrets(
        self, connection: Connection, ids: Collection[UUID]
    ) -> dict[UUID, dict[str, Any] | None]:
        """Full values of the service's own secrets, records of the kind ``SECRET``; no reveal.

        ``None`` for a shredded one. Raises ``Misplaced`` for a record of any other kind: personal
        data is seen in full by ``reveal`` alone.
        """
        rows = await self._load(connection, statements.BY_ID, list(ids))
        if any(row.kind != SECRET for row in rows):
            raise Misplaced
        return await self._open(rows)

    async def unseen(
        self, connection: Connection, owner: UUID, *, kind: str, field: str
    ) -> dict[UUID, str]:
        """One field of an owner's records of a kind, for a computation that nobody looks at.

        What comes of it must say nothing of a person: a token of the index. Absent values and
        shredded records are absent.
        """
        rows = await self._load(connection, statements.BY_OWNER, owner, kind)
        opened = await self._open(rows)
        return {id_: data[field] for id_, data in opened.items() if data and data.get(field)}

    async def shred(self, connection: Connection, owner: UUID, *, at: datetime) -> None:
        """Destroy an owner's key: its records are unreadable from the commit on, for ever.

        Raises ``NotFound`` for an unknown owner; shredding twice changes nothing.
        """
        row = await connection.fetchrow(statements.LOCK_KEY, owner)
        if row is None:
            raise NotFound("个人信息", "personal data")
        await connection.execute(statements.SHRED, owner, at)
        if row["wrapped"] is not None:
            self._known.forget(Wrapped(owner, row["master_key_id"], row["wrapped"]))

    async def forget(
        self, connection: Connection, owners: Collection[UUID], *, at: datetime
    ) -> None:
        """Destroy the keys of those ``owners`` that have one."""
        rows = await connection.fetch(statements.KEYS, list(owners))
        for owner in sorted(row["owner"] for row in rows):
            await self.shred(connection, owner, at=at)

    async def rewrap(self, connection: Connection, *, limit: int = 500) -> int:
        """Wrap up to ``limit`` data keys again under the current master key; return how many.

        Call it until it returns 0; then the former master key can go. Readers are not disturbed,
        and several may run at once.
        """
        await self._master.refresh()
        rows = await connection.fetch(statements.OLDER_KEYS, self._master.current_id, limit)
        if not rows:
            return 0
        old = [_wrapped(row) for row in rows]
        plain = await self._master.unwrap(old)
        made = await self._master.wrap(
            [(item.owner, key) for item, key in zip(old, plain, strict=True)]
        )
        await connection.execute(
            statements.REWRAP,
            [item.owner for item in made],
            [item.blob for item in made],
            self._master.current_id,
        )
        return len(made)

    async def _masked(self, rows: Sequence[_Sealed]) -> dict[UUID, dict[str, Any] | None]:
        return {
            id_: None if data is None else masked(data, self._masks)
            for id_, data in (await self._open(rows)).items()
        }

    async def _load(self, connection: Connection, query: str, *values: Any) -> list[_Sealed]:
        return [
            _Sealed(
                id=row["id"],
                owner=row["owner"],
                kind=row["kind"],
                nonce=row["nonce"],
                ciphertext=row["ciphertext"],
                wrapped=_wrapped(row) if row["wrapped"] is not None else None,
                cipher=CipherName(row["cipher"]),
            )
            for row in await connection.fetch(query, *values)
        ]

    async def _open(self, rows: Sequence[_Sealed]) -> dict[UUID, dict[str, Any] | None]:
        """Every row's content; ``None`` where the key is gone. Raises ``Tampered``."""
        sealers = await self._sealers({row.wrapped: row.cipher for row in rows if row.wrapped})
        opened: dict[UUID, dict[str, Any] | None] = {}
        for row in rows:
            if row.wrapped is None:
                opened[row.id] = None
                continue
            plain = sealers[row.wrapped].open(row.nonce, row.ciphertext, row.place)
            opened[row.id] = orjson.loads(plain)
        return opened

    async def _keys_for(
        self, connection: Connection, owners: set[UUID], at: datetime
    ) -> dict[UUID, Sealer]:
        """The owners' keys, made where an owner is new."""
        found = await self._existing(connection, owners)
        made: dict[UUID, Sealer] = {}
        if missing := sorted(owners - found.keys()):
            made = await self._make(connection, missing, at)
        if late := set(missing) - made.keys():  # another transaction has made one meanwhile
            found |= await self._existing(connection, late)
        sealers = await self._sealers(dict(found.values()))
        return made | {owner: sealers[wrapped] for owner, (wrapped, _) in found.items()}

    async def _existing(
        self, connection: Connection, owners: set[UUID]
    ) -> dict[UUID, tuple[Wrapped, CipherName]]:
        rows = await connection.fetch(statements.KEYS, list(owners))
        if any(row["wrapped"] is None for row in rows):
            raise Destroyed
        return {row["owner"]: (_wrapped(row), CipherName(row["cipher"])) for row in rows}

    async def _make(
        self, connection: Connection, owners: Sequence[UUID], at: datetime
    ) -> dict[UUID, Sealer]:
        """New keys, by those owners who had none."""
        plain = {owner: new_key(self._cipher) for owner in owners}
        made = await self._master.wrap(list(plain.items()))
        rows = await connection.fetch(
            statements.MAKE_KEYS,
            [item.owner for item in made],
            [item.blob for item in made],
            [item.master_key_id for item in made],
            self._cipher.value,
            at,
        )
        return {row["owner"]: sealer(self._cipher, plain[row["owner"]]) for row in rows}

    async def _sealers(self, wanted: Mapping[Wrapped, CipherName]) -> dict[Wrapped, Sealer]:
        ready = {wrapped: self._known.get(wrapped) for wrapped in wanted}
        missing = [wrapped for wrapped, known in ready.items() if known is None]
        if missing:
            for wrapped, key in zip(missing, await self._master.unwrap(missing), strict=True):
                ready[wrapped] = sealer(wanted[wrapped], key)
                self._known.put(wrapped, ready[wrapped])  # type: ignore[arg-type]  # just set
        return {wrapped: known for wrapped, known in ready.items() if known is not None}


def _must_be_allowed(purpose: Purpose, principal: Principal) -> None:
    if not ALLOWED[purpose].allows(principal):
        raise Forbidden(
            "您的岗位不能以该事由查看完整个人信息",
            "your role or level may not see personal data for this purpose",
        )


def _place(owner: UUID, id_: UUID, kind: str) -> bytes:
    return _PLACE + owner.bytes + id_.bytes + kind.encode()


def _sealed_row(entry: Entry, key: Sealer) -> tuple[UUID, UUID, str, bytes, bytes]:
    nonce = new_nonce()
    plain = orjson.dumps(dict(entry.data))
    place = _place(entry.owner, entry.id, entry.kind)
    return entry.id, entry.owner, entry.kind, nonce, key.seal(nonce, plain, place)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _wrapped(row: Mapping[str, Any]) -> Wrapped:
    return Wrapped(row["owner"], row["master_key_id"], row["wrapped"])


async def _write(connection: Connection, reveal: Reveal) -> None:
    await connection.execute(
        statements.REVEAL,
        reveal.id,
        reveal.at,
        reveal.principal.subject,
        reveal.principal.division,
        sorted(reveal.principal.roles),
        reveal.purpose.value,
        reveal.owner,
        list(reveal.records),
        list(reveal.fields),
        reveal.correlation_id,
    )


__all__ = ["Connection", "Destroyed", "Entry", "Misplaced", "Reveal", "Revealed", "Vault"]
