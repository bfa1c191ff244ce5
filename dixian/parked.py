"""``dixian parked``: what could not be handled, why, and handling it again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from rich.console import Console

from dixian.composition import module, settings_of
from dixian.errors import CannotStart
from shared.bus.brokers import open_broker
from shared.bus.parking import Parked, ParkedMessage
from shared.bus.settings import BusSettings


async def list_parked(names: Sequence[str], console: Console) -> None:
    """Print what waits in each service, the oldest first."""
    waiting = 0
    for name in names:
        async with _parked(name) as parked:
            for item in await parked.list():
                waiting += 1
                # Lines, no table: what has to be typed again is never cut short.
                for line in _lines(name, item):
                    console.print(line, soft_wrap=True, markup=False, highlight=False)
    if not waiting:
        console.print("Nothing is parked.")


async def show_parked(name: str, parked_id: UUID, console: Console) -> None:
    """Print one message whole. Raises ``CannotStart`` when there is none of that id."""
    async with _parked(name) as parked:
        found = await parked.show(parked_id)
    if found is None:
        raise CannotStart(f"{name} has parked nothing with the id {parked_id}.")
    item, message = found
    console.print_json(data={"reason": item.reason, "detail": item.detail, "message": message})


async def replay_parked(name: str, parked_id: UUID, console: Console) -> bool:
    """Handle it again, with everything behind it of the same key; whether nothing is left."""
    async with _parked(name) as parked:
        done = await parked.replay(parked_id)
    console.print(f"{done.done} handled, {done.left} of its key still parked. {done.failure}")
    return not done.left


@asynccontextmanager
async def _parked(name: str) -> AsyncIterator[Parked]:
    """The parked messages of a service, of which nothing is started."""
    broker = open_broker(BusSettings())
    try:
        service = module(name).create(settings_of(name), broker=broker)
        assert service.application is not None
        yield Parked(name, service.application.database, service.handler)
        await service.stop()
    finally:
        await broker.close()


def _lines(name: str, item: ParkedMessage) -> tuple[str, ...]:
    return (
        f"{name} {item.id}",
        f"  {item.parked_at:%Y-%m-%d %H:%M:%S}  {item.type} v{item.version}"
        f"  from {item.topic}/{item.part}@{item.off}",
        f"  {item.reason}  {item.detail}",
    )
