"""The same load on one, two and four workers of every service: who reads what, and who sends.

``python -m bench.workers``: for each number of workers a whole cluster, the same households, the
same alerts as fast as they are answered. Told: how long until the log holds what became of the
last of them; how many partitions each worker of each consumer group reads; how many of a service's
processes relay (one, whatever their number). The cores are shared by everything, so more workers
than cores add no speed: what must show is that they share, and that nothing is doubled.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.protocol.admin import DescribeGroupsRequest, DescribeGroupsRequest_v2

from bench.latency import Phase, Watch, post, register
from bench.rounds import run
from dixian.home import Home
from dixian.provision import SERVICES, Tenant
from tests.chaos.checker import check
from tests.chaos.cluster import Cluster, base_for
from tests.chaos.collect import collected, kafka_log
from tests.end_to_end.counting import health_of, in_balance

_RELAYS = """
select count(*) from pg_locks
 where locktype = 'advisory' and granted and objsubid = 1
   and database = (select oid from pg_database where datname = current_database())
   and (classid::bigint << 32 | objid::bigint) = hashtextextended('es.reader:relay', 0)
"""
_RATE = 1e6


async def main(workers: Sequence[int], alerts: int, households: int) -> None:
    """Measure each number of workers and print."""
    for replicas in workers:
        with TemporaryDirectory(prefix="dixian-workers-", ignore_cleanup_errors=True) as directory:
            cluster = Cluster(
                Home(Path(directory)), base_for(replicas), replicas=replicas, by_road=False
            )
            try:
                await asyncio.to_thread(cluster.start)
                await _measure(cluster, alerts, households)
            finally:
                await asyncio.to_thread(cluster.close)


async def _measure(cluster: Cluster, alerts: int, households: int) -> None:
    people = await register(cluster.addresses, households)
    url = cluster.server.admin_url.replace("/postgres?", f"/{Tenant('audit').database}?")
    watch, phase = Watch(url), Phase(_RATE)
    watching = asyncio.create_task(watch.run())
    began = time.monotonic()
    await post(cluster.addresses, people, phase, alerts / _RATE, watch)
    answered = time.monotonic() - began
    relays = [await _relays(cluster, service) for service in SERVICES]
    shares = await _shares(cluster.bootstrap)
    audited = await watch.emptied() - began
    watching.cancel()
    print(
        f"\n{cluster.replicas} of each process, {alerts:,} alerts: all answered after"
        f" {answered:.1f} s ({alerts / answered:.0f}/s), all audited after {audited:.1f} s"
        f" ({alerts / audited:.0f}/s)"
    )
    print(f"  relays at work: {dict(zip(SERVICES, relays, strict=True))}")
    for group, partitions in sorted(shares.items()):
        print(f"  {group}: partitions of each worker {partitions}")
    assert relays == [1] * len(SERVICES), relays
    await asyncio.to_thread(cluster.eventually, "balance", lambda: _balanced(cluster) or None)
    found = await asyncio.to_thread(collected, cluster)
    found.sent, found.poison = await kafka_log(cluster.bootstrap)
    wrong = check(found)
    assert not wrong, wrong[:5]
    print(f"  {len(found.recorded):,} events: each everywhere, once")


def _balanced(cluster: Cluster) -> bool:
    return in_balance(health_of(cluster))


async def _relays(cluster: Cluster, service: str) -> int:
    connection = await cluster.connect(Tenant(service).database)
    try:
        return int(await connection.fetchval(_RELAYS))
    finally:
        await connection.close()


async def _shares(bootstrap: str) -> dict[str, list[int]]:
    """Of each consumer group, how many partitions each member reads."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [item[0] for item in await admin.list_consumer_groups()]
        asked: Any = DescribeGroupsRequest(names)
        # The client reads the third version's answer as if it were the second's, and fails.
        asked.prepare = lambda _versions: asked.build(DescribeGroupsRequest_v2)
        node = await admin.find_coordinator(names[0])
        answer = await admin._send_request(asked, node)  # noqa: SLF001
        return {
            group[1]: sorted(_partitions(member[-1]) for member in group[-1])
            for group in answer.groups
        }
    finally:
        await admin.close()


def _partitions(assignment: bytes) -> int:
    if not assignment:
        return 0
    topics = ConsumerProtocolMemberAssignment.decode(assignment).assignment
    return sum(len(partitions) for _, partitions in topics)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--alerts", type=int, default=3000)
    parser.add_argument("--households", type=int, default=300)
    given = parser.parse_args()
    workers = [int(number) for number in given.workers.split(",")]
    run(main(workers, given.alerts, given.households))
