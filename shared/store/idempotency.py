"""``Idempotency-Key``: one effect and one answer, however often a request is sent.

The record is written in the command's own transaction, as its last statement. Two at once: one
commits, the other meets the unique key, rolls back whole, and gives the first one's answer.

How long an answer is remembered goes by the database's own clock: a caller repeats in real time,
however far a demo's calendar was moved meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import orjson

from shared.kernel.refusal import Refusal
from shared.store.writing import Clause, Writes

PRIMARY_KEY = "idempotency_pkey"
_REMEMBER = (
    "insert into es.idempotency (principal, route, key, fingerprint, receipt, created_at)"
    " values ($1, $2, $3, $4, $5::json, now())"
)

_REMEMBER_MANY = """
insert into es.idempotency (principal, route, key, fingerprint, receipt, created_at)
select p, r, k, f, a::json, now()
  from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[]) as u(p, r, k, f, a)
"""


@dataclass(frozen=True)
class IdempotencyKey:
    """A caller's key, in the scope of that caller and that route."""

    principal: str
    route: str
    """Method and path template: ``POST /cases/{case_id}/approval``."""
    key: str
    fingerprint: bytes
    """SHA-256 of the method, path, query and body: the same key must mean the same request."""

    @property
    def digest(self) -> str:
        """What is kept of the caller's key: callers put what they like into one."""
        return sha256(self.key.encode()).hexdigest()


class KeyReused(Refusal):
    """The key was used before for a different request; nothing was done."""

    status = 422

    def __init__(self) -> None:
        super().__init__(
            code="idempotency-key-reused",
            zh="该幂等键已用于另一请求,本次未办理",
            en="this idempotency key was used for another request; nothing was done",
            field="Idempotency-Key",
        )


class AlreadyAnswered(Exception):
    """Another request with the same key committed first; its answer stands."""


async def find(connection: "asyncpg.Connection[Any]", key: IdempotencyKey) -> dict[str, Any] | None:
    """The stored answer, or ``None``. Raises ``KeyReused`` when the fingerprint differs."""
    row = await connection.fetchrow(
        "select fingerprint, receipt::text as receipt from es.idempotency"
        " where principal = $1 and route = $2 and key = $3",
        key.principal,
        key.route,
        key.digest,
    )
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise KeyReused
    answer: dict[str, Any] = orjson.loads(row["receipt"])
    return answer


async def find_many(
    connection: "asyncpg.Connection[Any]", keys: Sequence[IdempotencyKey]
) -> dict[str, dict[str, Any] | KeyReused]:
    """The stored answers by digest, for keys of one caller and route; none for new ones."""
    if not keys:
        return {}
    wanted = {key.digest: key.fingerprint for key in keys}
    rows = await connection.fetch(
        "select key, fingerprint, receipt::text as receipt from es.idempotency"
        " where principal = $1 and route = $2 and key = any($3::text[])",
        keys[0].principal,
        keys[0].route,
        list(wanted),
    )
    return {
        row["key"]: orjson.loads(row["receipt"])
        if row["fingerprint"] == wanted[row["key"]]
        else KeyReused()
        for row in rows
    }


def clause(key: IdempotencyKey, receipt: dict[str, Any]) -> Clause:
    """The insert that remembers the answer. It violates ``PRIMARY_KEY`` when there is one."""
    return Clause(
        _REMEMBER,
        (
            key.principal,
            key.route,
            key.digest,
            key.fingerprint,
            orjson.dumps(receipt).decode(),
        ),
    )


async def remember(
    connection: "asyncpg.Connection[Any]",
    key: IdempotencyKey,
    receipt: dict[str, Any],
) -> None:
    """Write the answer. Raises ``AlreadyAnswered`` when another request was first."""
    try:
        await Writes([clause(key, receipt)]).run(connection)
    except asyncpg.UniqueViolationError as error:
        raise AlreadyAnswered from error


async def remember_many(
    connection: "asyncpg.Connection[Any]",
    answers: Sequence[tuple[IdempotencyKey, dict[str, Any]]],
) -> None:
    """Write many answers. Raises ``AlreadyAnswered`` when another request was first with one."""
    rows = [
        (key.principal, key.route, key.digest, key.fingerprint, orjson.dumps(receipt).decode())
        for key, receipt in answers
    ]
    try:
        await connection.execute(_REMEMBER_MANY, *([row[n] for row in rows] for n in range(5)))
    except asyncpg.UniqueViolationError as error:
        raise AlreadyAnswered from error


async def forget(connection: "asyncpg.Connection[Any]", older_than: timedelta) -> int:
    """Delete the answers given longer ago than that: a caller repeats within hours. How many."""
    done: str = await connection.execute(
        "delete from es.idempotency where created_at < now() - $1::interval", older_than
    )
    return int(done.rsplit(maxsplit=1)[-1])
