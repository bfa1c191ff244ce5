"""A command over HTTP, stored and projected, beside an empty FastAPI endpoint.

``python -m bench.command``: one server process with one event loop has both; the client and
PostgreSQL share the other core. The command goes the whole way: token, strict JSON, permission,
idempotency key, load, fold, decide, append, read model, clock, commit, answer.
"""

import argparse
import asyncio
import multiprocessing
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
import orjson
import uvicorn
import uvloop
from fastapi import FastAPI

from bench.http_load import Load, request
from bench.rounds import Round, alternated, run, table
from dixian.issuer import IssuerSettings, create_issuer
from shared.kernel.ids import new_id
from shared.store.application import Application
from shared.telemetry.logs import LogSettings, configure
from shared.telemetry.metrics import Metrics
from shared.testing import example as ex
from shared.testing.databases import service_database
from shared.testing.postgres import EmbeddedPostgres
from shared.web.app import create_app
from shared.web.doors import Door, add_doors
from shared.web.jwks import KeySet
from shared.web.routing import Router
from shared.web.settings import Mode, OidcSettings, WebSettings
from shared.web.tokens import TokenVerifier

VILLAGE = "370114101200"
EMPTY = "an empty FastAPI endpoint"
ISSUER = "http://127.0.0.1:8100"


# -- the server -------------------------------------------------------------------------------


class People:
    """Tokens only, verified in earnest."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def authenticate(self, asked: Any) -> Any:
        """The person whose token it is."""
        return await self._verifier.verify(asked.headers["authorization"].removeprefix("Bearer "))


def routes(application: Application) -> Router:
    """The two commands."""
    router = Router()
    doors = [Door("/errands", ex.OpenErrand), Door("/errands/{errand_id}/notes", ex.NoteErrand)]
    add_doors(router, application, doors)
    return router


def serve(url: str, key_file: Path, listening: socket.socket, empty: socket.socket) -> None:
    """The server process: the empty application on one socket, the service on the other."""
    configure(LogSettings(level="WARNING"))

    async def both() -> None:
        issuer = create_issuer(IssuerSettings(url=ISSUER, key_file=key_file), Mode.DEMO)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(issuer))
        oidc = OidcSettings(issuer=ISSUER)
        application = ex.example(ex.database(url, pool_size=16), views=ex.VIEWS[:1])
        service = create_app(
            service="example",
            title="Example",
            settings=WebSettings(mode=Mode.DEMO),
            routers=[routes(application)],
            authenticator=People(TokenVerifier(oidc, KeySet(oidc, client=client))),
            metrics=Metrics(),
        )
        nothing = FastAPI()

        @nothing.get("/")
        async def hello() -> dict[str, str]:
            return {}

        quiet: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off"}
        quiet["timeout_keep_alive"] = 600
        servers = [
            uvicorn.Server(uvicorn.Config(service, **quiet)),
            uvicorn.Server(uvicorn.Config(nothing, **quiet)),
        ]
        await asyncio.gather(
            servers[0].serve(sockets=[listening]), servers[1].serve(sockets=[empty])
        )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(both())


# -- the client -------------------------------------------------------------------------------


async def token(key_file: Path) -> str:
    """A county officer's token, as the demo's issuer gives it."""
    issuer = create_issuer(IssuerSettings(url=ISSUER, key_file=key_file), Mode.DEMO)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(issuer), base_url=ISSUER) as client:
        asked = {"grant_type": "password", "username": "county-officer", "password": "demo"}
        return str((await client.post("/token", data=asked)).json()["access_token"])


class Officer:
    """Makes the requests."""

    def __init__(self, bearer: str, count: int) -> None:
        self._headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
        self._count = count
        self._opened: list[UUID] = []

    def openings(self) -> Iterator[bytes]:
        """New errands."""
        self._opened = [new_id() for _ in range(self._count)]
        for errand in self._opened:
            yield self._post("/errands", errand_id=errand, household_id=new_id(), division=VILLAGE)

    def notes(self) -> Iterator[bytes]:
        """A note on each of the errands opened last."""
        for errand in self._opened:
            yield self._post(f"/errands/{errand}/notes", amount=5)

    def nothing(self) -> Iterator[bytes]:
        """Empty requests."""
        for _ in range(self._count):
            yield request("GET", "/", self._headers)

    def _post(self, path: str, **body: Any) -> bytes:
        headers = {**self._headers, "idempotency-key": str(new_id())}
        return request("POST", path, headers, orjson.dumps(body))


async def measure(officer: Officer, ports: Sequence[int], rounds: int) -> None:
    """Alternate, and print."""
    service, empty = (Load("127.0.0.1", port, connections=16) for port in ports)
    for load in (service, empty):
        await load.connect()

    def contender(load: Load, requests: Any) -> Round:
        return lambda: load.send(requests())

    rates = await alternated(
        {
            EMPTY: contender(empty, officer.nothing),
            "a command that opens a stream": contender(service, officer.openings),
            "a command on a stream": contender(service, officer.notes),
        },
        rounds,
    )
    limits = {name: {EMPTY: 0.25} for name in rates if name != EMPTY}
    table("over HTTP, 16 connections", rates, EMPTY, reach=limits)
    for load in (service, empty):
        await load.close()


async def main(count: int, rounds: int) -> None:
    """Start PostgreSQL and the server, measure, stop them."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as at, EmbeddedPostgres(Path(at)) as server:
        async with service_database(server, ex.SCHEMA) as urls:
            with TemporaryDirectory() as keys:
                await _with_server(urls.writer, Path(keys) / "key.pem", count, rounds)


async def _with_server(url: str, key_file: Path, count: int, rounds: int) -> None:
    officer = Officer(await token(key_file), count)
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(2)]
    child = multiprocessing.get_context("spawn").Process(
        target=partial(serve, url, key_file, *sockets), daemon=True
    )
    child.start()
    try:
        await measure(officer, [item.getsockname()[1] for item in sockets], rounds)
    finally:
        child.terminate()
        child.join()
        for item in sockets:
            item.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    run(main(given.count, given.rounds))
