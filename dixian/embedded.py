"""The variables of the embedded shape, for the process that runs it and for commands beside it."""

import os
from collections.abc import Mapping

from dixian.errors import CannotStart
from dixian.home import Home
from dixian.keys import ADMIN
from dixian.layout import CONSOLE, ISSUER, url_of
from dixian.postgres import Postgres
from dixian.provision import EMBEDDED_BUS, SERVICES, Tenant
from dixian.settings import ProcessSettings


def set_defaults(home: Home, server: Postgres) -> None:
    """Set every variable of the embedded shape that is not set; what is set already wins."""
    for name, value in environment(home, server).items():
        os.environ.setdefault(name, value)


def join_running() -> None:
    """Let this command work on what ``make run`` is running here.

    Nothing is changed when databases are named by variables. Raises ``CannotStart`` when neither
    is so.
    """
    if any(name.endswith(("_DATABASE_URL", "_OWNER_URL")) for name in os.environ):
        return
    home = Home(ProcessSettings().home)
    if not home.postgres.exists() or (server := Postgres(home)).pid is None:
        raise CannotStart(
            f"Nothing is running on {home.root}. Start `make run` first, or name the databases "
            "by DIXIAN_…_DATABASE_URL and DIXIAN_…_OWNER_URL."
        )
    set_defaults(home, server)


def environment(home: Home, server: Postgres) -> Mapping[str, str]:
    """The variables of the embedded shape."""
    tenants = [Tenant(name) for name in (*SERVICES, EMBEDDED_BUS)]
    keys = home.keys.directory(ADMIN)
    return {
        "DIXIAN_MODE": "demo",
        "DIXIAN_BUS": "embedded",
        "DIXIAN_OIDC_ISSUER": url_of(ISSUER),
        "DIXIAN_ISSUER_URL": url_of(ISSUER),
        "DIXIAN_ISSUER_KEY_FILE": str(home.keys.directory(ISSUER) / "key.pem"),
        "DIXIAN_MASTER_KEY_FILE": str(keys / "master.key"),
        "DIXIAN_INDEX_KEY_FILE": str(keys / "index.key"),
        "DIXIAN_EVIDENCE_STORE": home.evidence.as_uri(),
        "DIXIAN_AUDIT_KEY_FILE": str(home.keys.directory("audit") / "audit-log.key"),
        "DIXIAN_CONSOLE_URL": url_of(CONSOLE),
        "DIXIAN_CONSOLE_KEY_FILE": str(home.keys.directory(CONSOLE) / "session.key"),
        **{f"DIXIAN_CONSOLE_{name.upper()}_URL": url_of(name) for name in SERVICES},
        # What a person sees in the terminal is the banner and what is wrong.
        "DIXIAN_LOG_LEVEL": "WARNING",
        "DIXIAN_LOG_FORMAT": "console",
        **{f"DIXIAN_{t.name.upper()}_DATABASE_URL": server.url(t, t.writer) for t in tenants},
        **{f"DIXIAN_{t.name.upper()}_OWNER_URL": server.url(t, t.owner) for t in tenants},
    }
