"""The service over HTTP on a real PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from services.identification.handlers import application
from services.identification.http import router
from services.identification.http.evidence import evidence
from services.identification.reactions import reactions
from services.identification.schema import SCHEMA
from shared.evidence.blobs import Blobs
from shared.evidence.room import EvidenceRoom
from shared.evidence.scanning import NoScanner
from shared.kernel.clock import ShiftedClock
from shared.policy.divisions import Divisions
from shared.store.database import Database
from shared.store.migrate import Schema
from shared.telemetry.metrics import Metrics
from shared.testing.access import TakenAtTheirWord
from shared.testing.casework import POLICY, World
from shared.testing.databases import Urls
from shared.vault.blind_index import BlindIndex
from shared.vault.ciphers import CipherName
from shared.vault.keyring import KeyFile, KeyRing
from shared.vault.master_key import FileMasterKey
from shared.vault.vault import Vault
from shared.web.app import create_app
from shared.web.settings import Mode, WebSettings


@pytest.fixture(scope="session")
def divisions() -> Divisions:
    return Divisions.load()


@pytest.fixture
async def urls(new_database: Callable[[Schema], Awaitable[Urls]]) -> Urls:
    return await new_database(SCHEMA)


def evidence_room(directory: Path) -> EvidenceRoom:
    """The service's evidence, in a directory; with its vault."""
    vault = Vault(FileMasterKey(KeyRing.new(CipherName.AES_256_GCM.value)))
    return EvidenceRoom(Blobs.at(directory.as_uri()), NoScanner(), vault, "identification")


@pytest.fixture
def index_keys(tmp_path: Path) -> Path:
    """The file of the index's keys."""
    path = tmp_path / "index.key"
    KeyRing.create(path, "CMAC-AES-256")
    return path


@pytest.fixture
def index(index_keys: Path) -> BlindIndex:
    """The index, which looks at its file whenever it is asked."""
    return BlindIndex(KeyFile(index_keys, elapsed=count(step=1.0).__next__))


@pytest.fixture
def room(tmp_path: Path) -> EvidenceRoom:
    return evidence_room(tmp_path)


@asynccontextmanager
async def worked(
    urls: Urls,
    divisions: Divisions,
    room: EvidenceRoom,
    index: BlindIndex | None = None,
    *,
    published: bool = True,
) -> AsyncIterator[World]:
    """The service on a database, a policy published, the calendar on 2023-08-01."""
    index = index or BlindIndex(KeyRing.new("CMAC-AES-256"))
    database = Database(urls.writer, clock=ShiftedClock())
    vault = room.vault
    service = application(database, vault=vault, index=index, divisions=divisions)
    app = create_app(
        service="identification",
        title="Identification",
        settings=WebSettings(mode=Mode.DEMO),
        routers=[
            router(service, vault=vault, index=index, divisions=divisions),
            evidence(service, room),
        ],
        authenticator=TakenAtTheirWord(),
        metrics=Metrics(),
        larger_bodies={"/evidence/": 2_000_000},
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://identification") as client:
        made = World(client, service, reactions(service))
        await made.day("2023-01-01")
        if published:
            await made.does("province", "/policy", policy=POLICY)
        await made.day("2023-08-01")
        for who in ("village", "town"):
            await made.does(who, "/officers/me")
        yield made
    await database.close()


@pytest.fixture
async def world(
    urls: Urls, divisions: Divisions, room: EvidenceRoom, index: BlindIndex
) -> AsyncIterator[World]:
    async with worked(urls, divisions, room, index) as made:
        yield made
