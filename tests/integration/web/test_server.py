"""The door behind a real server, with the demo's issuer beside it: what only sockets can show."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from html import unescape
from pathlib import Path
from re import findall
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from dixian.issuer import IssuerSettings, RefusedInProduction, create_issuer
from dixian.people import MACHINES, PEOPLE, person
from shared.kernel.division import level_of
from shared.kernel.principal import Role, may
from shared.policy.divisions import Divisions
from shared.telemetry.metrics import Metrics
from shared.web.app import create_app
from shared.web.auth import BearerAuthenticator, Caller
from shared.web.health import Check
from shared.web.jwks import KeySet
from shared.web.machine_keys import MachineKey, MachineKeyVerifier
from shared.web.routing import Router, require
from shared.web.settings import Mode, OidcSettings, WebSettings
from shared.web.tokens import TokenVerifier

EVERYBODY = may(*Role)


@asynccontextmanager
async def served(app: ASGIApp, listening: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve ``app`` on a port of its own; give its address."""
    bound = listening or listener()
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield address(bound)
    finally:
        server.should_exit = True
        await running


def listener() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    return bound


def address(bound: socket.socket) -> str:
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


class DemoKeys:
    """The demo's machines, without a table."""

    async def find(self, key_id: str) -> MachineKey | None:
        return next((machine.key for machine in MACHINES if machine.key.id == key_id), None)

    async def used(self, key_id: str, at: datetime) -> None:
        """Nobody asks."""


def router() -> Router:
    made = Router()

    @made.get("/me", dependencies=[require(EVERYBODY)])
    async def me(caller: Caller) -> dict[str, Any]:
        return {
            "subject": caller.subject,
            "roles": sorted(caller.roles),
            "division": caller.division,
            "level": caller.level.name,
            "feeds": sorted(caller.feeds),
        }

    @made.post("/text", dependencies=[require(EVERYBODY)])
    async def text(body: dict[str, Any], caller: Caller) -> int:
        return len(body)

    return made


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[str]:
    bound = listener()
    settings = IssuerSettings(url=address(bound), key_file=tmp_path / "issuer" / "key.pem")
    async with served(create_issuer(settings, Mode.DEMO), bound) as url:
        yield url


@pytest.fixture
async def keys(issuer: str) -> AsyncIterator[KeySet]:
    made = KeySet(OidcSettings(issuer=issuer))
    yield made
    await made.close()


@pytest.fixture
async def door(issuer: str, keys: KeySet) -> AsyncIterator[str]:
    app = create_app(
        service="alerts",
        title="Alerts",
        settings=WebSettings(mode=Mode.DEMO, body_limit=1000),
        routers=[router()],
        authenticator=BearerAuthenticator(
            people=TokenVerifier(OidcSettings(issuer=issuer), keys),
            machines=MachineKeyVerifier(DemoKeys()),
        ),
        metrics=Metrics(),
        checks=[Check("issuer", keys.check)],
    )
    async with served(app) as url:
        yield url


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as made:
        yield made


async def token_of(client: httpx.AsyncClient, issuer: str, username: str) -> str:
    form = {"username": username, "password": "demo"}
    answer = await client.post(f"{issuer}/token", data=form)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token: str = answer.json()["access_token"]
    return token


async def test_everybody_of_the_demo_is_known(
    client: httpx.AsyncClient, issuer: str, door: str
) -> None:
    for who in PEOPLE:
        token = await token_of(client, issuer, who.username)
        answer = await client.get(f"{door}/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {
            "subject": who.subject,
            "roles": [who.role.value],
            "division": who.division,
            "level": level_of(who.division).name,
            "feeds": [],
        }


async def test_machines_are_known_by_their_keys(client: httpx.AsyncClient, door: str) -> None:
    [hotline, medical] = MACHINES
    answer = await client.get(
        f"{door}/me", headers={"Authorization": f"Bearer {medical.credential}"}
    )
    assert answer.json() == {
        "subject": f"machine:{medical.machine_id}",
        "roles": ["feed"],
        "division": "37",
        "level": "PROVINCE",
        "feeds": ["medical-insurance"],
    }
    wrong = hotline.credential[:-1] + "!"
    answer = await client.get(f"{door}/me", headers={"Authorization": f"Bearer {wrong}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "machine-key")


def test_the_demo_s_people_live_in_real_places() -> None:
    known = {place.code for place in Divisions.load()}
    assert {who.division for who in PEOPLE} - {"CN"} <= known
    assert len({who.username for who in PEOPLE}) == len(PEOPLE)


async def test_a_wrong_password_gets_nothing(client: httpx.AsyncClient, issuer: str) -> None:
    for form in (
        {"username": "county-officer", "password": "guess"},
        {"username": "nobody", "password": "demo"},
        {},
    ):
        answer = await client.post(f"{issuer}/token", data=form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    answer = await client.post(f"{issuer}/token", data={"grant_type": "implicit"})
    assert answer.json()["error"] == "unsupported_grant_type"
    answer = await client.post(f"{issuer}/token", content=b"a" * 20_000)
    assert answer.json()["error"] == "invalid_request"


VERIFIER = "a-verifier-of-at-least-forty-three-characters-long"
CHALLENGE = base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "console",
    "redirect_uri": "http://127.0.0.1:8105/signed-in",
    "scope": "openid",
    "state": '"><script>alert(1)</script>',
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def signed_in(client: httpx.AsyncClient, issuer: str) -> str:
    """Choose the county's officer on the page; give the code."""
    page = await client.get(f"{issuer}/authorize", params=ASKED)
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    hidden = findall(r'name="([a-z_]+)" value="([^"]*)"', page.text)
    form = {name: unescape(value) for name, value in hidden if name != "username"}
    assert form == ASKED
    answer = await client.post(f"{issuer}/authorize", data=form | {"username": "county-officer"})
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    given = parse_qs(target.query)
    assert f"{target.scheme}://{target.netloc}{target.path}" == ASKED["redirect_uri"]
    assert (given["state"], given["iss"]) == ([ASKED["state"]], [issuer])
    return given["code"][0]


def redemption(code: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": "console",
        "redirect_uri": ASKED["redirect_uri"],
        "code": code,
        "code_verifier": VERIFIER,
    }


async def test_the_console_signs_in_with_a_code(
    client: httpx.AsyncClient, issuer: str, door: str
) -> None:
    code = await signed_in(client, issuer)
    answer = await client.post(f"{issuer}/token", data=redemption(code))
    token = answer.json()["access_token"]
    me = await client.get(f"{door}/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["subject"] == "person:county-officer"
    identity = await client.get(
        f"{door}/me", headers={"Authorization": f"Bearer {answer.json()['id_token']}"}
    )
    assert identity.json()["code"] == "token-audience"
    again = await client.post(f"{issuer}/token", data=redemption(code))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "another"},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:1/"},
        {"client_id": "other"},
        {"code": "made-up"},
    ],
)
async def test_a_stolen_code_is_worth_nothing(
    client: httpx.AsyncClient, issuer: str, change: dict[str, str]
) -> None:
    code = await signed_in(client, issuer)
    stolen = await client.post(f"{issuer}/token", data=redemption(code) | change)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": ""},
        {"client_id": "other"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
    ],
)
async def test_a_request_that_is_not_the_console_s_is_refused(
    client: httpx.AsyncClient, issuer: str, change: dict[str, str]
) -> None:
    asked = ASKED | change
    shown = await client.get(f"{issuer}/authorize", params=asked)
    chosen = await client.post(f"{issuer}/authorize", data=asked | {"username": "inspector"})
    assert (shown.status_code, chosen.status_code) == (400, 400)


async def test_choosing_nobody_is_refused(client: httpx.AsyncClient, issuer: str) -> None:
    answer = await client.post(f"{issuer}/authorize", data=ASKED | {"username": "nobody"})
    assert answer.json()["error"] == "access_denied"


async def test_the_issuer_keeps_its_key(tmp_path: Path, client: httpx.AsyncClient) -> None:
    path = tmp_path / "key.pem"
    published = []
    for _ in range(2):
        app = create_issuer(IssuerSettings(key_file=path), Mode.DEMO)
        async with served(app) as url:
            published.append((await client.get(f"{url}/jwks.json")).json())
    assert published[0] == published[1]
    assert path.stat().st_mode & 0o777 == 0o600
    assert "d" not in published[0]["keys"][0]


def test_production_refuses_the_embedded_issuer(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(RefusedInProduction):
        create_issuer(IssuerSettings(key_file=path), Mode.PRODUCTION)
    assert not path.exists()


def test_somebody_unknown_is_nobody() -> None:
    assert person("nobody") is None


async def test_readiness_follows_the_issuer(client: httpx.AsyncClient, door: str) -> None:
    answer = await client.get(f"{door}/health/ready")
    assert answer.json()["parts"] == {"issuer": {"up": True}}


async def raw(door: str, *parts: bytes) -> bytes:
    """What the server answers to exactly these bytes."""
    target = urlsplit(door)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_declared_giant_is_refused_before_it_is_sent(door: str) -> None:
    answer = await raw(
        door,
        b"POST /text HTTP/1.1\r\nHost: door\r\nContent-Length: 10000000\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()
    assert b'"code":"body-too-large"' in answer


async def test_a_chunked_giant_is_refused_on_the_way(door: str) -> None:
    [hotline, _] = MACHINES
    head = (
        "POST /text HTTP/1.1\r\nHost: door\r\nTransfer-Encoding: chunked\r\n"
        f"Authorization: Bearer {hotline.credential}\r\n"
        "Content-Type: application/json\r\nConnection: close\r\n\r\n"
    )
    chunk = b"1f4\r\n" + b" " * 500 + b"\r\n"
    answer = await raw(door, head.encode(), chunk * 3, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":"body-too-large"' in answer
