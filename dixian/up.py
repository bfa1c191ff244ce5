"""``dixian up``: the whole system in one process, on a PostgreSQL of its own.

What ``make run`` calls. Everything has a default that works; a variable that is set already wins.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any

import structlog
from rich.console import Console

from dixian import composition, embedded, hosting
from dixian.banner import show_banner
from dixian.demo import first
from dixian.demo import run as demo
from dixian.errors import CannotStart
from dixian.home import Home
from dixian.hosting import Hosted
from dixian.migrations import migrate
from dixian.postgres import Postgres
from dixian.provision import SERVICES
from dixian.settings import ProcessSettings
from dixian.signals import until_signalled
from shared.bus.brokers import open_broker
from shared.bus.port import Broker
from shared.bus.settings import BusSettings
from shared.telemetry.logs import LogSettings, configure
from shared.web.settings import Mode

Assemble = Callable[[Broker], Sequence[Hosted]]
_LOOK = 0.5
"""Seconds between looks whether the database still runs."""
log = structlog.get_logger("dixian.up")


def up(console: Console) -> None:
    """Run the system until Ctrl-C or SIGTERM. Raises ``CannotStart``."""
    if os.environ.get("DIXIAN_MODE", Mode.DEMO) != Mode.DEMO:
        raise CannotStart(
            "`dixian up` is the demo: its people and its clock are not for production. "
            "See deploy/docker-compose.yml, DIXIAN_OIDC_ISSUER and `dixian serve`."
        )
    home = Home(ProcessSettings().home)
    with home.held("dixian up"):
        home.keys.make()
        server = Postgres(home, say=lambda line: console.print(f"[dim]{line}[/]"))
        embedded.set_defaults(home, server)
        configure(LogSettings())
        hosting.run_loop(run(server, console, everything))


def everything(broker: Broker) -> list[Hosted]:
    """The issuer, the four services, each whole, and the console."""
    services = [composition.whole(name, broker) for name in SERVICES]
    return [composition.issuer(), *services, composition.console()]


async def run(server: Postgres, console: Console, assemble: Assemble) -> None:
    """Start the database, bring it up to date, run the services, and stop all in reverse.

    A signal at any moment, during the start too, leads to a clean stop.
    """
    with until_signalled() as stop:
        try:
            async with contextlib.AsyncExitStack() as stack:
                if await _unless(stop, _prepare(server, console)):
                    await _serve(server, console, assemble, stop, stack)
        finally:
            await asyncio.to_thread(server.stop)
    console.print("Stopped; the data stays. Start again with [bold]make run[/].", style="dim")


async def _serve(
    server: Postgres,
    console: Console,
    assemble: Assemble,
    stop: asyncio.Event,
    stack: contextlib.AsyncExitStack,
) -> None:
    """Run everything until ``stop``; leaving ``stack`` ends it in reverse."""
    broker = open_broker(BusSettings())
    stack.push_async_callback(broker.close)
    await stack.enter_async_context(_watched(server))
    hosted = assemble(broker)
    await stack.enter_async_context(hosting.hosting(hosted, stop))
    await _unless(stop, _begun(console))
    show_banner(console, hosted)
    await stop.wait()
    console.print("\nStopping ...", style="dim")


async def _prepare(server: Postgres, console: Console) -> None:
    with console.status("starting PostgreSQL ..."):
        await asyncio.to_thread(server.start)
    with console.status("bringing the databases up to date ..."):
        await migrate(console, server.password_of, admin_url=server.admin_url)


async def _begun(console: Console) -> None:
    said = await asyncio.to_thread(first.prepare, demo.addresses())
    if said:
        console.print(said, style="dim")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do ``work``, or give it up when ``stop`` comes first; whether it was done."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        working.result()
        return True
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return False


@contextlib.asynccontextmanager
async def _watched(server: Postgres) -> AsyncIterator[None]:
    """Start the database again whenever it is gone, for as long as the block runs."""
    watching = asyncio.create_task(hosting.keep_running("postgres", _keep_alive(server)))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _keep_alive(server: Postgres) -> Callable[[], Awaitable[None]]:
    async def watch() -> None:
        while True:
            await asyncio.sleep(_LOOK)
            if await asyncio.to_thread(lambda: server.pid) is None:
                log.warning("postgres is gone; starting it again")
                await asyncio.to_thread(server.start)

    return watch
