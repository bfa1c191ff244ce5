"""The service as its callers see it, and who they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import Request

from services.audit.log.checkpoints import Publisher
from services.audit.log.keys import FileKey
from services.audit.main import application, create
from services.audit.settings import AuditSettings
from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.evidence.settings import EvidenceSettings
from shared.kernel.clock import SHANGHAI, SystemClock
from shared.kernel.principal import Principal, Role
from shared.store.application import Application
from shared.store.database import Database
from shared.testing.databases import Urls
from shared.vault.settings import VaultSettings, create_missing_keys, open_vault
from shared.web.service import Service, ServiceSettings
from shared.web.settings import Mode, OidcSettings, WebSettings

YEAR = SystemClock().now().astimezone(SHANGHAI).year
ORIGIN = f"dixian.example/37/{YEAR}"


class Says:
    """Believes what the token says: ``officer,principal:3701:p-1``, or ``…:p-1:p-2`` for p-2."""

    async def authenticate(self, request: Request) -> Principal:
        said = request.headers["authorization"].split(" ")[1].split(":")
        roles, division, subject, absent = (*said, "")[:4]
        held = frozenset(map(Role, roles.split(",")))
        return Principal(subject, held, division, on_behalf_of=absent)


@dataclass
class Parts:
    """The service, and the parts of it that a test moves by hand."""

    service: Service
    database: Database
    application: Application
    publisher: Publisher


def settings_of(urls: Urls, tmp_path: Path) -> ServiceSettings:
    """The service on a database, its keys and files below a directory."""
    vault = VaultSettings(
        master_key_file=tmp_path / "master.key", index_key_file=tmp_path / "index.key"
    )
    create_missing_keys(vault)
    return ServiceSettings(
        name="audit",
        database_url=urls.writer,
        web=WebSettings(mode=Mode.DEMO),
        oidc=OidcSettings(issuer="http://127.0.0.1:9"),
        vault=vault,
        evidence=EvidenceSettings(store=tmp_path.as_uri()),
    )


def assembled(
    urls: Urls, database: Database, tmp_path: Path, own: AuditSettings | None = None
) -> Parts:
    settings = settings_of(urls, tmp_path)
    broker = EmbeddedBroker(connector(urls.writer))
    made = create(settings, broker=broker, own=own or AuditSettings(), authenticator=Says())
    key = FileKey.at(tmp_path / "audit-log.key")
    publisher = Publisher(database, key, SystemClock())
    return Parts(
        made, database, application(database, open_vault(settings.vault)[0], key), publisher
    )


def by(role: str, division: str, subject: str = "p-1") -> dict[str, str]:
    return {"Authorization": f"Bearer {role}:{division}:{subject}", "Accept-Language": "en"}


INSPECTOR = by("inspector", "37")
COUNTY = by("inspector", "370102")
ELSEWHERE = by("inspector", "370202")


async def got(client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None) -> Any:
    answer = await client.get(path, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return answer.json() if "json" in answer.headers["content-type"] else answer.content


async def refused(
    client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    answer = await client.get(path, headers=headers or {})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]
