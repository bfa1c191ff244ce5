"""Many commands at once, each the beginning of a stream of its own: a file of households.

The same decisions, events and rows as one by one, in one transaction and by some ten statements.
Whoever is refused is refused alone. What another request did in between (the same key, the same
person) undoes the whole block, which is then carried out one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import sqlalchemy.exc

from shared.kernel.event import Cause, Command
from shared.kernel.principal import Principal
from shared.kernel.refusal import Refusal
from shared.store import event_store, idempotency
from shared.store.application import Application, Receipt, must_be_allowed
from shared.store.bulk import Begun
from shared.store.call import Call
from shared.store.database import Transaction
from shared.store.idempotency import AlreadyAnswered, IdempotencyKey
from shared.store.outage import is_contention


@dataclass(frozen=True)
class Wish:
    """A command, and the key under which its answer is remembered."""

    command: Command
    key: IdempotencyKey


class _TakenBack(Exception):
    """Ends a trial."""


@dataclass(frozen=True)
class Many:
    """Commands of one kind, all by one caller for one cause.

    ``trial``: what they would be answered; nothing is kept, and no former answer is given.
    """

    application: Application
    principal: Principal
    cause: Cause
    trial: bool = False

    async def execute(self, wishes: Sequence[Wish]) -> list[Receipt | Refusal]:
        """Carry them out and answer each, in their order; a receipt names the stream alone.

        Raises ``Forbidden`` when the caller may not wish such a thing at all.
        """
        if not wishes:
            return []
        must_be_allowed(wishes[0].command, self.principal)
        try:
            return await self._together(wishes)
        except (event_store.ConcurrentAppend, AlreadyAnswered):
            pass
        except (asyncpg.PostgresError, sqlalchemy.exc.DBAPIError) as error:
            if not is_contention(error):
                raise
        return [await self._alone(wish) for wish in wishes]

    async def _together(self, wishes: Sequence[Wish]) -> list[Receipt | Refusal]:
        answers: list[Receipt | Refusal] = []
        recorded: list[Any] = []
        try:
            async with self.application.database.transaction() as tx:
                call = Call(self.application, tx, self.principal, self.cause)
                answers = await self._answered(tx, call, wishes)
                recorded = call.recorded
                if self.trial:
                    raise _TakenBack
        except _TakenBack:
            return answers
        self.application.appended(recorded)
        return answers

    async def _answered(
        self, tx: Transaction, call: Call, wishes: Sequence[Wish]
    ) -> list[Receipt | Refusal]:
        keys = [] if self.trial else [wish.key for wish in wishes]
        known = await idempotency.find_many(tx.raw, keys)
        new = [wish for wish in wishes if wish.key.digest not in known]
        made = await self._begun(tx, call, new)
        return [
            _replayed(known[digest]) if (digest := wish.key.digest) in known else made[digest]
            for wish in wishes
        ]

    async def _begun(
        self, tx: Transaction, call: Call, wishes: Sequence[Wish]
    ) -> dict[str, Receipt | Refusal]:
        begun = Begun()
        begin = self.application.beginners[type(wishes[0].command)] if wishes else None
        ids = await begin([wish.command for wish in wishes], call, begun) if begin else []
        made = {
            wish.key.digest: id_ if isinstance(id_, Refusal) else Receipt({"id": str(id_)})
            for wish, id_ in zip(wishes, ids, strict=True)
        }
        if begun.events:
            await call.begin_many(begun)
        kept = [
            (wish.key, answer.body)
            for wish in wishes
            if isinstance(answer := made[wish.key.digest], Receipt)
        ]
        if kept and not self.trial:
            await idempotency.remember_many(tx.raw, kept)
        return made

    async def _alone(self, wish: Wish) -> Receipt | Refusal:
        try:
            if self.trial:
                return await self._tried(wish.command)
            return await self.application.execute(
                wish.command, self.principal, self.cause, key=wish.key
            )
        except Refusal as refusal:
            return refusal

    async def _tried(self, command: Command) -> Receipt:
        try:
            async with self.application.database.transaction() as tx:
                await self.application.execute_in(tx, command, self.principal, self.cause)
                raise _TakenBack
        except _TakenBack:
            return Receipt({})


def _replayed(answer: dict[str, Any] | Refusal) -> Receipt | Refusal:
    return answer if isinstance(answer, Refusal) else Receipt(answer, replayed=True)
