"""``dixian access``: who may call what, read off the applications themselves (``docs/access.md``).

A row per route, a column per role, the levels in the cell. What a principal may call is one half of
the rule; the other half holds for every row alike: it sees and acts in its own division's subtree.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI

from dixian.composition import module
from dixian.provision import SERVICES
from services.audit.log.keys import FileKey
from services.audit.settings import KEY_FILE
from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.evidence.settings import NO_SCAN, EvidenceSettings
from shared.kernel.division import Level
from shared.kernel.principal import Role
from shared.vault.settings import VaultSettings, create_missing_keys
from shared.web.routing import Access, access_table
from shared.web.service import Service, ServiceSettings
from shared.web.settings import Mode, OidcSettings, WebSettings

_SHOWN = tuple(role for role in Role if role is not Role.SYSTEM)
"""Dixian's own role comes from no token and no key, so no caller ever has it."""
_ALL = frozenset(Level)
_NOWHERE = "postgresql://nowhere/nothing"
_NOBODY = OidcSettings(issuer="https://issuer.invalid")
_INTRODUCTION = """\
# Who may call what

Written by `make contracts` from the permissions on the routes themselves; a test fails while this
page is not current, and another asks every route as every role at every level.

A cell names the levels at which a role may call the route: 村 village, 镇 town, 县 county, 市 city,
省 province, 国 nation; 全 every one of them; empty: never. Whatever stands here, a caller sees and
acts only within the subtree of its own division; what lies outside is answered as what does not
exist. `administrator`, `inspector` and `operator` are each held alone. `hotline` and `feed` are
machines with a key; nobody holds them by a token. A route that is *public* says nothing of any
household: health, numbers, the procedure as data, and the signed log, which anybody may verify.
"""


def applications() -> Mapping[str, FastAPI]:
    """Every service's application as it stands in production, connected to nothing."""
    with TemporaryDirectory() as directory:
        return {name: service(name, Path(directory)).app for name in SERVICES}


def service(
    name: str, keys: Path, *, database_url: str = _NOWHERE, oidc: OidcSettings = _NOBODY
) -> Service:
    """A service in production mode, not started; its keys are made in the directory ``keys``."""
    vault = VaultSettings(
        master_key_file=keys / "master.key",
        index_key_file=keys / "index.key",
    )
    create_missing_keys(vault)
    FileKey.at(keys / KEY_FILE, create=True)
    settings = ServiceSettings(
        name=name,
        database_url=database_url,
        web=WebSettings(mode=Mode.PRODUCTION),
        oidc=oidc,
        vault=vault,
        evidence=EvidenceSettings(store=keys.as_uri(), scan=NO_SCAN),
    )
    return module(name).create(settings, broker=EmbeddedBroker(connector(database_url)))


def document() -> str:
    """The page."""
    parts = [_INTRODUCTION]
    for name, app in applications().items():
        rows = sorted(access_table(app), key=lambda row: (row.path, row.method))
        parts += [f"\n## {name}\n", *_table(rows)]
    return "\n".join(parts) + "\n"


def write(path: Path) -> None:
    """Write the page."""
    path.write_text(document(), encoding="utf-8")


def _table(rows: Sequence[Access]) -> Iterator[str]:
    yield "| route | " + " | ".join(role.value for role in _SHOWN) + " |"
    yield "|---" * (len(_SHOWN) + 1) + "|"
    for row in rows:
        yield f"| `{row.method} {row.path}` | {' | '.join(_cells(row))} |"


def _cells(row: Access) -> Iterator[str]:
    for role in _SHOWN:
        if row.permission is None:
            yield "*public*"
        else:
            yield _levels(row.permission.levels) if role in row.permission.roles else ""


def _levels(levels: frozenset[Level]) -> str:
    if levels == _ALL:
        return "全"
    return "".join(level.label[0] for level in sorted(levels))
