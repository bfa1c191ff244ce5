"""What can go wrong, each as something that is done to a running cluster and undone again.

A fault is over when its coroutine returns: what it took away is back. What the system makes of it
is not looked at here but at the end, by the checker.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from dixian.demo.client import Client
from dixian.provision import SERVICES, Tenant
from shared.bus.cloudevents import topic
from tests.chaos.cluster import Cluster
from tests.chaos.proxy import OUTSIDE, Link

SLOW = 0.3
"""Seconds that a slow network adds to every piece of data, each way."""


@dataclass
class Stage:
    """What faults are done to, and by which chance."""

    cluster: Cluster
    chance: Random
    pause: float
    """Seconds that a fault lasts."""
    poison: dict[str, int] = field(default_factory=dict)
    """Malformed messages among each service's, once they were counted."""
    disk: bool = False
    """Whether the cluster's home is a file system of its own, which can be filled."""


Fault = Callable[[Stage], Awaitable[str]]
"""Does it; says to whom."""


async def kill(stage: Stage) -> str:
    """``kill -9`` of one of our processes."""
    return await killed(stage, stage.chance.choice(stage.cluster.processes))


async def killed(stage: Stage, name: str) -> str:
    """``kill -9`` of that one."""
    await asyncio.to_thread(stage.cluster.kill, name)
    return name


async def kill_service(stage: Stage) -> str:
    """``kill -9`` of every process of one service at once."""
    service = stage.chance.choice(SERVICES)
    names = [name for name in stage.cluster.processes if name.startswith(f"{service}-")]
    await asyncio.gather(*(killed(stage, name) for name in names))
    return service


async def freeze(stage: Stage) -> str:
    """One process stands still and goes on as if nothing had been."""
    name = stage.chance.choice(stage.cluster.processes)
    process = await asyncio.to_thread(stage.cluster.find, name)
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(stage.pause)
    process.send_signal(signal.SIGCONT)
    return name


async def stop_broker(stage: Stage) -> str:
    """The broker is restarted."""
    await asyncio.to_thread(stage.cluster.kill, "kafka", signal.SIGTERM)
    return "kafka, SIGTERM"


async def kill_broker(stage: Stage) -> str:
    """The broker dies."""
    return await killed(stage, "kafka")


async def stop_database(stage: Stage) -> str:
    """PostgreSQL is stopped at once ("immediate"): it recovers from its log."""
    await asyncio.to_thread(stage.cluster.kill, "postgres", signal.SIGQUIT)
    return "postgres, immediate"


async def kill_database(stage: Stage) -> str:
    """PostgreSQL's first process dies."""
    return await killed(stage, "postgres")


async def cut(stage: Stage) -> str:
    """Nothing passes between two of them; then what was sent arrives, late."""
    name, link = _link(stage)
    link.cut()
    await asyncio.sleep(stage.pause)
    link.mend()
    return name


async def reset(stage: Stage) -> str:
    """Every connection between two of them breaks."""
    name, link = _link(stage)
    link.reset()
    return name


async def slow(stage: Stage) -> str:
    """The network between two of them is slow."""
    name, link = _link(stage)
    link.delay = SLOW
    await asyncio.sleep(stage.pause)
    link.mend()
    return name


async def lose_answers(stage: Stage) -> str:
    """What a service answers does not arrive: connections break while it is on the way.

    The acts are recorded; who asked does not know it, and asks again.
    """
    service = stage.chance.choice(SERVICES)
    link = stage.cluster.roads[service].links[OUTSIDE]
    link.delay = SLOW
    await asyncio.sleep(stage.pause)
    link.reset()
    link.mend()
    return service


def _link(stage: Stage) -> tuple[str, Link]:
    """The way of a process to a server, or of all callers to a door."""
    parties = {*stage.cluster.processes, OUTSIDE}
    roads = stage.cluster.roads
    travelled = {name: sorted(parties & road.links.keys()) for name, road in roads.items()}
    server = stage.chance.choice(sorted(name for name, clients in travelled.items() if clients))
    client = stage.chance.choice(travelled[server])
    return f"{client} and {server}", roads[server].links[client]


async def deliver_again(stage: Stage) -> str:
    """Messages are delivered a second time, late: the oldest after the newest."""
    service = stage.chance.choice(SERVICES)
    with suppress(KafkaError):
        return f"{await _again(stage, topic(service))} of {service}"
    return f"{service}: the broker was away"


async def _again(stage: Stage, name: str) -> int:
    consumer = AIOKafkaConsumer(name, bootstrap_servers=stage.cluster.bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=stage.cluster.bootstrap, acks="all")
    try:
        await asyncio.gather(consumer.start(), producer.start())
        ends = await consumer.end_offsets(consumer.assignment())
        for part, end in sorted(ends.items()):
            consumer.seek(part, stage.chance.randrange(end) if end else 0)
        found = await consumer.getmany(timeout_ms=2000, max_records=200)
        messages = [message for some in found.values() for message in some]
        for message in messages:
            await producer.send_and_wait(
                name,
                message.value,
                key=message.key,
                partition=message.partition,
                headers=list(message.headers),
            )
        return len([item for item in messages if dict(item.headers).get("ce_id")])
    finally:
        await asyncio.gather(consumer.stop(), producer.stop())


async def poison(stage: Stage) -> str:
    """A message that is no event stands among the others."""
    service = stage.chance.choice(SERVICES)
    with suppress(KafkaError):
        await poisoned(stage, service)
        return service
    return f"{service}: the broker was away"


async def poisoned(stage: Stage, service: str) -> None:
    """Put one malformed message among a service's."""
    producer = AIOKafkaProducer(
        bootstrap_servers=stage.cluster.bootstrap, acks="all", enable_idempotence=True
    )
    try:
        await producer.start()
        key = str(uuid4()).encode()
        await producer.send_and_wait(topic(service), b"\xff{not an event", key=key)
    finally:
        await producer.stop()


async def jump(stage: Stage) -> str:
    """The business clock jumps forward by weeks; clocks run out meanwhile, all at once."""
    return await asyncio.to_thread(_jump, stage, stage.chance.randint(4, 12))


def _jump(stage: Stage, days: int) -> str:
    with stage.cluster.client() as client:
        to = client.today() + timedelta(days=days)
        _move(client, to)
    return f"to {to}"


def _move(client: Client, to: date) -> None:
    client.move_clock(to)


async def jump_back(stage: Stage) -> str:
    """One database's clock is set back by some days, as no endpoint allows, and put right again.

    All go forward first: what the load is about has happened on the first day, and stays past.
    """
    service, days = stage.chance.choice(SERVICES), timedelta(days=stage.chance.randint(1, 5))
    await asyncio.to_thread(_jump, stage, 5)
    await _shift(stage, service, -days)
    await asyncio.sleep(stage.pause)
    await _shift(stage, service, days)
    return f"{service}, {days.days} days and forth"


async def _shift(stage: Stage, service: str, days: timedelta) -> None:
    while True:
        with suppress(OSError, asyncpg.PostgresError):
            connection = await stage.cluster.connect(Tenant(service).database)
            try:
                await connection.execute("update es.demo_clock set shift = shift + $1", days)
            finally:
                await connection.close()
            return
        await asyncio.sleep(0.5)


async def fill_disk(stage: Stage) -> str:
    """The disk is full, for PostgreSQL, the broker and the logs alike; then there is room again."""
    ballast = stage.cluster.home.root / "ballast"
    await asyncio.to_thread(_fill, str(ballast))
    await asyncio.sleep(stage.pause)
    ballast.unlink()
    return str(stage.cluster.home.root)


def _fill(path: str) -> None:
    piece = bytes(1 << 20)
    with suppress(OSError), open(path, "wb", buffering=0) as file:  # noqa: PTH123
        while file.write(piece) == len(piece):
            pass
    assert os.path.getsize(path) > 0  # noqa: PTH202


FAULTS: Sequence[Fault] = (
    *(kill, kill, kill_service, freeze, stop_broker, kill_broker, stop_database, kill_database),
    *(cut, cut, slow, reset, lose_answers, deliver_again, poison, jump, jump_back),
)
"""What a long run chooses from, as often as each stands here."""
EVERY_KIND = tuple(dict.fromkeys(FAULTS))
"""Each once: a long run begins with all of them."""
