"""The assistance service on a database of its own, behind its door, without a network."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import Request

from services.assistance.handlers import application
from services.assistance.http import router
from services.assistance.http.evidence import evidence
from services.assistance.reactions import reactions
from services.assistance.schema import SCHEMA
from shared.contracts.identification import Approved, PolicyPublished
from shared.contracts.values import Category, History, Risk
from shared.evidence.blobs import Blobs
from shared.evidence.room import EvidenceRoom
from shared.evidence.scanning import NoScanner
from shared.kernel.clock import ShiftedClock
from shared.kernel.event import Cause, Event, Metadata, Recorded
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role, system
from shared.policy.divisions import Divisions
from shared.policy.parameters import Parameters, PolicyVersion
from shared.store.application import Application
from shared.store.database import Database
from shared.store.migrate import Schema
from shared.telemetry.metrics import Metrics
from shared.testing.databases import Urls
from shared.vault.ciphers import CipherName
from shared.vault.keyring import KeyRing
from shared.vault.master_key import FileMasterKey
from shared.vault.vault import Vault
from shared.web.app import create_app
from shared.web.settings import Mode, WebSettings

VILLAGE = "370112001001"
PEOPLE = {
    "village": Principal("person:village", frozenset({Role.OFFICER}), VILLAGE),
    "other-village": Principal("person:other", frozenset({Role.OFFICER}), "370112001002"),
    "town": Principal("person:town", frozenset({Role.OFFICER}), "370112001"),
    "county": Principal("person:county", frozenset({Role.OFFICER}), "370112"),
    "department": Principal("person:department", frozenset({Role.DEPARTMENT}), "370112"),
    "committee": Principal("person:committee", frozenset({Role.COMMITTEE}), "370112"),
    "province": Principal("person:province", frozenset({Role.OFFICER}), "37"),
    "inspector": Principal("person:inspector", frozenset({Role.INSPECTOR}), "37"),
    "operator": Principal("person:operator", frozenset({Role.OPERATOR}), "37"),
}
POLICY = PolicyVersion(
    version="37/2023-1",
    document="鲁农发〔2023〕1号",
    division="37",
    effective_from=date(2023, 1, 1),
    parameters=Parameters(monitoring_line={2023: 800_000, 2024: 860_000}),
)


DIVISIONS = Divisions.load()


class TakenAtTheirWord:
    """Stands for the issuer: the header says who it is."""

    async def authenticate(self, request: Request) -> Principal:
        return PEOPLE[request.headers["x-person"]]


@dataclass
class Office:
    """The service as people and neighbours meet it, on a clock that the test sets."""

    app: Application
    client: httpx.AsyncClient
    versions: dict[UUID, int] = field(default_factory=dict)

    async def today_is(self, day: str) -> None:
        """Move the clock to noon of a day."""
        noon = datetime.fromisoformat(f"{day}T04:00:00+00:00")
        await self.app.database.move_clock(noon - datetime.now(UTC))

    async def hears(self, event: Event, *, on: str, household_id: UUID | None = None) -> None:
        """Take a neighbour's event in, in a transaction, as the consumer does."""
        recorded = _recorded(event, date.fromisoformat(on), household_id or new_id())
        cause = Cause(correlation_id=recorded.event_id, causation_id=recorded.event_id)
        async with self.app.database.transaction() as tx:
            await reactions(self.app)[type(event)](tx, recorded, cause)

    async def get(self, who: str, path: str, **query: Any) -> httpx.Response:
        return await self.client.get(path, params=query, headers={"x-person": who})

    async def post(
        self, who: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        asked = {
            "x-person": who,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if key is not None:
            asked["Idempotency-Key"] = key
        return await self.client.post(path, json=body or {}, headers=asked)

    async def does(self, who: str, path: str, body: Any = None) -> dict[str, Any]:
        """An act that must succeed; its receipt."""
        answer = await self.post(who, path, body)
        assert answer.status_code in {200, 201}, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def refused(
        self, who: str, path: str, body: Any = None, *, rule: str, status: int = 422
    ) -> dict[str, Any]:
        """An act that a rule must refuse; the problem."""
        answer = await self.post(who, path, body)
        assert answer.status_code == status, answer.text
        problem: dict[str, Any] = answer.json()
        assert problem.get("rule", "") == rule, problem
        return problem

    async def events(self, stream_id: str) -> list[str]:
        async with self.app.database.reading() as tx:
            rows = await tx.raw.fetch(
                "select type from es.event where stream_id = $1 order by version", UUID(stream_id)
            )
        return [row["type"] for row in rows]

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.app.database.reading() as tx:
            return [dict(row) for row in await tx.raw.fetch(statement, *values)]


def _recorded(event: Event, on: date, key: UUID) -> Recorded[Event]:
    principal = system(event.service)
    return Recorded(
        event_id=new_id(),
        stream_id=getattr(event, "case_id", new_id()),
        category="case",
        version=1,
        key=key,
        region=VILLAGE,
        occurred_on=on,
        recorded_at=datetime.now(UTC),
        event=event,
        metadata=Metadata(principal.subject, "CN", ("system",), new_id(), new_id()),
    )


def approved(on: str, **changes: Any) -> Approved:
    """The county approved: a formerly poor family of four, able to work, ill."""
    facts: dict[str, Any] = {
        "on": date.fromisoformat(on),
        "case_id": new_id(),
        "household_id": new_id(),
        "division": VILLAGE,
        "category": Category.UNSTABLE_EXIT,
        "risks": (Risk.ILLNESS,),
        "gaps": (),
        "identified_on": date.fromisoformat(on),
        "authority": "章农委〔2023〕8号",
        "members": 4,
        "labour_capable": True,
        "per_capita_net": 775_000,
        "history": History.FORMERLY_POOR,
        "deadlines": (),
    }
    return Approved(**(facts | changes))


@pytest.fixture
async def urls(new_database: Callable[[Schema], Awaitable[Urls]]) -> Urls:
    return await new_database(SCHEMA)


@pytest.fixture
async def office(urls: Urls, tmp_path: Path) -> AsyncIterator[Office]:
    database = Database(urls.writer, clock=ShiftedClock())
    vault = Vault(FileMasterKey(KeyRing.new(CipherName.AES_256_GCM.value)))
    app = application(database, vault, DIVISIONS)
    room = EvidenceRoom(Blobs.at(tmp_path.as_uri()), NoScanner(), vault, "assistance")
    web = create_app(
        service="assistance",
        title="Assistance",
        settings=WebSettings(mode=Mode.DEMO),
        routers=[router(app, vault, DIVISIONS), evidence(app, room)],
        authenticator=TakenAtTheirWord(),
        metrics=Metrics(),
    )
    transport = httpx.ASGITransport(app=web)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        made = Office(app, client)
        await made.today_is("2023-03-01")
        await made.hears(PolicyPublished(policy=POLICY), on="2023-01-01")
        yield made
    await database.close()
