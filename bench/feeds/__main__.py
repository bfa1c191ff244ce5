"""A department's file of a million rows, beside COPY of the same rows into one plain table.

``python -m bench.feeds``: the file is read, checked, measured, recognised and kept; rows that may
be over a threshold are matched against two million indexed people, and leads are recorded;
meanwhile single alerts are posted. COPY takes the same file into a table without an index, before
and after. What the file holds: rows of every town of a province, three stays in hospital for each
year's sum; 85 of 100 are about registered people, 96 lie below everybody's threshold, 2.5 above it,
the others between; one in 200 is damaged, one in 200 repeats another.
"""

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from hashlib import md5, sha256
from multiprocessing import active_children
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

import asyncpg
import psutil

from bench.numbers import number_of
from bench.results import Row, at_most, keep
from bench.rounds import run
from bench.server import shipped
from services.alerts.domain.commands import ReceiveAlert
from services.alerts.domain.feed import USUAL
from services.alerts.domain.feed_commands import ReceiveFeed
from services.alerts.domain.feed_file import file_id
from services.alerts.feed_work import FeedWorker
from services.alerts.handlers import Tools, application
from services.alerts.read_models import feed_parts
from services.alerts.schema import SCHEMA
from shared.kernel.clock import SystemClock
from shared.kernel.division import Level
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.policy.divisions import Divisions
from shared.store.application import Application
from shared.store.database import Database
from shared.testing.databases import Urls, service_database
from shared.vault.documents import parse_document
from shared.vault.settings import VaultSettings, create_missing_keys, open_vault
from shared.web.outbound import Guard, OutboundSettings
from shared.web.settings import Mode

FEED = "medical-insurance"
SENDER = Principal("feed:bench", frozenset({Role.FEED}), "37", frozenset({FEED}))
HEADER = "编号,预警类型,日期,期间,金额,行政区划代码,姓名,证件号码\n"
TIMES, MEGABYTES = 6.0, 500.0
_PLAIN = """
create table plain (id text, type text, day date, period text, amount numeric, division text,
                    name text, number text)
"""


_TOWNS = [
    place.code
    for place in Divisions.load()
    if place.level is Level.TOWN and place.code.startswith(SENDER.division)
]
_KINDS = (
    ("MEDICAL_STAY", (10_000, 600_001, 1_000_001, 9_000_000)),
    ("MEDICAL_YEAR", (10_000, 500_000, 2_000_000, 9_000_000)),
)
"""Each with 分: below everybody's threshold, between, above; ``context.md`` has the thresholds."""


def lines(rows: int, people: int) -> Iterator[str]:
    """The file's rows; the same in every run."""
    chance = random.Random(1)
    line = ""
    for n in range(rows):
        kind, bounds = _KINDS[n % 4 == 3]
        lot = chance.random()
        which = 0 if lot < 0.96 else 1 if lot < 0.975 else 2
        fen = chance.randrange(bounds[which], bounds[which + 1])
        person = chance.randrange(people * 100 // 85)
        number = number_of(person)
        if n % 200 == 7:
            number = number[:-1]
        if n % 200 != 57:
            town = _TOWNS[person % len(_TOWNS)]
            line = (
                f"YB-2026-10-{n:08d},{kind},2026-10-{1 + n % 28:02d},2026-10,"
                f"{fen // 100}.{fen % 100:02d},{town},王秀{person % 500},{number}\n"
            )
        yield line


@dataclass
class Bench:
    """What all measure on."""

    urls: Urls
    rows: int
    people: int
    file: BinaryIO
    single: list[float] = field(default_factory=list)
    """Seconds that each single alert took meanwhile."""
    most: float = 0.0
    """Megabytes that both processes held, at most."""

    async def copied(self) -> float:
        """COPY of the same rows."""
        raw = await asyncpg.connect(self.urls.superuser)
        await raw.execute("drop table if exists plain")
        await raw.execute(_PLAIN)
        self.file.seek(0)
        began = time.perf_counter()
        await raw.copy_to_table("plain", source=self.file, format="csv", header=True)
        taken = time.perf_counter() - began
        assert await raw.fetchval("select count(*) from plain") == self.rows
        await raw.execute("drop table plain")
        await raw.close()
        return taken

    async def seed(self, tools: Tools) -> None:
        """Two million people in households of three; some formerly poor, some monitored."""
        raw = await asyncpg.connect(self.urls.superuser)
        await raw.copy_records_to_table(
            "household",
            schema_name="matching",
            records=(
                (
                    _household(n),
                    "370114001001",
                    "ORDINARY" if n % 10 else "FORMERLY_POOR",
                    False,
                    n % 100 == 1,
                )
                for n in range(self.people // 3 + 1)
            ),
        )
        await raw.copy_records_to_table(
            "token",
            schema_name="matching",
            records=(
                (
                    tools.index.identity(parse_document(number_of(n))),
                    _household(n // 3),
                    UUID(int=n),
                )
                for n in range(self.people)
            ),
        )
        await raw.execute("vacuum analyze matching.household")
        await raw.execute("vacuum analyze matching.token")
        await raw.close()

    async def take_in(self, app: Application, tools: Tools) -> float:
        """As the door does with what was uploaded."""
        began = time.perf_counter()
        self.file.seek(0)
        digest = sha256(self.file.read()).hexdigest()
        size = self.file.tell()
        made = ReceiveFeed(
            file_id=file_id(FEED, digest, 0),
            feed=FEED,
            sha256=digest,
            size=size,
            mapping=USUAL,
            mapping_number=0,
            received_at=SystemClock().now(),
        )
        async with app.database.transaction() as tx:
            await app.execute_in(tx, made, SENDER, Cause(new_id(), new_id()))
            await feed_parts.put(tx.raw, tools.vault, made.file_id, self._parts(), tx.clock)
        return time.perf_counter() - began

    async def _parts(self) -> AsyncIterator[bytes]:
        self.file.seek(0)
        while part := self.file.read(1 << 20):
            yield part

    async def compared(self, app: Application, tools: Tools) -> float:
        """The file, from its first block to its last event; single alerts meanwhile."""
        worker = FeedWorker(app, tools)
        beside = [
            asyncio.create_task(self._post(app)),
            asyncio.create_task(self._watch()),
        ]
        began = time.perf_counter()
        assert await worker.once()
        taken = time.perf_counter() - began
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        worker.close()
        return taken

    async def _post(self, app: Application) -> None:
        for n in range(1_000_000):
            command = ReceiveAlert.model_validate(
                {
                    "feed": FEED,
                    "external_id": f"SINGLE-{n}",
                    "type": "MEDICAL_STAY",
                    "happened_on": "2026-10-01",
                    "amount": 2_000_000,
                    "division": "370114001",
                    "person": {"name": "王", "document_number": number_of(n)},
                }
            )
            began = time.perf_counter()
            await app.execute(command, SENDER, Cause(new_id(), new_id()))
            self.single.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)

    async def _watch(self) -> None:
        """This process and the one that reads; going through all there are would take its time."""
        me = psutil.Process()
        while True:
            held = me.memory_info().rss
            for child in active_children():
                try:
                    held += psutil.Process(child.pid).memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.most = max(self.most, held / 1e6)
            await asyncio.sleep(0.2)


async def main(rows: int, people: int) -> None:
    """Measure and print."""
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as at,
        TemporaryFile() as file,
    ):
        file.write(HEADER.encode())
        for line in lines(rows, people):
            file.write(line.encode())
        with shipped(Path(at) / "server") as server:
            async with service_database(server, SCHEMA) as urls:
                await _measure(Bench(urls, rows, people, cast(BinaryIO, file)), Path(at))


async def _measure(bench: Bench, place: Path) -> None:
    settings = VaultSettings(
        master_key_file=place / "master.json", index_key_file=place / "index.json"
    )
    create_missing_keys(settings)
    vault, index = open_vault(settings)
    tools = Tools(vault, index, Divisions.load(), Guard(Mode.DEMO, OutboundSettings()))
    database = Database(bench.urls.writer, clock=SystemClock())
    app = application(database, tools)
    await bench.seed(tools)
    copies = [await bench.copied() for _ in range(2)]
    stored = await bench.take_in(app, tools)
    taken = await bench.compared(app, tools)
    copies.append(await bench.copied())
    async with database.reading() as tx:
        kept = await tx.raw.fetchrow("select * from feed_file")
        leads = await tx.raw.fetchval("select count(*) from lead")
    assert kept is not None
    assert kept["rows"] == bench.rows, dict(kept)
    await database.close()
    _tell(bench, copies, stored, taken, f"{leads:,} leads")


def _tell(bench: Bench, copies: list[float], stored: float, taken: float, leads: str) -> None:
    copy = sorted(copies)[1]
    ratios = sorted(taken / item for item in copies)
    title = f"{bench.rows:,} rows, {bench.people:,} people, {leads}"
    print(f"\n{title}\n  COPY {copy:.2f} s, stored in {stored:.2f} s, compared in {taken:.2f} s")
    keep(
        Row(
            title=title,
            work="a department's file compared",
            compared="COPY of the same rows into a plain table",
            measured=f"{taken:.1f} s beside {copy:.2f} s",
            figure=round(taken / copy, 2),
            spread=(round(ratios[0], 2), round(ratios[-1], 2)),
            reach=f"≤ {TIMES:g} ×",
            met=taken / copy <= TIMES,
        )
    )
    at_most(title, "memory of both processes meanwhile", "MB", [bench.most], MEGABYTES)
    single = sorted(bench.single)
    tail = single[int(len(single) * 0.99)] if single else 0.0
    print(f"  {len(single)} single alerts: median {single[len(single) // 2] * 1e3:.0f} ms,"
          f" p99 {tail * 1e3:.0f} ms")  # fmt: skip


def _household(n: int) -> UUID:
    return UUID(bytes=md5(b"%d" % n, usedforsecurity=False).digest())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=2_000_000)
    given = parser.parse_args()
    run(main(given.rows, given.people))
