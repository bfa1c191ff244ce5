"""A migrated audit database, used through the writer's role."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.keys import FileKey, KeyVerifier, LogSigner
from services.audit.schema import SCHEMA
from shared.kernel.clock import SystemClock
from shared.store.database import Database
from shared.store.migrate import Schema
from shared.testing.databases import Urls
from tests.integration.audit.door import Parts, assembled
from tests.integration.audit.support import KEY_SEED, NAME, Stopped


@pytest.fixture
async def urls(new_database: Callable[[Schema], Awaitable[Urls]]) -> Urls:
    return await new_database(SCHEMA)


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    found = Database(urls.writer, clock=SystemClock())
    yield found
    await found.close()


@pytest.fixture
def clock() -> Stopped:
    return Stopped()


@pytest.fixture
def writer(clock: Stopped) -> LogWriter:
    return LogWriter(NAME, clock)


@pytest.fixture
def publisher(database: Database, clock: Stopped) -> Publisher:
    return Publisher(database, FileKey(KEY_SEED), clock)


@pytest.fixture
def verifier() -> KeyVerifier:
    return KeyVerifier.parse(LogSigner(NAME.origin(2026), FileKey(KEY_SEED)).vkey())


@pytest.fixture
def service(urls: Urls, database: Database, tmp_path: Path) -> Parts:
    return assembled(urls, database, tmp_path)


@pytest.fixture
async def client(service: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://audit") as made:
        yield made
    await service.service.stop()


@pytest.fixture
def real_writer() -> LogWriter:
    return LogWriter(NAME, SystemClock())
