"""The alerts service on a real database, behind its own door; its neighbours are their events."""

from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import Request

from services.alerts.feed_work import FeedWorker, Sizes
from services.alerts.handlers import Tools, application
from services.alerts.http import LARGER_BODIES, router
from services.alerts.http.evidence import evidence
from services.alerts.reactions import reactions
from services.alerts.schema import SCHEMA
from shared.bus.cloudevents import cause as cause_of
from shared.bus.handler import Each, Run
from shared.contracts.identification import HouseholdIndexed, HouseholdRegistered
from shared.contracts.members import IndexToken, Member
from shared.contracts.values import History, Labour
from shared.evidence.blobs import Blobs
from shared.evidence.room import EvidenceRoom
from shared.evidence.scanning import NoScanner
from shared.kernel.clock import ShiftedClock, legal_date
from shared.kernel.event import Event, Metadata, Recorded
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role, system
from shared.policy.divisions import Divisions
from shared.store.application import Application
from shared.store.database import Database
from shared.telemetry.metrics import Metrics
from shared.vault.documents import check_character, parse_document
from shared.vault.settings import VaultSettings, create_missing_keys, open_vault
from shared.web.app import create_app
from shared.web.auth import bearer
from shared.web.outbound import Guard, OutboundSettings
from shared.web.settings import Mode, WebSettings
from tests.conftest import NewDatabase

COUNTY, TOWN, VILLAGE = "370114", "370114001", "370114001001"
OTHER_TOWN = "370114002"
ROLES = {"officer": Role.OFFICER, "hotline": Role.HOTLINE, "feed": Role.FEED}
ROLES |= {"inspector": Role.INSPECTOR, "administrator": Role.ADMINISTRATOR}
ROLES |= {"operator": Role.OPERATOR, "portal": Role.PORTAL}


def document_number(serial: int = 1, *, born: str = "19650308") -> str:
    """A valid number nobody has."""
    body = f"370181{born}{serial:03d}"
    return body + check_character(body)


class Callers:
    """``Bearer <role>:<division>[:<feed>,<feed>]`` is believed."""

    async def authenticate(self, request: Request) -> Principal:
        role, division, *feeds = bearer(request.headers.getlist("authorization")).split(":")
        posts = frozenset(feeds[0].split(",")) if feeds else frozenset()
        return Principal(f"{role}:{division}", frozenset({ROLES[role]}), division, posts)


@dataclass
class Desk:
    """The service and somebody to speak to it."""

    app: Application
    client: httpx.AsyncClient
    tools: Tools
    url: str = ""
    """The writer's."""
    versions: dict[UUID, int] = field(default_factory=dict)

    async def post(
        self, path: str, body: Any, caller: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return await self.client.post(
            path, json=body, headers={"Authorization": f"Bearer {caller}", **(headers or {})}
        )

    async def send(self, path: str, content: bytes, caller: str) -> httpx.Response:
        return await self.client.post(
            path, content=content, headers={"Authorization": f"Bearer {caller}"}
        )

    async def get(self, path: str, caller: str) -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {caller}"})

    async def done(self, path: str, body: Any, caller: str) -> dict[str, Any]:
        """Post, and expect that it was done."""
        response = await self.post(path, body, caller)
        assert response.status_code in (200, 201), response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def refused(self, path: str, body: Any, caller: str, code: str) -> dict[str, Any]:
        """Post, and expect the refusal ``code``."""
        response = await self.post(path, body, caller)
        problem: dict[str, Any] = response.json()
        assert problem.get("code") == code, response.text
        return problem

    async def today(self, day: str) -> None:
        """Make it that day, at noon in Shanghai."""
        noon = datetime.fromisoformat(f"{day}T04:00:00+00:00")
        await self.app.database.move_clock(noon - datetime.now(UTC))

    @asynccontextmanager
    async def worker(
        self, *, rows: int = 50_000, open_rows: int = 2_000
    ) -> AsyncIterator[FeedWorker]:
        """Somebody to compare files, a thread standing in for the other process."""
        made = FeedWorker(
            self.app,
            self.tools,
            executor=lambda: ThreadPoolExecutor(1),
            sizes=Sizes(rows, open_rows),
        )
        try:
            yield made
        finally:
            made.close()

    async def compared(self, sent: httpx.Response, **sizes: int) -> dict[str, Any]:
        """A file that was taken in, after all its rows were compared."""
        assert sent.status_code == 202, sent.text
        async with self.worker(**sizes) as worker:
            while await worker.once():
                pass
        found: dict[str, Any] = (
            await self.get(f"/feed-files/{sent.json()['id']}", f"officer:{COUNTY[:2]}")
        ).json()
        return found

    async def tick(self) -> int:
        return await self.app.tick(system("alerts"))

    async def hear(self, event: Event, stream: UUID | None = None, by: Any = None) -> None:
        """Take in a neighbour's event as the consumer does."""
        recorded = self._recorded(event, stream or new_id())
        async with self.app.database.transaction() as tx:
            await (by or reactions(self.app)[type(event)])(tx, recorded, cause_of(recorded))

    async def hear_run(self, told: Sequence[tuple[UUID, Event]], *, run: Run | None) -> None:
        """Take in a neighbour's events that come together, each with its stream."""
        events = [self._recorded(event, stream) for stream, event in told]
        async with self.app.database.transaction() as tx:
            await Each(reactions(self.app), run=run).handle(tx, events)

    def _recorded(self, event: Event, stream: UUID) -> Recorded[Any]:
        self.versions[stream] = self.versions.get(stream, 0) + 1
        return Recorded(
            event_id=new_id(),
            stream_id=stream,
            category="neighbour",
            version=self.versions[stream],
            key=stream,
            region=VILLAGE,
            occurred_on=legal_date(datetime.now(UTC)),
            recorded_at=datetime.now(UTC),
            event=event,
            metadata=Metadata("s", "CN", (), new_id(), new_id()),
        )

    async def household(
        self,
        *numbers: str,
        village: str = VILLAGE,
        history: History = History.ORDINARY,
        relocated: bool = False,
    ) -> UUID:
        """Register a household whose members have these document numbers."""
        household_id = new_id()
        members = [
            Member(member_id=new_id(), labour=Labour.ORDINARY, hukou="RURAL") for _ in numbers
        ]
        await self.hear(
            HouseholdRegistered(
                household_id=household_id,
                division=village,
                residence=village,
                history=history,
                relocated=relocated,
                members=tuple(members),
            ),
            household_id,
        )
        tokens = [
            IndexToken(member_id=member.member_id, token=token.hex())
            for member, number in zip(members, numbers, strict=True)
            for token in self.tools.index.tokens(parse_document(number))
        ]
        await self.hear(
            HouseholdIndexed(
                household_id=household_id, division=village, key_id="1", tokens=tuple(tokens)
            ),
            household_id,
        )
        return household_id

    async def events(self, *types: str) -> list[dict[str, Any]]:
        """What was recorded, in order: type and data."""
        async with self.app.database.reading() as tx:
            rows = await tx.raw.fetch("select type, data::text from es.event order by pos")
        found = [{**orjson.loads(row["data"]), "event": row["type"]} for row in rows]
        return [item for item in found if not types or item["event"] in types]


@pytest.fixture(scope="session")
def divisions() -> Divisions:
    return Divisions.load()


@pytest.fixture
async def desk(
    new_database: NewDatabase, tmp_path: Path, divisions: Divisions
) -> AsyncIterator[Desk]:
    urls = await new_database(SCHEMA)
    database = Database(urls.writer, clock=ShiftedClock(timedelta()))
    settings = VaultSettings(
        master_key_file=tmp_path / "master.json", index_key_file=tmp_path / "index.json"
    )
    create_missing_keys(settings)
    vault, index = open_vault(settings)
    tools = Tools(vault, index, divisions, Guard(Mode.DEMO, OutboundSettings()))
    app = application(database, tools)
    room = EvidenceRoom(Blobs.at((tmp_path / "files").as_uri()), NoScanner(), vault, "alerts")
    web = create_app(
        service="alerts",
        title="alerts",
        settings=WebSettings(mode=Mode.DEMO),
        routers=[router(app, tools), evidence(app, room)],
        authenticator=Callers(),
        metrics=Metrics(),
        larger_bodies=LARGER_BODIES,
    )
    transport = httpx.ASGITransport(app=web, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://alerts") as client:
        desk = Desk(app, client, tools, url=urls.writer)
        await desk.today("2023-08-01")
        yield desk
    await database.close()


def order(number: str = "GD20230801-0001", **changes: Any) -> dict[str, Any]:
    """A call on Tuesday, 1 August 2023."""
    given = {
        "order_no": number,
        "kind": "APPLY",
        "called_on": "2023-08-01",
        "division": TOWN,
        "caller": {"name": "王秀英", "phone": "13805310001", "document_number": document_number()},
        "text": "丈夫透析,自付费用高,家里撑不住了",
        "risks": ["ILLNESS"],
    }
    return given | changes


def day(text: str) -> date:
    return date.fromisoformat(text)
