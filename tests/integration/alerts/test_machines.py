"""Machines over HTTP, with their real keys: let in, rotated, shut out."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from fastapi import Request

from services.alerts.http import router
from shared.kernel.principal import Principal
from shared.telemetry.metrics import Metrics
from shared.testing.decider import rule
from shared.web.app import create_app
from shared.web.auth import BearerAuthenticator
from shared.web.machine_keys import MachineKeyVerifier, TableMachineKeys
from shared.web.settings import Mode, WebSettings
from tests.integration.alerts.conftest import COUNTY, Callers, Desk, document_number

ADMINISTRATOR = "administrator:37"
FEED = {
    "label": "省医保局结算系统",
    "kind": "feed",
    "division": "37",
    "feeds": ["medical-insurance"],
}


class People:
    """As in every test of this service: believed."""

    async def verify(self, credential: str) -> Principal:
        headers = [(b"authorization", f"Bearer {credential}".encode())]
        return await Callers().authenticate(Request({"type": "http", "headers": headers}))


@pytest.fixture
async def keyed(desk: Desk) -> AsyncIterator[Desk]:
    """The desk behind a door that knows machines by their keys, and forgets them at once."""
    keys = TableMachineKeys(desk.app.database.reading)
    web = create_app(
        service="alerts",
        title="alerts",
        settings=WebSettings(mode=Mode.DEMO),
        routers=[router(desk.app, desk.tools)],
        authenticator=BearerAuthenticator(
            people=People(), machines=MachineKeyVerifier(keys, remembered_for=0)
        ),
        metrics=Metrics(),
    )
    transport = httpx.ASGITransport(app=web, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://alerts") as client:
        yield Desk(desk.app, client, desk.tools)


def alert(**changes: Any) -> dict[str, Any]:
    return {
        "feed": "medical-insurance",
        "external_id": "YB-1",
        "type": "MEDICAL_STAY",
        "happened_on": "2023-07-31",
        "amount": 1_200_000,
        "division": COUNTY,
        "person": {"name": "王秀英", "document_number": document_number()},
    } | changes


async def test_a_department_s_key_opens_what_it_is_for_and_nothing_else(keyed: Desk) -> None:
    made = await keyed.done("/machines", FEED | {"division": "3701"}, ADMINISTRATOR)
    key = made["credential"]
    assert key.startswith("dxk_")
    await keyed.done("/alerts", alert(), key)
    await keyed.refused("/alerts", alert(feed="health"), key, "forbidden")
    await keyed.refused("/alerts", alert(external_id="YB-3", division="371721"), key, "forbidden")
    await keyed.refused("/orders", {}, key, "forbidden")
    await keyed.refused("/machines", FEED, key, "forbidden")
    assert (await keyed.get("/leads", key)).status_code == 403


async def test_a_key_is_shown_once_and_stands_nowhere(keyed: Desk) -> None:
    headers = {"Idempotency-Key": "let-them-in"}
    first = await keyed.post("/machines", FEED, ADMINISTRATOR, headers)
    again = await keyed.post("/machines", FEED, ADMINISTRATOR, headers)
    key = first.json()["credential"]
    assert again.json() == first.json() | {"credential": None}
    assert again.headers["Idempotency-Replayed"] == "true"
    shown = (await keyed.get("/machines", ADMINISTRATOR)).text
    async with keyed.app.database.reading() as tx:
        stored = await tx.raw.fetchval(
            "select string_agg(e::text, '') || (select string_agg(i::text, '') from es.idempotency"
            " i) || (select string_agg(k::text, '') from access.machine_key k) from es.event e"
        )
    assert key.split("_", 2)[2] not in stored + shown
    assert FEED["label"] not in orjson.dumps(await keyed.events()).decode()


async def test_a_rotated_key_serves_on_and_is_the_same_caller(keyed: Desk) -> None:
    made = await keyed.done("/machines", FEED, ADMINISTRATOR)
    path = f"/machines/{made['id']}"
    issued = await keyed.done(f"{path}/keys", {"overlap_hours": 24}, ADMINISTRATOR)
    first = await keyed.post("/alerts", alert(), made["credential"])
    again = await keyed.post("/alerts", alert(), issued["credential"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    now = await keyed.done(f"{path}/keys", {"overlap_hours": 0}, ADMINISTRATOR)
    for former in (made, issued):
        await keyed.refused("/alerts", alert(), former["credential"], "machine-key")
    await keyed.done("/alerts", alert(external_id="YB-2"), now["credential"])


async def test_a_key_taken_back_opens_nothing_and_says_so_in_the_list(keyed: Desk) -> None:
    made = await keyed.done("/machines", FEED, ADMINISTRATOR)
    path = f"/machines/{made['id']}"
    await keyed.done("/alerts", alert(), made["credential"])
    issued = await keyed.done(f"{path}/keys", {}, ADMINISTRATOR)
    revoked = {"key_id": made["events"][0]["data"]["key_id"]}
    await keyed.done(f"{path}/revocation", revoked, ADMINISTRATOR)
    await keyed.refused("/alerts", alert(), made["credential"], "machine-key")
    await keyed.done("/alerts", alert(external_id="YB-2"), issued["credential"])
    seen = (await keyed.get(path, ADMINISTRATOR)).json()
    latest, former = seen["keys"]
    assert (latest["valid"], latest["revoked_at"]) == (True, None)
    assert former["valid"] is False
    assert former["revoked_at"] is not None
    assert former["last_used_at"] is not None
    await keyed.done(f"{path}/revocation", {}, ADMINISTRATOR)
    await keyed.refused("/alerts", alert(), issued["credential"], "machine-key")
    assert [item["event"] for item in await keyed.events() if "Machine" in item["event"]] == [
        "MachineRegistered",
        "MachineKeyIssued",
        "MachineKeysRevoked",
        "MachineKeysRevoked",
    ]


@rule("R1", "R6")
async def test_an_administrator_keeps_the_machines_of_its_own_division(keyed: Desk) -> None:
    made = await keyed.done("/machines", FEED, ADMINISTRATOR)
    path, other = f"/machines/{made['id']}", "administrator:3717"
    await keyed.refused("/machines", FEED, other, "forbidden")
    await keyed.refused(f"{path}/keys", {}, other, "not-found")
    await keyed.refused(f"{path}/revocation", {}, other, "not-found")
    assert (await keyed.get(path, other)).status_code == 404
    assert (await keyed.get("/machines", other)).json() == {"items": []}
    await keyed.refused("/machines", FEED, "officer:37", "forbidden")
    await keyed.refused(
        "/machines", FEED | {"division": "370199"}, ADMINISTRATOR, "unknown-division"
    )
    await keyed.refused("/machines", FEED | {"feeds": []}, ADMINISTRATOR, "machine-scope")
    found = (await keyed.get("/machines", "inspector:37")).json()["items"]
    assert [(item["label"], item["kind"], item["feeds"]) for item in found] == [
        ("省医保局结算系统", "feed", ["medical-insurance"])
    ]
