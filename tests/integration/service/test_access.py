"""Every route as every role at every level: what its permission does not allow is refused.

Nothing here is kept by hand. The routes are read off the applications, so a route that is added is
asked as well, and one that declares no permission cannot be made (``UndeclaredRoute``).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute

from dixian.access import applications, document, service
from dixian.composition import create, module
from dixian.errors import CannotStart
from dixian.provision import SERVICES
from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.kernel.division import Level
from shared.kernel.principal import Principal, Role
from shared.testing.access import TakenAtTheirWord, acting
from shared.testing.databases import service_database
from shared.testing.postgres import EmbeddedPostgres
from shared.vault.settings import VaultSettings, create_missing_keys
from shared.web.routing import Access, Route, access_table

ROOT = Path(__file__).parents[3]
PLACES = {
    Level.VILLAGE: "370114101200",
    Level.TOWN: "370114101",
    Level.COUNTY: "370114",
    Level.CITY: "3701",
    Level.PROVINCE: "37",
    Level.NATION: "CN",
}
UNKNOWN = "00000000-0000-7000-8000-000000000000"
_PARAMETER = re.compile(r"{[^}]+}")
_PUBLIC = {
    "/health", "/health/live", "/health/ready", "/metrics", "/procedure",
    "/households/import/template",
    "/checkpoint", "/consistency", "/logs", "/tile/{level}/{number:path}",
    "/logs/{operator}/{province}/{year}/checkpoint",
    "/logs/{operator}/{province}/{year}/tile/{level}/{number:path}",
}  # fmt: skip
"""What may answer the unknown. A route that is to join them is thought about here first."""


@dataclass(frozen=True)
class Answered:
    """The beginning of an answer; a stream without an end has one too."""

    status: int
    code: str | None


async def asked(app: FastAPI, row: Access, headers: dict[str, str]) -> Answered:
    """Ask for nothing that is there, with a body that is none: only the door can let this in."""
    body = b"{" if row.method in {"POST", "PUT", "PATCH"} else b""
    path = _PARAMETER.sub(UNKNOWN, row.path)
    sent = {"content-type": "application/json", **headers}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": row.method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "scheme": "http",
    }
    begun: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
    status = 0
    sent_body = False

    async def receive() -> dict[str, Any]:
        nonlocal sent_body
        if sent_body:
            await asyncio.Event().wait()
        sent_body = True
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        if message["type"] == "http.response.body" and not begun.done():
            begun.set_result((status, message.get("body", b"")))

    answering = asyncio.ensure_future(app(scope, receive, send))
    await asyncio.wait({answering, begun}, return_when=asyncio.FIRST_COMPLETED)
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    found, content = begun.result()
    return Answered(found, orjson.loads(content).get("code") if found >= 400 else None)


@pytest.fixture(autouse=True)
def _said_to_nobody() -> Iterator[None]:
    """Ten thousand lines that nobody would read cost more than the requests."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(scope="module", params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
async def app(name: str, postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The service as in production, on a database; who its callers are is taken at their word."""
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(service_database(postgres, module(name).SCHEMA))
        made = service(name, tmp_path, database_url=urls.writer)
        made.app.state.authenticator = TakenAtTheirWord()
        stack.push_async_callback(made.stop)
        yield made.app


def everybody() -> Iterator[tuple[Role, Level, dict[str, str]]]:
    for role in Role:
        for level, division in PLACES.items():
            yield role, level, acting(role, division)


async def test_no_role_at_no_level_gets_where_it_may_not(app: FastAPI) -> None:
    wrong = []
    rows = [row for row in access_table(app) if row.permission is not None]
    assert len(rows) > 10
    for row in rows:
        assert row.permission is not None
        for role, level, headers in everybody():
            somebody = Principal("person:somebody", frozenset({role}), PLACES[level])
            answer = await asked(app, row, headers)
            refused = answer == Answered(403, "forbidden")
            if refused is row.permission.allows(somebody):
                wrong.append(f"{row.method} {row.path} {role} {level.name}: {answer}")
    assert not wrong, "\n".join(wrong)


async def test_nobody_without_a_token_gets_anywhere_but_where_everybody_may(app: FastAPI) -> None:
    for row in access_table(app):
        answer = await asked(app, row, {})
        assert (answer == Answered(401, "no-token")) is (row.permission is not None), row


def test_what_is_public_was_meant_to_be() -> None:
    found = {
        row.path
        for app in applications().values()
        for row in access_table(app)
        if row.permission is None
    }
    assert found <= _PUBLIC


def test_every_route_stands_behind_the_door() -> None:
    """A route that somebody makes with FastAPI's own router would ask nobody."""
    for app in applications().values():
        routes = [route for route in app.routes if isinstance(route, APIRoute)]
        assert routes
        assert all(isinstance(route, Route) for route in routes)
        others = {route.path for route in app.routes if not isinstance(route, APIRoute)}  # type: ignore[attr-defined]
        assert others == {"/openapi.json"}


def test_the_page_is_current() -> None:
    page = ROOT / "docs" / "access.md"
    assert page.read_text(encoding="utf-8") == document(), "run `make contracts`"


def test_no_service_is_made_for_production_with_an_issuer_in_the_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DIXIAN_MODE": "production",
        "DIXIAN_OIDC_ISSUER": "http://issuer.example.cn",
        "DIXIAN_EVIDENCE_SCAN": "none",
        "DIXIAN_MASTER_KEY_FILE": str(tmp_path / "master.key"),
        "DIXIAN_INDEX_KEY_FILE": str(tmp_path / "index.key"),
        "DIXIAN_ALERTS_DATABASE_URL": "postgresql://nowhere/nothing",
    }.items():
        monkeypatch.setenv(name, value)
    create_missing_keys(VaultSettings())
    with pytest.raises(CannotStart, match="https"):
        create("alerts", EmbeddedBroker(connector("postgresql://nowhere/nothing")))
