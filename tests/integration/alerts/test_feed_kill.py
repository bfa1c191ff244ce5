"""A process that compares a file is killed in the middle of a block: no row is lost or doubled."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import psutil

from services.alerts.domain.alert_content import alert_key
from shared.testing.decider import rule
from tests.integration.alerts.conftest import Desk
from tests.integration.alerts.test_feeds import FEED, PROVINCE, fates, file, line

ROWS = 350
_SOMEBODY_WAITS = """
select exists (select from pg_locks where locktype = 'transactionid' and not granted
                  and transactionid = pg_current_xact_id()::xid)
"""


@asynccontextmanager
async def stuck_at(desk: Desk, own_id: str) -> AsyncIterator[asyncpg.Connection]:
    """Whoever keeps that row waits until this is over: it may turn out to be kept already."""
    stream = UUID(bytes=alert_key("medical-insurance", own_id, {}, b""))
    other = await asyncpg.connect(desk.url)
    try:
        async with other.transaction():
            await other.execute(
                "insert into feeds.row (alert_id, content, fate) values ($1, 0, 'UNMATCHED')",
                stream,
            )
            yield other
            raise _NothingHappened
    except _NothingHappened:
        return
    finally:
        await other.close()


class _NothingHappened(Exception):
    """Rolls the transaction back."""


async def killed(desk: Desk, keys: Path, at: str) -> None:
    """Let a process compare until it is stuck at a row in the middle of a block, and kill it."""
    async with stuck_at(desk, at) as watch:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.alerts.comparing", desk.url, str(keys)
        )
        try:
            while not await watch.fetchval(_SOMEBODY_WAITS):
                assert process.returncode is None, "it ended before it was killed"
                await asyncio.sleep(0.02)
            reading = psutil.Process(process.pid).children(recursive=True)
            assert reading, "rows are read in a process of their own"
        finally:
            process.kill()
            await process.wait()
        _, alive = await asyncio.to_thread(psutil.wait_procs, reading, 60)
        assert not alive, "what read for it ends with it"


@rule("R42")
async def test_killed_in_the_middle_of_a_block_every_row_has_its_one_fate(
    desk: Desk, tmp_path: Path
) -> None:
    below = "5500"
    content = file(*[line(n, amount=below if n % 5 else "20000") for n in range(ROWS)])
    sent = await desk.send("/feed-files/medical-insurance", content, FEED)
    await killed(desk, tmp_path, "YB-253")
    path = f"/feed-files/{sent.json()['id']}"
    halfway = (await desk.get(path, PROVINCE)).json()
    assert (halfway["status"], halfway["rows"], halfway["last_row"]) == ("COMPARING", 200, 201)
    assert halfway["fates"] == fates(below_threshold=160, unmatched=40)
    assert len(await desk.events("RiskReported")) == 40

    answer = await desk.compared(sent)

    assert answer["fates"] == fates(below_threshold=280, unmatched=70)
    rows = [
        orjson.loads(text)
        for text in (await desk.get(f"{path}/rows.jsonl", PROVINCE)).content.splitlines()
    ]
    assert [row["n"] for row in rows] == list(range(2, ROWS + 2))
    reported = [item["alert_id"] for item in await desk.events("RiskReported")]
    assert len(reported) == len(set(reported)) == 70
    assert [item["block"] for item in await desk.events("FeedCompared")] == [1, 2, 3]
    async with desk.app.database.reading() as tx:
        assert await tx.raw.fetchval("select count(*) from feeds.part") == 0
        assert await tx.raw.fetchval("select count(*) from matching.waiting") == 70
