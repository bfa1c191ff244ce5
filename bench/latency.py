"""An alert over HTTP until its case stands and is audited, through Kafka, on a whole cluster.

``python -m bench.latency --rates 25,50,100,200``: PostgreSQL, Kafka and every service as processes
of their own on this machine, and the load beside them. Alerts are due at even times whether the
system keeps up or not; each one's time counts from when it was due until the log holds what
identification made of it. With rates that rise and fall (``20,100,20``) it shows a flood: what
waits when it ends, and how long until nothing does. ``--replicas 2``: two of each process.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx
import orjson

from bench.http_load import request
from bench.results import at_most
from bench.rounds import run
from dixian.demo.client import Addresses
from dixian.home import Home
from dixian.people import machine
from dixian.provision import Tenant
from tests.chaos.cluster import Cluster, base_for
from tests.chaos.load import OFFICER, POLICY, Load, acts

TARGET, LIMIT = 200.0, 1.0
"""Alerts a second, and seconds that 99 of 100 may take at that rate."""
CONNECTIONS, LOOK = 64, 0.02
_NEW = """
select idx, event_id::text, correlation_id::text, service, type from audit.entry
 where idx >= $1 order by idx
"""
_PATIENCE = 120.0


@dataclass
class Phase:
    """Some seconds at one rate."""

    rate: float
    answered: list[float] = field(default_factory=list)
    """Seconds from when an alert was due to its answer."""
    audited: list[float] = field(default_factory=list)
    """Seconds from when it was due until its case's event was audited."""
    waiting: int = 0
    """Alerts not yet audited when the phase ended."""
    emptied: float = 0.0
    """Seconds after the phase's end until none of its alerts waited."""


class Watch:
    """Looks at the log from outside and notes when it holds what."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.due: dict[str, tuple[float, Phase]] = {}
        """By the alert's event id."""
        self._by_correlation: dict[str, tuple[float, Phase]] = {}
        self._early: dict[str, tuple[str, float]] = {}
        self.open = 0

    def answered(self, event: str, due: float, phase: Phase) -> None:
        """An alert was answered; the log may already hold it."""
        self.due[event] = (due, phase)
        self.open += 1
        if event in self._early:
            self._link(event, self._early.pop(event)[0])

    async def run(self) -> None:
        """Look until cancelled."""
        connection = await asyncpg.connect(self._url)
        after, finished = 0, dict[str, float]()
        self._finished = finished
        while True:
            rows = await connection.fetch(_NEW, after)
            now = time.monotonic()
            for index, event, correlation, service, _kind in rows:
                after = index + 1
                if service == "alerts" and event in self.due:
                    self._link(event, correlation)
                elif service == "alerts":
                    self._early[event] = (correlation, now)
                elif service == "identification":
                    finished.setdefault(correlation, now)
            self._settle()
            await asyncio.sleep(LOOK)

    async def emptied(self) -> float:
        """When no alert waited any more, or when that took too long."""
        until = time.monotonic() + _PATIENCE
        while self.open and time.monotonic() < until:  # noqa: ASYNC110  (others' database)
            await asyncio.sleep(LOOK)
        return time.monotonic()

    def _link(self, event: str, correlation: str) -> None:
        self._by_correlation[correlation] = self.due[event]

    def _settle(self) -> None:
        for correlation in self._finished.keys() & self._by_correlation.keys():
            due, phase = self._by_correlation.pop(correlation)
            phase.audited.append(self._finished.pop(correlation) - due)
            self.open -= 1


async def post(
    addresses: Addresses, people: Sequence[str], phase: Phase, seconds: float, watch: Watch
) -> None:
    """Post alerts at the phase's rate, each when it is due."""
    due: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    key = {"authorization": f"Bearer {machine('medical-insurance').credential}"}
    head = {**key, "content-type": "application/json"}
    began = time.monotonic() + 0.1
    port = int(addresses.alerts.rsplit(":", 1)[1])
    for n in range(int(phase.rate * seconds)):
        body = orjson.dumps(
            {
                "feed": "medical-insurance",
                "external_id": f"L{began:.0f}-{n}",
                "type": "MEDICAL_STAY",
                "person": {"name": "赵", "document_number": people[n % len(people)]},
                "division": "370114",
                "amount": 2_000_000 + n,
                "happened_on": "2023-08-01",
            }
        )
        due.put_nowait((began + n / phase.rate, request("POST", "/alerts", head, body)))
    for _ in range(CONNECTIONS):
        due.put_nowait(None)
    await asyncio.gather(*(_sender(port, due, phase, watch) for _ in range(CONNECTIONS)))


async def _sender(port: int, due: Any, phase: Phase, watch: Watch) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (item := await due.get()) is not None:
        at, sent = item
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        answer = orjson.loads(await reader.readexactly(length))
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"{head!r} {answer}")
        phase.answered.append(time.monotonic() - at)
        watch.answered(answer["events"][0]["id"], at, phase)
    writer.close()


async def register(addresses: Addresses, count: int) -> list[str]:
    """Households over HTTP; the numbers of their people. One in five alerts opens a case."""
    load = Load(addresses, seed=1, per_second=1e6)
    wanted = [act for act, _ in zip(_households(), range(count), strict=False)]
    gate = asyncio.Semaphore(16)

    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:

        async def one(act: Any) -> None:
            async with gate:
                await load.ask(client, act)

        await load.ask(client, POLICY)
        await asyncio.gather(*(one(act) for act in wanted))
    if load.refused:
        raise RuntimeError(load.refused[0])
    return [act.body["members"][0]["document_number"] for act in wanted]


def _households() -> Any:
    return (act for act in acts(1) if act.who == OFFICER)


def percentile(found: Sequence[float], share: float) -> float:
    """The value below which that share lies."""
    ordered = sorted(found)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


async def main(rates: Sequence[float], seconds: float, households: int, replicas: int) -> None:
    """Measure and print."""
    with TemporaryDirectory(prefix="dixian-latency-", ignore_cleanup_errors=True) as directory:
        base = base_for(replicas)
        cluster = Cluster(Home(Path(directory)), base, replicas=replicas, by_road=False)
        try:
            await asyncio.to_thread(cluster.start)
            await _measure(cluster, rates, seconds, households)
        finally:
            await asyncio.to_thread(cluster.close)


async def _measure(
    cluster: Cluster, rates: Sequence[float], seconds: float, households: int
) -> None:
    began = time.monotonic()
    people = await register(cluster.addresses, households)
    print(f"{households:,} households registered in {time.monotonic() - began:.0f} s")
    url = cluster.server.admin_url.replace("/postgres?", f"/{Tenant('audit').database}?")
    watch = Watch(url)
    watching = asyncio.create_task(watch.run())
    await asyncio.sleep(2)
    phases = [Phase(rate) for rate in rates]
    for phase in phases:
        await post(cluster.addresses, people, phase, seconds, watch)
        phase.waiting, ended = watch.open, time.monotonic()
        if phase is phases[-1] or phase.rate < phases[phases.index(phase) + 1].rate:
            phase.emptied = await watch.emptied() - ended
    watching.cancel()
    _tell(phases, seconds, cluster.replicas)
    lost = watch.open
    assert lost == 0, f"{lost} alerts were never audited"


def _tell(phases: Sequence[Phase], seconds: float, replicas: int) -> None:
    print(f"\n{replicas} of each process, {seconds:.0f} s a phase")
    for phase in phases:
        answered, audited = phase.answered, phase.audited
        print(
            f"  {phase.rate:>5.0f}/s  answered p50 {percentile(answered, 0.5):.3f} s"
            f" p99 {percentile(answered, 0.99):.3f} s  audited p50 {percentile(audited, 0.5):.3f} s"
            f" p99 {percentile(audited, 0.99):.3f} s  {phase.waiting} waiting at its end,"
            f" none {phase.emptied:.1f} s later"
        )
        if phase.rate == TARGET and replicas == 1:
            at_most(
                f"{phase.rate:.0f} alerts/s for {seconds:.0f} s, the whole cluster and its load",
                "an alert over HTTP until its case is audited, p99",
                "s",
                [percentile(audited, 0.99)],
                LIMIT,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default="25,50,100,200")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--households", type=int, default=1000)
    parser.add_argument("--replicas", type=int, default=1)
    given = parser.parse_args()
    rates = [float(rate) for rate in given.rates.split(",")]
    run(main(rates, given.seconds, given.households, given.replicas))
