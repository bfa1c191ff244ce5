"""The one way through: one effect, one answer, nothing half done."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa

from shared.kernel.event import Cause, Command
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role, system
from shared.kernel.refusal import Forbidden, Invalid, NotFound, Refusal, Stale
from shared.store import event_store
from shared.store.application import Application, Busy, Call, Receipt
from shared.store.database import Database, NoConnection
from shared.store.idempotency import IdempotencyKey, KeyReused
from shared.testing import example as ex
from shared.testing.databases import Urls
from shared.testing.databases import run as sql
from shared.testing.example import CloseErrand, MoveNote, NoteErrand, OpenErrand, RollBackErrand

VILLAGE = "370283101201"
OFFICER = Principal("officer-1", frozenset({Role.OFFICER}), "370283")
ELSEWHERE = Principal("officer-2", frozenset({Role.OFFICER}), "370284")
INSPECTOR = Principal("inspector", frozenset({Role.INSPECTOR}), "37")


def cause() -> Cause:
    return Cause(correlation_id=new_id(), causation_id=new_id())


def opening(errand: UUID, household: UUID | None = None, division: str = VILLAGE) -> OpenErrand:
    return OpenErrand(errand_id=errand, household_id=household or new_id(), division=division)


def key(name: str = "k", fingerprint: bytes = b"f") -> IdempotencyKey:
    return IdempotencyKey("officer-1", "POST /errands", name, fingerprint)


async def run(
    app: Application, command: Command, principal: Principal = OFFICER, **options: Any
) -> Receipt:
    return await app.execute(command, principal, cause(), **options)


async def rows(database: Database, statement: str, *values: object) -> list[dict[str, Any]]:
    async with database.reading() as tx:
        return [dict(row) for row in await tx.raw.fetch(statement, *values)]


async def versions(database: Database, stream: UUID) -> list[int]:
    found = await rows(
        database, "select version from es.event where stream_id = $1 order by pos", stream
    )
    return [row["version"] for row in found]


_SHORT_DEADLOCKS = """
do $$ begin
    execute format('alter database %I set deadlock_timeout = ''20ms''', current_database());
end $$
"""


async def opened(app: Application, household: UUID | None = None) -> UUID:
    errand = new_id()
    await run(app, opening(errand, household))
    return errand


async def test_a_command_is_answered_with_what_it_did(app: Application) -> None:
    errand, household = new_id(), new_id()
    because = cause()
    receipt = await app.execute(opening(errand, household), OFFICER, because)
    body = receipt.body
    assert not receipt.replayed
    assert (body["id"], body["version"]) == (str(errand), 1)
    assert [event["type"] for event in body["events"]] == ["ErrandOpened"]
    assert body["events"][0]["data"]["household_id"] == str(household)
    async with app.database.reading() as tx:
        [stored] = await event_store.load(tx.raw, "example", errand)
    assert (stored.key, stored.region, stored.category) == (household, VILLAGE, "errand")
    assert str(stored.event_id) == body["events"][0]["id"]
    assert stored.recorded_at.isoformat() == body["events"][0]["recorded_at"]
    assert stored.metadata == because.metadata(OFFICER)
    assert stored.position > 0


async def test_what_was_appended_is_what_is_loaded(app: Application) -> None:
    seen: list[Any] = []
    app.appended = seen.extend
    errand = await opened(app)
    await run(app, NoteErrand(errand_id=errand, amount=3))
    async with app.database.reading() as tx:
        loaded = await event_store.load(tx.raw, "example", errand)
    assert [replace(item, position=0) for item in loaded] == seen
    assert all(item.position > 0 for item in loaded)


async def test_many_writers_to_one_stream_leave_no_gap_and_lose_nothing(app: Application) -> None:
    errand = await opened(app)
    await asyncio.gather(
        *(run(app, NoteErrand(errand_id=errand, amount=amount)) for amount in range(1, 41))
    )
    assert await versions(app.database, errand) == list(range(1, 42))
    [row] = await rows(app.database, "select total, version from errand")
    assert row == {"total": sum(range(1, 41)), "version": 41}


async def test_writers_to_many_streams_do_not_hinder_each_other(app: Application) -> None:
    errands = [await opened(app) for _ in range(8)]
    await asyncio.gather(
        *(
            run(app, NoteErrand(errand_id=errand, amount=amount))
            for amount in range(1, 6)
            for errand in errands
        )
    )
    for errand in errands:
        assert await versions(app.database, errand) == [1, 2, 3, 4, 5, 6]


async def test_a_stale_caller_is_told(app: Application) -> None:
    errand = await opened(app)
    await run(app, NoteErrand(errand_id=errand, amount=1), expected_version=1)
    with pytest.raises(Stale) as told:
        await run(app, NoteErrand(errand_id=errand, amount=2), expected_version=1)
    assert (told.value.status, told.value.expected, told.value.actual) == (412, 1, 2)
    assert await versions(app.database, errand) == [1, 2]


async def test_of_many_callers_who_saw_one_version_one_wins(app: Application) -> None:
    errand = await opened(app)
    results = await asyncio.gather(
        *(
            run(app, NoteErrand(errand_id=errand, amount=amount), expected_version=1)
            for amount in range(1, 9)
        ),
        return_exceptions=True,
    )
    assert [type(item) for item in results].count(Receipt) == 1
    assert [type(item) for item in results].count(Stale) == 7


async def test_a_stream_that_never_rests_is_said_to_be_busy(app: Application) -> None:
    errand = await opened(app)
    intruder = ex.example(app.database)

    async def interrupted(command: Any, call: Any) -> Any:
        stream = await call.load(ex.ERRAND, errand)
        await run(intruder, NoteErrand(errand_id=errand, amount=1))
        return await call._append(ex.ERRAND, stream, [ex.ErrandClosed()], call.context())

    app.handlers = {**app.handlers, CloseErrand: interrupted}
    with pytest.raises(Busy) as told:
        await run(app, CloseErrand(errand_id=errand))
    assert told.value.status == 409


async def test_a_role_that_may_not_is_refused(app: Application) -> None:
    with pytest.raises(Forbidden):
        await run(app, opening(new_id()), INSPECTOR)
    assert await rows(app.database, "select * from es.event") == []


async def test_the_system_may_what_its_reactions_need(app: Application) -> None:
    errand = new_id()
    await run(app, opening(errand), system("example"))
    assert await versions(app.database, errand) == [1]


async def test_outside_the_division_there_is_nothing(app: Application) -> None:
    errand = await opened(app)
    with pytest.raises(NotFound) as told:
        await run(app, NoteErrand(errand_id=errand, amount=1), ELSEWHERE)
    assert told.value.en == "no such errand"
    assert await versions(app.database, errand) == [1]


async def test_an_id_of_something_else_is_an_id_of_nothing(app: Application) -> None:
    errand = await opened(app)
    other = replace(ex.ERRAND, name="parcel", label=("包裹", "parcel"))
    async with app.database.transaction() as tx:
        with pytest.raises(NotFound) as told:
            await Call(app, tx, OFFICER, cause()).load(other, errand)
    assert told.value.en == "no such parcel"


async def test_nothing_is_opened_in_a_neighbour_s_division(app: Application) -> None:
    with pytest.raises(Forbidden):
        await run(app, opening(new_id()), ELSEWHERE)
    assert await rows(app.database, "select * from es.event") == []


async def test_the_future_cannot_be_recorded(app: Application) -> None:
    far = opening(new_id()).model_copy(
        update={"occurred_on": app.database._clock.today().replace(year=2999)}
    )
    with pytest.raises(Invalid) as told:
        await run(app, far)
    assert (told.value.rule, told.value.field) == ("K6", "occurred_on")


# -- idempotency --------------------------------------------------------------------------------


async def test_a_key_seen_before_gives_the_first_answer(app: Application) -> None:
    command = opening(new_id())
    first = await run(app, command, key=key())
    again = await run(app, command, key=key())
    assert (first.replayed, again.replayed) == (False, True)
    assert list(again.body.items()) == list(first.body.items())
    assert len(await rows(app.database, "select * from es.event")) == 1


async def test_a_key_means_one_request(app: Application) -> None:
    await run(app, opening(new_id()), key=key())
    with pytest.raises(KeyReused):
        await run(app, opening(new_id()), key=key(fingerprint=b"other"))
    assert len(await rows(app.database, "select * from es.event")) == 1


async def test_a_key_belongs_to_its_caller_and_route(app: Application) -> None:
    for other in (
        key(),
        replace(key(), principal="officer-9"),
        replace(key(), route="POST /else"),
    ):
        receipt = await run(app, opening(new_id()), key=other)
        assert not receipt.replayed
    assert len(await rows(app.database, "select * from es.event")) == 3


async def test_twins_at_once_have_one_effect_and_one_answer(app: Application) -> None:
    errand = await opened(app)
    command = NoteErrand(errand_id=errand, amount=7)
    receipts = await asyncio.gather(*(run(app, command, key=key()) for _ in range(8)))
    assert len({str(receipt.body) for receipt in receipts}) == 1
    assert [receipt.replayed for receipt in receipts].count(False) == 1
    assert await versions(app.database, errand) == [1, 2]


async def test_twins_at_once_that_make_new_streams_make_one(app: Application) -> None:
    async def under_a_new_id(command: Any, call: Any) -> Any:
        return await call.decide(
            ex.ERRAND, new_id(), command.model_copy(update={"errand_id": new_id()}), call.context()
        )

    app.handlers = {**app.handlers, OpenErrand: under_a_new_id}
    command = opening(new_id())
    receipts = await asyncio.gather(*(run(app, command, key=key()) for _ in range(6)))
    assert len({str(receipt.body) for receipt in receipts}) == 1
    assert len(await rows(app.database, "select * from es.event")) == 1


async def test_a_twin_that_is_refused_gets_the_first_ones_answer(app: Application) -> None:
    errand = await opened(app)
    receipts = await asyncio.gather(
        *(run(app, CloseErrand(errand_id=errand), key=key()) for _ in range(6))
    )
    assert len({str(receipt.body) for receipt in receipts}) == 1
    assert await versions(app.database, errand) == [1, 2]


async def test_a_twin_that_is_stale_gets_the_first_ones_answer(app: Application) -> None:
    errand = await opened(app)
    command = NoteErrand(errand_id=errand, amount=1)
    receipts = await asyncio.gather(
        *(run(app, command, key=key(), expected_version=1) for _ in range(6))
    )
    assert len({str(receipt.body) for receipt in receipts}) == 1


async def test_a_refusal_leaves_the_key_free(app: Application) -> None:
    errand = new_id()
    with pytest.raises(Refusal):
        await run(app, NoteErrand(errand_id=errand, amount=1), key=key())
    await run(app, opening(errand))
    receipt = await run(app, NoteErrand(errand_id=errand, amount=1), key=key())
    assert not receipt.replayed


# -- views --------------------------------------------------------------------------------------


async def test_views_say_what_the_state_says(app: Application) -> None:
    household = new_id()
    errand = await opened(app, household)
    await run(app, NoteErrand(errand_id=errand, amount=4))
    await run(app, NoteErrand(errand_id=errand, amount=5))
    [row] = await rows(app.database, "select * from errand")
    assert (row["total"], row["open"], row["version"], row["notes"]) == (9, True, 3, [4, 5])
    assert await rows(app.database, "select number, amount from errand_note order by number") == [
        {"number": 1, "amount": 4},
        {"number": 2, "amount": 5},
    ]
    await run(app, CloseErrand(errand_id=errand))
    assert await rows(app.database, "select * from errand_note") == []
    [row] = await rows(app.database, "select open from errand")
    assert row == {"open": False}


async def test_a_unique_index_is_a_refusal_and_nothing_is_half_done(app: Application) -> None:
    household = new_id()
    await opened(app, household)
    with pytest.raises(ex.OneAtATime):
        await run(app, opening(new_id(), household), key=key())
    assert len(await rows(app.database, "select * from es.event")) == 1
    assert len(await rows(app.database, "select * from es.deadline")) == 1
    assert len(await rows(app.database, "select * from errand")) == 1
    assert await rows(app.database, "select * from es.idempotency") == []


async def test_of_two_errands_at_once_one_is_opened(app: Application) -> None:
    household = new_id()
    results = await asyncio.gather(
        *(run(app, opening(new_id(), household)) for _ in range(6)), return_exceptions=True
    )
    assert [type(item) for item in results].count(Receipt) == 1
    assert [type(item) for item in results].count(ex.OneAtATime) == 5
    assert len(await rows(app.database, "select * from es.event")) == 1


async def test_two_streams_or_neither(app: Application) -> None:
    one, other = await opened(app), await opened(app)
    await run(app, MoveNote(from_id=one, to_id=other, amount=5))
    assert await versions(app.database, one) == await versions(app.database, other) == [1, 2]
    await run(app, CloseErrand(errand_id=other))
    with pytest.raises(ex.NotOpen):
        await run(app, MoveNote(from_id=one, to_id=other, amount=5))
    assert await versions(app.database, one) == [1, 2]


async def test_two_streams_taken_crosswise_end_well(urls: Urls, app: Application) -> None:
    await sql(urls.superuser, _SHORT_DEADLOCKS)
    one, other = await opened(app), await opened(app)
    await asyncio.gather(
        *(run(app, MoveNote(from_id=one, to_id=other, amount=1)) for _ in range(6)),
        *(run(app, MoveNote(from_id=other, to_id=one, amount=1)) for _ in range(6)),
    )
    assert await versions(app.database, one) == list(range(1, 14))
    assert await versions(app.database, other) == list(range(1, 14))


async def test_a_rollback_gives_the_state_of_then_with_the_history_of_now(
    app: Application,
) -> None:
    errand = await opened(app)
    await run(app, NoteErrand(errand_id=errand, amount=4))
    await run(app, CloseErrand(errand_id=errand))
    await run(app, RollBackErrand(errand_id=errand, to_version=2))
    assert await versions(app.database, errand) == [1, 2, 3, 4]
    [row] = await rows(
        app.database, "select open, total, version from errand where stream_id = $1", errand
    )
    assert row == {"open": True, "total": 4, "version": 4}
    [clock] = await rows(app.database, "select kind from es.deadline where stream_id = $1", errand)
    assert clock == {"kind": "close"}
    await run(app, NoteErrand(errand_id=errand, amount=6))
    [row] = await rows(app.database, "select total from errand where stream_id = $1", errand)
    assert row == {"total": 10}


# -- faults -------------------------------------------------------------------------------------


async def test_a_fault_leaves_nothing_behind(app: Application) -> None:
    async def broken(command: Any, call: Any) -> Any:
        await call.decide(ex.ERRAND, command.errand_id, command, call.context())
        raise ZeroDivisionError

    app.handlers = {**app.handlers, OpenErrand: broken}
    with pytest.raises(ZeroDivisionError):
        await run(app, opening(new_id()), key=key())
    for table in ("es.event", "es.deadline", "es.idempotency", "errand"):
        assert await rows(app.database, f"select * from {table}") == []


async def test_a_caller_who_hangs_up_leaves_nothing_behind(app: Application) -> None:
    begun = asyncio.Event()

    async def slow(command: Any, call: Any) -> Any:
        await call.decide(ex.ERRAND, command.errand_id, command, call.context())
        begun.set()
        await call.tx.raw.execute("select pg_sleep(30)")

    app.handlers = {**app.handlers, OpenErrand: slow}
    task = asyncio.create_task(run(app, opening(new_id())))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await rows(app.database, "select * from es.event") == []


async def test_connections_that_the_server_closed_are_replaced(
    app: Application, urls: Urls
) -> None:
    errand = await opened(app)
    admin = await asyncpg.connect(urls.superuser)
    await admin.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await admin.close()
    await asyncio.gather(*(run(app, NoteErrand(errand_id=errand, amount=1)) for _ in range(3)))
    assert await versions(app.database, errand) == [1, 2, 3, 4]


async def test_a_transaction_left_open_is_not_handed_on(urls: Urls) -> None:
    database = ex.database(urls.writer, pool_size=1)
    errand = new_id()
    async with database.reading() as tx:
        await tx.raw.execute("begin")
        await tx.raw.execute(
            "insert into es.idempotency values ('p', 'r', $1, 'f', '{}', now())", str(errand)
        )
    assert await rows(database, "select * from es.idempotency") == []
    await database.close()


async def test_sqlalchemy_and_the_driver_share_one_transaction(app: Application) -> None:
    async def insert(*, fail: bool) -> None:
        async with app.database.transaction() as tx:
            row = {"stream_id": new_id(), "number": 1, "amount": 1}
            await tx.sql.execute(sa.insert(ex.note_table), row)
            assert await tx.raw.fetchval("select count(*) from errand_note") == 1
            if fail:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await insert(fail=True)
    assert await rows(app.database, "select * from errand_note") == []
    await insert(fail=False)
    assert len(await rows(app.database, "select * from errand_note")) == 1


async def test_more_askers_than_connections_wait_their_turn(urls: Urls) -> None:
    database = ex.database(urls.writer, pool_size=2)
    found = await asyncio.gather(*(rows(database, "select 1 as one") for _ in range(40)))
    assert found == [[{"one": 1}]] * 40
    await database.close()


async def test_who_waits_too_long_for_a_connection_is_told(urls: Urls) -> None:
    database = ex.database(urls.writer, pool_size=1)
    database.patience = 0.05
    async with database.reading():
        with pytest.raises(NoConnection):
            await rows(database, "select 1")
    assert await rows(database, "select 1 as one") == [{"one": 1}]
    await database.close()
