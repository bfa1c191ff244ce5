"""A whole service: from a request through its database and the bus to another one's reaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import Depends, Response

from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.bus.embedded_tables import LOG_SCHEMA
from shared.bus.handler import Each
from shared.evidence.settings import EvidenceSettings
from shared.kernel.event import Cause, Recorded
from shared.kernel.ids import new_id
from shared.kernel.principal import Role, may, system
from shared.service.assemble import Blueprint, Kit, assemble
from shared.service.schema import service_schema
from shared.store.application import Application
from shared.store.database import Transaction
from shared.store.drift import drift
from shared.store.idempotency import IdempotencyKey
from shared.store.migrate import Schema
from shared.testing import example as ex
from shared.testing.access import TakenAtTheirWord, acting
from shared.testing.databases import Urls
from shared.testing.example import NoteErrand, OpenErrand
from shared.vault.settings import VaultSettings, create_missing_keys
from shared.web.context import RequestContext, request_context
from shared.web.routing import Router, require
from shared.web.service import Service, ServiceSettings
from shared.web.settings import Mode, OidcSettings, WebSettings

SCHEMA = service_schema("example", Path(ex.__file__).parent / "example_migrations", ex.metadata)
VILLAGE = "370283101201"
OFFICER = acting(Role.OFFICER, "370283")
OPERATOR = acting(Role.OPERATOR, "37")
NewDatabase = Callable[[Schema], Awaitable[Urls]]


def routers(_kit: Kit, application: Application) -> Sequence[Router]:
    router = Router()

    @router.post("/errands", dependencies=[require(may(Role.OFFICER))])
    async def post(
        command: OpenErrand,
        ctx: Annotated[RequestContext, Depends(request_context)],
        response: Response,
    ) -> dict[str, Any]:
        key = ctx.idempotency_key and IdempotencyKey(
            ctx.principal.subject, ctx.route, ctx.idempotency_key, ctx.fingerprint
        )
        receipt = await application.execute(command, ctx.principal, ctx.cause, key=key or None)
        response.headers["Idempotency-Replayed"] = str(receipt.replayed).lower()
        return receipt.body

    return [router]


def handler(_kit: Kit, application: Application) -> Each:
    """It hears of its own errands by the bus and adds a note to each."""

    async def opened(tx: Transaction, recorded: Recorded[Any], cause: Cause) -> None:
        note = NoteErrand(errand_id=recorded.stream_id, amount=7)
        await application.execute_in(tx, note, system("example"), cause)

    return Each({ex.ErrandOpened: opened})


BLUEPRINT = Blueprint(
    title="Example",
    application=lambda kit: ex.example(kit.database),
    routers=routers,
    reacts_to=("example",),
    handler=handler,
)


@dataclass
class Running:
    service: Service
    client: httpx.AsyncClient

    async def get(self, path: str, who: dict[str, str] = OPERATOR) -> httpx.Response:
        return await self.client.get(path, headers=who)

    async def open_errand(self, **headers: str) -> httpx.Response:
        command = {
            "errand_id": str(headers.pop("errand", new_id())),
            "household_id": str(new_id()),
            "division": VILLAGE,
        }
        return await self.client.post("/errands", json=command, headers={**OFFICER, **headers})

    async def eventually(self, path: str, holds: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(20):
            while True:
                answer = (await self.get(path)).json()
                if holds(answer):
                    return answer
                await asyncio.sleep(0.02)


@pytest.fixture
async def log(new_database: NewDatabase) -> AsyncIterator[EmbeddedBroker]:
    urls = await new_database(LOG_SCHEMA)
    broker = EmbeddedBroker(connector(urls.writer), partitions=2)
    await broker.ensure_topics(["dixian.example"])
    yield broker
    await broker.close()


@pytest.fixture
async def urls(new_database: NewDatabase) -> Urls:
    return await new_database(SCHEMA)


@asynccontextmanager
async def running(
    urls: Urls, log: EmbeddedBroker, keys: Path, mode: Mode = Mode.DEMO
) -> AsyncIterator[Running]:
    vault = VaultSettings(master_key_file=keys / "master.key", index_key_file=keys / "index.key")
    create_missing_keys(vault)
    settings = ServiceSettings(
        name="example",
        database_url=urls.writer,
        web=WebSettings(mode=mode),
        oidc=OidcSettings(issuer="https://issuer.invalid"),
        vault=vault,
        evidence=EvidenceSettings(store=keys.as_uri(), scan="none"),
        member="example-0",
    )
    service = assemble(settings, log, BLUEPRINT, authenticator=TakenAtTheirWord())
    async with AsyncExitStack() as stack:
        await service.start()
        stack.push_async_callback(service.stop)
        tasks = [asyncio.ensure_future(worker()) for worker in service.workers]
        stack.push_async_callback(_stopped, tasks)
        transport = httpx.ASGITransport(service.app)
        client = httpx.AsyncClient(transport=transport, base_url="http://example")
        yield Running(service, await stack.enter_async_context(client))


async def _stopped(tasks: Sequence["asyncio.Future[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, asyncio.CancelledError), outcome


async def test_the_common_tables_are_those_in_the_code(urls: Urls) -> None:
    assert await drift(urls.owner, SCHEMA) == []


async def test_a_request_goes_all_the_way_round(
    urls: Urls, log: EmbeddedBroker, tmp_path: Path
) -> None:
    async with running(urls, log, tmp_path) as system_:
        errands = [str(new_id()) for _ in range(5)]
        for errand in errands:
            assert (await system_.open_errand(errand=errand)).status_code == 200
        health = await system_.eventually(
            "/health",
            lambda found: (
                found["reconciliation"]["received"]
                == {"dixian.example": {"events": 10, "parked": 0}}
            ),
        )
        assert health["status"] == "up"
        assert health["reconciliation"]["recorded"] == 10
        assert health["reconciliation"]["sent"] == 10
        assert health["reconciliation"]["unsent"] == 0
        metrics = (await system_.get("/metrics")).text
        assert 'dixian_events_appended_total{category="errand",type="ErrandOpened"} 5.0' in metrics
        assert "dixian_relay_sent_total 10.0" in metrics


async def test_it_says_that_it_is_ready(urls: Urls, log: EmbeddedBroker, tmp_path: Path) -> None:
    async with running(urls, log, tmp_path) as system_:
        ready = await system_.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["parts"] == {"database": {"up": True}, "bus": {"up": True}}


async def test_a_repeated_request_gives_the_same_answer(
    urls: Urls, log: EmbeddedBroker, tmp_path: Path
) -> None:
    async with running(urls, log, tmp_path) as system_:
        command = {
            "errand_id": str(new_id()),
            "household_id": str(new_id()),
            "division": VILLAGE,
        }
        headers = {**OFFICER, "Idempotency-Key": "once"}
        answers = await asyncio.gather(
            *(system_.client.post("/errands", json=command, headers=headers) for _ in range(4))
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        replayed = sorted(answer.headers["Idempotency-Replayed"] for answer in answers)
        assert replayed == ["false", "true", "true", "true"]
        other = {**command, "errand_id": str(new_id())}
        refused = await system_.client.post("/errands", json=other, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")


async def test_the_demo_begins_on_its_first_day_and_is_moved_openly(
    urls: Urls, log: EmbeddedBroker, tmp_path: Path
) -> None:
    async with running(urls, log, tmp_path) as system_:
        assert (await system_.get("/demo/clock", OFFICER)).json()["today"] == "2023-08-01"
        errand = new_id()
        await system_.open_errand(errand=str(errand))
        moved = await system_.client.post(
            "/demo/clock", json={"today": "2023-08-20"}, headers=OPERATOR
        )
        assert (moved.status_code, moved.json()["today"]) == (200, "2023-08-20")
        await _until_recorded(urls, errand, "ErrandMissed")
        back = await system_.client.post(
            "/demo/clock", json={"today": "2023-08-19"}, headers=OPERATOR
        )
        assert (back.status_code, back.json()["code"]) == (409, "clock-moves-forward-only")
        nobody = await system_.client.post(
            "/demo/clock", json={"today": "2023-09-19"}, headers=OFFICER
        )
        assert nobody.status_code == 403
    async with running(urls, log, tmp_path) as again:
        assert (await again.get("/demo/clock")).json()["today"] == "2023-08-20"


async def test_a_production_service_has_no_such_endpoint(
    urls: Urls, log: EmbeddedBroker, tmp_path: Path
) -> None:
    async with running(urls, log, tmp_path, Mode.PRODUCTION) as system_:
        for method in ("GET", "POST"):
            answer = await system_.client.request(
                method, "/demo/clock", json={"today": "2023-08-20"}, headers=OPERATOR
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "no-such-route")
        paths = (await system_.get("/openapi.json")).json()["paths"]
        assert not [path for path in paths if "demo" in path]


async def test_the_numbers_count_the_events_themselves(
    urls: Urls, log: EmbeddedBroker, tmp_path: Path
) -> None:
    """Not a counter: what the relay has not seen shows as unsent."""
    async with running(urls, log, tmp_path) as system_:
        await system_.open_errand()
        await system_.eventually("/health", lambda found: found["reconciliation"]["sent"] == 2)
    async with running(urls, log, tmp_path) as quiet:
        numbers = (await quiet.get("/health")).json()["reconciliation"]
        assert (numbers["recorded"], numbers["sent"], numbers["unsent"]) == (2, 2, 0)


async def _until_recorded(urls: Urls, stream: UUID, type_name: str) -> None:
    connection = await connector(urls.reader)()
    try:
        async with asyncio.timeout(20):
            while not await connection.fetchval(
                "select true from es.event where stream_id = $1 and type = $2", stream, type_name
            ):
                await asyncio.sleep(0.02)
    finally:
        await connection.close()
