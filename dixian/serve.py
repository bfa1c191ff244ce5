"""``dixian serve``, ``issuer`` and ``console``: one process of the production shape."""

from enum import StrEnum

from dixian import composition, hosting
from dixian.hosting import Hosted
from shared.bus.brokers import open_broker
from shared.bus.port import Broker
from shared.bus.settings import BusSettings
from shared.telemetry.logs import LogSettings, configure


class Part(StrEnum):
    """Which half of a service a process runs."""

    HTTP = "http"
    WORKER = "worker"


def serve(name: str, part: Part, replica: int) -> None:
    """Run one half of a service until SIGTERM or SIGINT."""
    configure(LogSettings())
    hosting.run_loop(_serve(name, part, replica))


def issuer() -> None:
    """Run the demo's issuer until SIGTERM or SIGINT."""
    configure(LogSettings())
    hosting.run_loop(hosting.run([composition.issuer()]))


def console() -> None:
    """Run the pages until SIGTERM or SIGINT."""
    configure(LogSettings())
    hosting.run_loop(hosting.run([composition.console()]))


async def _serve(name: str, part: Part, replica: int) -> None:
    broker = open_broker(BusSettings())
    try:
        await hosting.run([_hosted(name, part, replica, broker)])
    finally:
        await broker.close()


def _hosted(name: str, part: Part, replica: int, broker: Broker) -> Hosted:
    make = composition.http if part is Part.HTTP else composition.worker
    return make(name, broker, replica)
