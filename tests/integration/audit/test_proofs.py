"""Proofs as they are asked for: at every place, under what was signed, each reading kept once."""

from uuid import UUID

import asyncpg
import pytest

from services.audit.domain.tlogproof import TlogProof
from services.audit.log import reader
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.keys import KeyVerifier
from services.audit.log.reader import NoSuchLog
from services.audit.read_models.access import Reading
from services.audit.read_models.proofs import Proved, Prover
from services.audit.read_models.trail import NoSuchEntry
from shared.kernel.principal import Principal, Role
from shared.store.database import Database
from shared.testing.databases import Urls, run
from shared.testing.decider import rule
from tests.integration.audit.support import NAME, Stopped, append, entry, history

ORIGIN = NAME.origin(2026)
EVENTS = history(20, 40)


async def asked(prover: Prover, index: int, division: str = "37") -> Proved:
    who = Principal("person:i-1", frozenset({Role.INSPECTOR}), division)
    reading = Reading(who, "GET /entries/{index}/proof", {"index": index}, "request-1")
    return await prover.proved(None, index, reading, Stopped().now())


async def written_down(database: Database) -> list[tuple[str, list[UUID], list[UUID]]]:
    async with database.reading() as tx:
        rows = await tx.raw.fetch(
            "select query::text, events, keys from audit.access_read order by read_id"
        )
    return [tuple(row) for row in rows]


async def test_every_entry_is_proved_at_every_size_and_its_reading_kept(
    database: Database, writer: LogWriter, publisher: Publisher, verifier: KeyVerifier
) -> None:
    prover = Prover(database)
    for signed, size in ((1, 2), (255, 256), (257, 300), (512, 513), (700, 800)):
        async with database.reading() as tx:
            before = (await reader.log(tx.raw)).size if signed > 1 else 0
        await append(database, writer, EVENTS[before:signed])
        await publisher.publish()
        await append(database, writer, EVENTS[signed:size])
        for index in {0, signed // 2, signed - 1}:
            found = await asked(prover, index)
            assert found.proof is not None
            assert found.proof.verify(found.leaf, [verifier], ORIGIN).size == signed
            assert TlogProof.parse(found.proof.render()) == found.proof
            query, events, keys = (await written_down(database))[-1]
            assert query == f'{{"log": "{ORIGIN}", "index": {index}}}'
            assert (events, keys) == ([EVENTS[index].event_id], [EVENTS[index].key])


@rule("R1")
async def test_what_is_not_answered_is_not_written_down_as_read(
    database: Database, writer: LogWriter, publisher: Publisher
) -> None:
    prover = Prover(database)
    with pytest.raises(NoSuchLog):
        await asked(prover, 0)
    await append(database, writer, [entry(1, 1)])
    unsigned = await asked(prover, 0)
    await publisher.publish()
    for index, division in ((1, "37"), (0, "370202")):
        with pytest.raises(NoSuchEntry):
            await asked(prover, index, division)
    assert (unsigned.index, unsigned.proof, await written_down(database)) == (0, None, [])


_REFUSE_AT_COMMIT = """
create function audit.refuse() returns trigger language plpgsql as $$
begin raise exception 'the disk is full' using errcode = 'disk_full'; end $$;
create constraint trigger refused after insert on audit.access_read
    deferrable initially deferred for each row execute function audit.refuse();
"""


async def test_a_reading_that_cannot_be_committed_gets_no_answer(
    database: Database, writer: LogWriter, publisher: Publisher, urls: Urls
) -> None:
    await append(database, writer, [entry(1, 1)])
    await publisher.publish()
    await run(urls.superuser, _REFUSE_AT_COMMIT)
    with pytest.raises(asyncpg.DiskFullError):
        await asked(Prover(database), 0)
    assert await written_down(database) == []
