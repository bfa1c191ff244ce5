"""The real command line over a small system, so that starting and stopping can be tested alone.

The database, its migrations, the divisions, the bus, the servers and the signals are the real ones;
in place of the four services there are four that only answer. Run as a program by ``test_up``.
"""

import asyncio
import sys
from types import ModuleType
from typing import Any

from fastapi import FastAPI

from dixian import composition, migrations
from dixian.cli import app
from dixian.layout import PORTS
from dixian.provision import SERVICES
from shared.bus.port import Broker
from shared.store.migrate import SHARED, Schema
from shared.store.reference.tables import MIGRATIONS
from shared.web.service import Service, ServiceSettings


def create(settings: ServiceSettings, *, broker: Broker) -> Service:
    """A service that answers, and a worker that says when it ends."""
    api = FastAPI()

    @api.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"service": settings.name, "database": settings.database_url.partition("?")[0]}

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            sys.stdout.write(f"{settings.name}: worker ended\n")

    return Service(settings.name, api, [work])


def pretend(name: str) -> Any:
    """What ``services.<name>.main`` would be."""
    module: Any = ModuleType(name)
    module.create = create
    module.SCHEMA = Schema(name, [SHARED / "store" / "migrations", MIGRATIONS], [])
    return module


if __name__ == "__main__":
    modules = {name: pretend(name) for name in SERVICES}
    composition.module = modules.__getitem__
    migrations.module = modules.__getitem__
    for name in SERVICES:
        PORTS[name] = int(sys.argv.pop(1))
    app(prog_name="dixian")
