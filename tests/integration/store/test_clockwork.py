"""Clocks speak once each, whoever else is ticking, and whatever a neighbour stream's fault."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from shared.kernel.decider import Tick
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role, system
from shared.kernel.refusal import Stale
from shared.store.application import Application
from shared.store.clockwork import Clockwork
from shared.store.database import Database
from shared.testing import example as ex
from shared.testing.example import CloseErrand, NoteErrand, OpenErrand

VILLAGE = "370283101201"
OFFICER = Principal("officer-1", frozenset({Role.OFFICER}), "370283")
SYSTEM = system("example")
START = date(2023, 8, 1)


async def opened(app: Application) -> UUID:
    errand = new_id()
    command = OpenErrand(errand_id=errand, household_id=new_id(), division=VILLAGE)
    await app.execute(command, OFFICER, Cause(new_id(), new_id()))
    return errand


async def move_to(database: Database, day: date) -> None:
    clock = await database.clock()
    async with database.reading() as tx:
        shift = await tx.raw.fetchval("select shift from es.demo_clock")
    await database.move_clock(shift + (day - clock.today()))


async def stored(app: Application, statement: str, *values: Any) -> list[Any]:
    async with app.database.reading() as tx:
        return list(await tx.raw.fetch(statement, *values))


async def types(app: Application, errand: UUID) -> list[str]:
    found = await stored(
        app, "select type from es.event where stream_id = $1 order by version", errand
    )
    return [row["type"] for row in found]


async def test_deadlines_follow_the_state(demo: Database) -> None:
    app = ex.example(demo)
    await move_to(demo, START)
    errand = await opened(app)
    [row] = await stored(app, "select * from es.deadline")
    assert (row["stream_id"], row["kind"], row["category"]) == (errand, "close", "errand")
    assert (row["due_on"], row["next_on"]) == (date(2023, 8, 16), date(2023, 8, 13))
    assert row["region"] == VILLAGE
    await move_to(demo, date(2023, 8, 14))
    assert await app.tick(SYSTEM) == 1
    [row] = await stored(app, "select * from es.deadline")
    assert (row["due_on"], row["next_on"]) == (date(2023, 8, 16), date(2023, 8, 17))
    await move_to(demo, date(2023, 8, 17))
    assert await app.tick(SYSTEM) == 1
    [row] = await stored(app, "select * from es.deadline")
    assert row["next_on"] is None
    assert await types(app, errand) == ["ErrandOpened", "ErrandWarned", "ErrandMissed"]
    await app.execute(CloseErrand(errand_id=errand), OFFICER, Cause(new_id(), new_id()))
    assert await stored(app, "select * from es.deadline") == []


async def test_a_clock_that_spoke_makes_nobodys_page_stale(demo: Database) -> None:
    app = ex.example(demo)
    await move_to(demo, START)
    errand = await opened(app)
    await move_to(demo, date(2023, 8, 17))
    assert await app.tick(SYSTEM) == 1
    assert await types(app, errand) == ["ErrandOpened", "ErrandMissed"]
    note = NoteErrand(errand_id=errand, amount=1)
    receipt = await app.execute(note, OFFICER, Cause(new_id(), new_id()), expected_version=1)
    assert receipt.body["version"] == 3
    with pytest.raises(Stale) as told:
        await app.execute(note, OFFICER, Cause(new_id(), new_id()), expected_version=2)
    assert (told.value.expected, told.value.actual) == (2, 3)


async def test_a_request_that_names_the_stream_as_its_own_id_is_no_clock(demo: Database) -> None:
    app = ex.example(demo)
    errand = await opened(app)
    note = NoteErrand(errand_id=errand, amount=1)
    await app.execute(note, OFFICER, Cause(errand, errand))
    with pytest.raises(Stale):
        await app.execute(note, OFFICER, Cause(new_id(), new_id()), expected_version=1)


async def test_nothing_is_due_before_its_day(demo: Database) -> None:
    app = ex.example(demo)
    await move_to(demo, START)
    errand = await opened(app)
    await move_to(demo, date(2023, 8, 12))
    assert await app.tick(SYSTEM) == 0
    assert await types(app, errand) == ["ErrandOpened"]


async def test_tickers_at_once_make_a_clock_speak_once(demo: Database) -> None:
    app = ex.example(demo)
    await move_to(demo, START)
    errands = [await opened(app) for _ in range(10)]
    await move_to(demo, date(2023, 9, 1))
    workers = [Clockwork(app, SYSTEM) for _ in range(3)]
    spoke = await asyncio.gather(*(worker.round() for worker in workers))
    assert sum(spoke) == 10
    for errand in errands:
        assert await types(app, errand) == ["ErrandOpened", "ErrandMissed"]


async def test_one_streams_fault_stops_no_other(demo: Database) -> None:
    app = ex.example(demo)
    await move_to(demo, START)
    errands = [await opened(app) for _ in range(5)]
    await move_to(demo, date(2023, 9, 1))
    healthy = app._tick
    broken = {errands[0], errands[3]}

    async def sometimes(command: Tick, call: Any) -> Any:
        if command.stream_id in broken:
            raise ZeroDivisionError
        return await healthy(command, call)

    app._tick = sometimes  # type: ignore[method-assign]
    now = [0.0]
    failed: list[Exception] = []

    worker = Clockwork(app, SYSTEM, failed=failed.append, page=2, monotonic=lambda: now[0])
    with capture_logs() as logs:
        assert await worker.round() == 3
    assert [type(error) for error in failed] == [ZeroDivisionError] * 2
    assert {log["stream_id"] for log in logs} == {str(errand) for errand in broken}
    assert await worker.round() == 0
    broken.clear()
    assert await worker.round() == 0
    now[0] += 6.0
    assert await worker.round() == 2
    for errand in errands:
        assert await types(app, errand) == ["ErrandOpened", "ErrandMissed"]


async def test_the_worker_looks_when_poked_and_stops_when_told(demo: Database) -> None:
    app = ex.example(demo)
    await move_to(demo, START)
    errand = await opened(app)
    spoken = asyncio.Event()
    app.appended = lambda _events: spoken.set()
    worker, stop = Clockwork(app, SYSTEM), asyncio.Event()
    task = asyncio.create_task(worker.run(stop, interval=3600))
    await move_to(demo, START + timedelta(days=40))
    worker.poke()
    await asyncio.wait_for(spoken.wait(), 10)
    stop.set()
    await asyncio.wait_for(task, 10)
    assert await types(app, errand) == ["ErrandOpened", "ErrandMissed"]


async def test_the_worker_outlives_an_outage(demo: Database) -> None:
    app = ex.example(demo)
    await move_to(demo, START)
    errand = await opened(app)
    await move_to(demo, START + timedelta(days=40))
    real, failures = app.due, iter([OSError("away"), ValueError("odd")])

    async def away(*values: Any, **options: Any) -> Any:
        for failure in failures:
            raise failure
        return await real(*values, **options)

    app.due = away  # type: ignore[method-assign]
    spoken, stop = asyncio.Event(), asyncio.Event()
    app.appended = lambda _events: spoken.set()
    with capture_logs() as logs:
        task = asyncio.create_task(Clockwork(app, SYSTEM).run(stop, interval=0.01))
        await asyncio.wait_for(spoken.wait(), 10)
        stop.set()
        await asyncio.wait_for(task, 10)
    assert [log["event"] for log in logs] == ["clockwork.database-away", "clockwork.fault"]
    assert await types(app, errand) == ["ErrandOpened", "ErrandMissed"]


async def test_old_answers_are_forgotten_by_real_time_however_the_calendar_moves(
    demo: Database,
) -> None:
    app = ex.example(demo)
    await move_to(demo, date(2031, 1, 1))
    async with demo.reading() as tx:
        await tx.raw.execute(
            "insert into es.idempotency values"
            " ('p', 'r', 'old', 'f', '{}', now() - interval '31 days'),"
            " ('p', 'r', 'new', 'f', '{}', now() - interval '29 days')"
        )
    await Clockwork(app, SYSTEM)._forget_old_answers()
    assert [row["key"] for row in await stored(app, "select key from es.idempotency")] == ["new"]
