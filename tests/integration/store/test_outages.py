"""The database fails at the worst moment, the commit: 503, nothing recorded, once when repeated."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import structlog

from shared.kernel.ids import new_id
from shared.kernel.principal import Role
from shared.store.application import Application
from shared.telemetry.metrics import Metrics
from shared.testing import example as ex
from shared.testing.access import TakenAtTheirWord, acting
from shared.testing.databases import Urls
from shared.web.app import create_app
from shared.web.doors import Door, add_doors
from shared.web.routing import Router
from shared.web.settings import WebSettings

VILLAGE = "370114101200"
_FAILING = """
create table public.failing (state text not null, times int not null);
create sequence public.failed;
create function public.fail() returns trigger language plpgsql security definer as $$
declare wanted record;
begin
    select * into wanted from public.failing;
    if found and nextval('public.failed') <= wanted.times then
        if wanted.state = 'killed' then
            perform pg_terminate_backend(pg_backend_pid());
            perform pg_sleep(1);
        else
            raise exception 'as asked' using errcode = wanted.state;
        end if;
    end if;
    return null;
end $$;
create constraint trigger fails after insert on es.event
    deferrable initially deferred for each row execute function public.fail();
"""
_OUTAGES = {
    "53100": "the disk is full",
    "53200": "out of memory",
    "53300": "too many connections",
    "57P01": "shut down by the administrator",
    "57P02": "another process crashed",
    "57P03": "starting up",
    "57014": "statement cancelled",
    "58030": "input or output failed",
    "58P01": "a file is missing",
    "08006": "the connection failed",
    "25P03": "idle for too long",
    "killed": "the session is ended in the middle of the commit",
}


class Failing:
    """A database that can be told to fail when something is committed."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection

    async def fail(self, state: str, *, times: int = 1_000_000) -> None:
        """Fail so many commits with this SQLSTATE."""
        await self._connection.execute("delete from public.failing")
        await self._connection.execute("alter sequence public.failed restart")
        await self._connection.execute("insert into public.failing values ($1, $2)", state, times)

    async def mend(self) -> None:
        """Fail no more."""
        await self._connection.execute("delete from public.failing")

    async def recorded(self) -> int:
        """How many events there are."""
        return int(await self._connection.fetchval("select count(*) from es.event"))


@pytest.fixture
async def failing(urls: Urls) -> AsyncIterator[Failing]:
    connection = await asyncpg.connect(urls.superuser)
    await connection.execute(_FAILING)
    yield Failing(connection)
    await connection.close()


@pytest.fixture
async def client(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    router = Router()
    doors = [
        Door("/errands", ex.OpenErrand),
        Door("/errands/{errand_id}/notes", ex.NoteErrand),
        Door("/moves", ex.MoveNote),
    ]
    add_doors(router, app, doors)
    made = create_app(
        service="example",
        title="Example",
        settings=WebSettings(),
        routers=[router],
        authenticator=TakenAtTheirWord(),
        metrics=Metrics(),
    )
    headers = acting(Role.OFFICER, "370114")
    transport = httpx.ASGITransport(made)
    with structlog.testing.capture_logs():
        async with httpx.AsyncClient(
            transport=transport, base_url="http://example", headers=headers
        ) as opened:
            yield opened


async def _post(client: httpx.AsyncClient, path: str, key: str, **body: Any) -> httpx.Response:
    return await client.post(path, json=body, headers={"Idempotency-Key": key})


async def _opened(client: httpx.AsyncClient) -> str:
    errand = str(new_id())
    body = {"errand_id": errand, "household_id": str(new_id()), "division": VILLAGE}
    assert (await _post(client, "/errands", str(uuid4()), **body)).is_success
    return errand


@pytest.mark.parametrize("state", _OUTAGES, ids=_OUTAGES.get)
async def test_what_was_not_committed_is_answered_503_and_succeeds_once_when_repeated(
    client: httpx.AsyncClient, failing: Failing, state: str
) -> None:
    """By both ways to commit: a statement that is a transaction by itself, and a transaction."""
    one, other = await _opened(client), await _opened(client)
    asked: list[tuple[str, int, dict[str, Any]]] = [
        (f"/errands/{one}/notes", 1, {"amount": 5}),
        ("/moves", 2, {"from_id": one, "to_id": other, "amount": 5}),
    ]
    for path, events, body in asked:
        before, key = await failing.recorded(), str(uuid4())
        await failing.fail(state)
        answer = await _post(client, path, key, **body)
        assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
        assert answer.headers["retry-after"] == "5"
        assert await failing.recorded() == before
        await failing.mend()
        done = [await _post(client, path, key, **body) for _ in range(2)]
        assert [item.is_success for item in done] == [True, True]
        assert done[0].json() == done[1].json()
        assert await failing.recorded() == before + events


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_the_victim_of_a_meeting_is_tried_again(
    client: httpx.AsyncClient, failing: Failing, state: str
) -> None:
    errand = await _opened(client)
    await failing.fail(state, times=3)
    answer = await _post(client, f"/errands/{errand}/notes", "note", amount=5)
    assert [event["type"] for event in answer.json()["events"]] == ["ErrandNoted"]
    await failing.fail(state)
    answer = await _post(client, f"/errands/{errand}/notes", "other", amount=5)
    assert (answer.status_code, answer.json()["code"]) == (409, "busy")
