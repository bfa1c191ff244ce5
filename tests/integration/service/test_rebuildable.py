"""Every service's read models can be rebuilt: nothing hangs on them that a copy would lose."""

from pathlib import Path

import pytest

from services.alerts import main as alerts
from services.assistance import main as assistance
from services.audit import main as audit
from services.identification import main as identification
from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.evidence.settings import EvidenceSettings
from shared.store.drift import drift
from shared.store.rebuild import rebuild
from shared.testing.databases import service_database
from shared.testing.postgres import EmbeddedPostgres
from shared.vault.settings import VaultSettings, create_missing_keys
from shared.web.service import ServiceSettings
from shared.web.settings import Mode, OidcSettings, WebSettings

MODULES = {
    "alerts": alerts,
    "identification": identification,
    "assistance": assistance,
    "audit": audit,
}


@pytest.mark.parametrize("name", MODULES)
async def test_it_can_be_rebuilt(
    postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("DIXIAN_AUDIT_KEY_FILE", str(tmp_path / "audit-log.key"))
    vault = VaultSettings(
        master_key_file=tmp_path / "master.key", index_key_file=tmp_path / "index.key"
    )
    create_missing_keys(vault)
    async with service_database(postgres, MODULES[name].SCHEMA) as urls:
        settings = ServiceSettings(
            name=name,
            database_url=urls.writer,
            web=WebSettings(mode=Mode.DEMO),
            oidc=OidcSettings(issuer="https://issuer.invalid"),
            vault=vault,
            evidence=EvidenceSettings(store=tmp_path.as_uri()),
        )
        broker = EmbeddedBroker(connector(urls.writer))
        service = MODULES[name].create(settings, broker=broker)
        application = service.application
        assert application is not None
        await rebuild(urls.owner, name, application.aggregates, application.views)
        assert await drift(urls.owner, MODULES[name].SCHEMA) == []
        await service.stop()
        await broker.close()
