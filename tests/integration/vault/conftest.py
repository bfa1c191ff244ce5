"""A migrated database with a vault and machine keys, used in the service's own role."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from shared.kernel.clock import SystemClock
from shared.store.database import Database
from shared.store.migrate import SHARED, Schema, upgrade
from shared.store.tables import metadata as store_tables
from shared.testing.postgres import EmbeddedPostgres
from shared.vault.ciphers import CipherName
from shared.vault.keyring import KeyRing
from shared.vault.master_key import FileMasterKey
from shared.vault.tables import metadata as vault_tables
from shared.vault.vault import Vault
from shared.web.tables import metadata as access_tables

SCHEMA = Schema(
    service="vaulttest",
    locations=[SHARED / room / "migrations" for room in ("store", "vault", "web")],
    metadata=[store_tables, vault_tables, access_tables],
)
AT = datetime(2023, 8, 1, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Urls:
    """One test's database, in each role."""

    superuser: str
    writer: str
    reader: str


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    # Not under pytest's own directory: another run that begins closes it to the server's account.
    with (
        TemporaryDirectory(prefix="dixian-vault-", ignore_cleanup_errors=True) as directory,
        EmbeddedPostgres(Path(directory)) as running,
    ):
        logins = [f"alter role {role} login" for role in SCHEMA.roles.values()]
        asyncio.run(running.template("vaulttest", lambda url: upgrade(url, SCHEMA), *logins))
        yield running


@pytest.fixture
async def urls(server: EmbeddedPostgres) -> AsyncIterator[Urls]:
    async with server.fresh_database("vaulttest") as name:
        yield Urls(
            server.url(name),
            server.url(name, SCHEMA.roles["writer"]),
            server.url(name, SCHEMA.roles["reader"]),
        )


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    made = Database(urls.writer, clock=SystemClock())
    yield made
    await made.close()


@pytest.fixture(params=list(CipherName))
def cipher(request: pytest.FixtureRequest) -> CipherName:
    found: CipherName = request.param
    return found


@pytest.fixture
def ring(cipher: CipherName) -> KeyRing:
    return KeyRing.new(cipher.value)


@pytest.fixture
def vault(ring: KeyRing, cipher: CipherName) -> Vault:
    return Vault(FileMasterKey(ring), cipher=cipher)
