"""Read models made anew: the same as before, while writers go on, and after any interruption."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Refusal
from shared.store.application import Application
from shared.store.beside import CannotBeReplaced
from shared.store.drift import drift
from shared.store.rebuild import AlreadyRunning, Progress, rebuild
from shared.testing import example as ex
from shared.testing.databases import Urls
from shared.testing.databases import run as sql
from shared.testing.example import CloseErrand, NoteErrand, OpenErrand, RollBackErrand

VILLAGE = "370283101201"
OFFICER = Principal("officer-1", frozenset({Role.OFFICER}), "370283")
TABLES = ("rm.errand", "rm.errand_note", "es.deadline")


async def run(app: Application, command: Any) -> None:
    await app.execute(command, OFFICER, Cause(new_id(), new_id()))


async def history(app: Application, errands: int = 12) -> list[UUID]:
    made = [new_id() for _ in range(errands)]
    for number, errand in enumerate(made):
        await run(app, OpenErrand(errand_id=errand, household_id=new_id(), division=VILLAGE))
        for amount in range(1, 1 + number):
            await run(app, NoteErrand(errand_id=errand, amount=amount))
    await run(app, CloseErrand(errand_id=made[1]))
    await run(app, RollBackErrand(errand_id=made[-1], to_version=1))
    return made


async def again(urls: Urls, **options: Any) -> Progress:
    views = options.pop("views", ex.VIEWS)
    return await rebuild(urls.owner, "example", [ex.ERRAND], views, **options)


async def contents(urls: Urls) -> dict[str, list[str]]:
    connection = await asyncpg.connect(urls.superuser)
    try:
        return {
            table: sorted(
                str(row["line"])
                for row in await connection.fetch(f"select t::text as line from {table} as t")
            )
            for table in TABLES
        }
    finally:
        await connection.close()


@pytest.mark.parametrize("page", [1, 3, 7, 4000])
async def test_made_anew_it_says_what_it_said(urls: Urls, app: Application, page: int) -> None:
    await history(app)
    before = await contents(urls)
    told: list[Progress] = []
    done = await again(urls, page=page, progress=told.append)
    assert await contents(urls) == before
    assert (told[-1], done.phase, done.events) == (done, "done", done.expected)
    assert done.rate > 0
    assert await drift(urls.owner, ex.SCHEMA) == []


async def test_what_was_spoilt_is_put_right(urls: Urls, app: Application) -> None:
    await history(app)
    before = await contents(urls)
    await sql(
        urls.superuser,
        "update rm.errand set total = -1",
        "delete from rm.errand_note",
        "truncate es.deadline",
        "insert into es.deadline select gen_random_uuid(), 'x', 'y', gen_random_uuid(), '37',"
        " '2023-08-01', '2023-08-01', '{}'",
    )
    await again(urls)
    assert await contents(urls) == before


async def test_an_empty_service_is_rebuilt_too(urls: Urls) -> None:
    done = await again(urls)
    assert done.events == 0


async def test_the_service_goes_on_with_the_new_tables(urls: Urls, app: Application) -> None:
    """Over the same connections, whose prepared statements knew the old tables."""
    errand, *_ = await history(app)
    await again(urls)
    await again(urls)
    await run(app, NoteErrand(errand_id=errand, amount=11))
    with pytest.raises(ex.OneAtATime):
        await _open_for_the_household_of(app, errand)
    after = await contents(urls)
    await again(urls)
    assert await contents(urls) == after


async def test_writers_go_on_meanwhile(urls: Urls, app: Application) -> None:
    errands = await history(app)
    stop = asyncio.Event()
    written = 0

    async def writer(number: int) -> None:
        nonlocal written
        while not stop.is_set():
            errand = errands[(written * 5 + number) % len(errands)]
            with contextlib.suppress(Refusal):
                await run(app, NoteErrand(errand_id=errand, amount=number + 1))
            new = OpenErrand(errand_id=new_id(), household_id=new_id(), division=VILLAGE)
            await run(app, new)
            written += 1

    writers = [asyncio.create_task(writer(number)) for number in range(4)]
    for _ in range(4):
        await again(urls, page=20)
    stop.set()
    await asyncio.gather(*writers)
    live = await contents(urls)
    await again(urls)
    assert await contents(urls) == live
    assert written > 20


async def test_interrupted_it_goes_on_where_it_was(urls: Urls, app: Application) -> None:
    errands = await history(app)
    before = await contents(urls)
    done = await _interrupted(urls, after=30)
    assert await contents(urls) == before
    await run(app, NoteErrand(errand_id=errands[0], amount=5))
    after = await contents(urls)
    told: list[Progress] = []
    await again(urls, page=5, progress=told.append)
    assert told[0].events > done.events / 2
    assert await contents(urls) == after


async def test_interrupted_at_any_point_it_ends_well(urls: Urls, app: Application) -> None:
    await history(app, errands=6)
    before = await contents(urls)
    for phase in ("index", "catch-up", "swap"):
        await _interrupted(urls, phase=phase)
        assert await contents(urls) == before
    await again(urls)
    assert await contents(urls) == before
    assert await drift(urls.owner, ex.SCHEMA) == []


async def test_changed_code_does_not_go_on_with_the_rows_of_the_old(
    urls: Urls, app: Application
) -> None:
    await history(app)
    await _interrupted(urls, after=30)
    views = [ex.VIEWS[0], replace(ex.VIEWS[1], rows=_no_rows)]
    told: list[Progress] = []
    await again(urls, views=views, page=5, progress=told.append)
    assert told[0].events <= 15
    assert (await contents(urls))["rm.errand_note"] == []


async def test_one_at_a_time(urls: Urls, app: Application) -> None:
    await history(app, errands=2)
    other = await asyncpg.connect(urls.owner)
    await other.execute("select pg_advisory_lock(20230801)")
    with pytest.raises(AlreadyRunning):
        await again(urls)
    await other.close()


async def test_a_fault_is_not_skipped(urls: Urls, app: Application) -> None:
    await history(app, errands=2)
    before = await contents(urls)

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await again(urls, views=[replace(ex.VIEWS[0], rows=broken)])
    assert await contents(urls) == before


async def test_tables_of_another_kind_stay_as_they_are(urls: Urls, app: Application) -> None:
    await history(app, errands=2)
    await sql(urls.owner, "create table rm.places (code text)", "insert into rm.places values (37)")
    await again(urls)
    connection = await asyncpg.connect(urls.writer)
    assert await connection.fetchval("select code from rm.places") == "37"
    await connection.close()


async def test_what_a_copy_would_lose_is_told(urls: Urls) -> None:
    await sql(urls.owner, "create view rm.closed as select * from rm.errand where not open")
    with pytest.raises(CannotBeReplaced, match=r"rm\.errand .*closed"):
        await again(urls)


async def test_a_long_reader_makes_the_swap_wait_not_the_writers(
    urls: Urls, app: Application
) -> None:
    errand, *_ = await history(app)
    reader = await asyncpg.connect(urls.reader)
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("select * from rm.errand")
    swapping = asyncio.Event()

    def tell(progress: Progress) -> None:
        if progress.phase == "swap":
            swapping.set()

    rebuilding = asyncio.create_task(again(urls, progress=tell))
    await swapping.wait()
    for amount in range(1, 5):
        await asyncio.wait_for(run(app, NoteErrand(errand_id=errand, amount=amount)), 5)
    assert not rebuilding.done()
    await reading.rollback()
    await reader.close()
    await asyncio.wait_for(rebuilding, 20)
    after = await contents(urls)
    await again(urls)
    assert await contents(urls) == after


def _no_rows(*_: Any) -> list[Any]:
    return []


async def _interrupted(urls: Urls, *, after: int = 0, phase: str = "fold") -> Progress:
    """Start a rebuild and have it break off once it has come so far."""

    class Enough(Exception):
        pass

    seen: list[Progress] = []

    def tell(progress: Progress) -> None:
        seen.append(progress)
        if progress.phase == phase and progress.events >= after:
            raise Enough

    with pytest.raises(Enough):
        await again(urls, page=5, progress=tell)
    return seen[-1]


async def _open_for_the_household_of(app: Application, errand: UUID) -> None:
    async with app.database.reading() as tx:
        household = await tx.raw.fetchval(
            "select household_id from errand where stream_id = $1", errand
        )
    await run(app, OpenErrand(errand_id=new_id(), household_id=household, division=VILLAGE))
