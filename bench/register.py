"""A county's file of households, beside the same households registered one by one.

``python -m bench.register``: the same registrations, eight at a time and each a transaction of its
own, and 250 to a transaction, as the import does it; in one process beside its PostgreSQL.
"""

import argparse
import asyncio
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.numbers import number_of
from bench.rounds import Round, alternated, run, table
from bench.server import shipped
from services.identification.domain.register_commands import RegisterHousehold
from services.identification.handlers import application
from services.identification.schema import SCHEMA
from shared.kernel.clock import SystemClock
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.policy.divisions import Divisions
from shared.store.application import Application, Receipt
from shared.store.database import Database
from shared.store.idempotency import IdempotencyKey
from shared.store.many import Many, Wish
from shared.testing.databases import service_database
from shared.vault.blind_index import BlindIndex
from shared.vault.ciphers import CipherName
from shared.vault.keyring import KeyRing
from shared.vault.master_key import FileMasterKey
from shared.vault.vault import Vault

ALONE, TOGETHER = "household by household, eight at a time", "250 to a transaction"
VILLAGE = "370114101200"
_CLERK = Principal("person:county-officer", frozenset({Role.OFFICER}), "370114")
_BLOCK = 250
_people = count()


def wishes(households: int) -> list[Wish]:
    """Registrations of people whom nobody has registered."""
    return [Wish(_registration(), _key()) for _ in range(households)]


def alone(service: Application, households: int) -> Round:
    """Each by itself."""

    async def work() -> int:
        gate = asyncio.Semaphore(8)

        async def one(wish: Wish) -> None:
            async with gate:
                cause = Cause(new_id(), new_id())
                await service.execute(wish.command, _CLERK, cause, key=wish.key)

        await asyncio.gather(*map(one, wishes(households)))
        return households

    return work


def together(service: Application, households: int) -> Round:
    """As a file's."""

    async def work() -> int:
        many = Many(service, _CLERK, Cause(new_id(), new_id()))
        waiting = iter(wishes(households))
        while some := list(islice(waiting, _BLOCK)):
            answers = await many.execute(some)
            assert all(isinstance(answer, Receipt) for answer in answers), answers
        return households

    return work


def _registration() -> RegisterHousehold:
    relations = ("HEAD", "SPOUSE", "CHILD")
    members = [
        {
            "name": "某某",
            "document_number": number_of(next(_people)),
            "relation": relation,
            "labour": "ORDINARY",
        }
        for relation in relations
    ]
    home = dict.fromkeys(("division", "hukou_place", "residence"), VILLAGE)
    return RegisterHousehold.model_validate(
        {**home, "history": "ORDINARY", "address": "某村1号", "members": members}
    )


def _key() -> IdempotencyKey:
    return IdempotencyKey(_CLERK.subject, "POST /households/import", new_id().hex, b"")


async def main(households: int, rounds: int) -> None:
    """Measure both and print."""
    vault = Vault(FileMasterKey(KeyRing.new(CipherName.AES_256_GCM.value)))
    index, divisions = BlindIndex(KeyRing.new("HMAC-SHA-256")), Divisions.load()
    with TemporaryDirectory(ignore_cleanup_errors=True) as at, shipped(Path(at)) as server:
        async with service_database(server, SCHEMA) as urls:
            database = Database(urls.writer, clock=SystemClock())
            service = application(database, vault=vault, index=index, divisions=divisions)
            rates = await alternated(
                {ALONE: alone(service, households), TOGETHER: together(service, households)},
                rounds,
            )
            await database.close()
    table("a county's file of households", rates, ALONE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    run(main(given.households, given.rounds))
