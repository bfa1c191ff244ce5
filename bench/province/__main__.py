"""A province's year on a whole cluster, driven over HTTP; ``make province``.

``python -m bench.province --scale 0.02``: PostgreSQL, Kafka and every service as processes of
their own on this machine, and the province that drives them beside them. The year is a hundredth
or so of a province's (a scale of 1: 2,000,000 people, 600,000 alerts a month, 30,000 calls a
month); the flood is the real one, 5,000 households in a day. What was seen is written to
``bench/province.json`` and told; at the end every count is recounted from the log.
"""

import argparse
import asyncio
import json
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bench.province import recount
from bench.province.hands import Hands, Pace, percentiles
from bench.province.people import population
from bench.province.places import Desks, Places
from bench.province.watch import Watch
from bench.province.year import Scale, Year
from bench.rounds import run
from dixian.home import Home
from dixian.provision import SERVICES, Tenant
from shared.policy.divisions import Divisions
from tests.chaos.cluster import Cluster, base_for

PEOPLE, ALERTS, CALLS, FLOOD = 2_000_000, 600_000, 30_000, 5_000
RESULT = Path(__file__).parents[1] / "province.json"


async def main(seed: int, scale: Scale, replicas: int, keep: Path | None) -> None:
    """Live the year and tell. Ends the program with an error when a count is wrong."""
    with TemporaryDirectory(prefix="dixian-province-", ignore_cleanup_errors=True) as directory:
        cluster = Cluster(
            Home(Path(directory)), base_for(replicas), replicas=replicas, by_road=False
        )
        try:
            await asyncio.to_thread(cluster.start)
            await _lived(cluster, seed, scale, keep)
        finally:
            await asyncio.to_thread(cluster.close)


async def _lived(cluster: Cluster, seed: int, scale: Scale, keep: Path | None) -> None:
    chance = Random(seed)
    villages = Places.chosen(Divisions.load(), chance, scale.people // 3)
    homes = population(scale.people, villages.villages, chance)
    hands = Hands(
        cluster.addresses,
        Desks.of(cluster.inside, cluster.addresses.issuer),
        Pace(scale.steady),
    )
    watch = Watch(cluster.addresses)
    year = Year(hands, watch, villages, homes, scale, chance, _say)
    _say(f"{len(homes):,} households in {len(villages.villages)} villages of 16 cities")
    await year.begin()
    _say(f"registered in {year.took['register']:.0f} s, everywhere after"
         f" {year.took['register, until everywhere']:.0f} s")  # fmt: skip
    watching = asyncio.create_task(watch.run())
    await year.live()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    began = time.monotonic()
    await watch.night()
    log = {service: await recount.log_of(cluster, service) for service in SERVICES}
    wrong = [*await recount.recounted(year, log), *await recount.everywhere(cluster), *year.refused]
    year.took["recount and verify"] = time.monotonic() - began
    found = await _found(year, cluster, log, seed, wrong)
    hands.close()
    _tell(found)
    for item in wrong[:50]:
        print(f"WRONG    {item}")
    if keep:
        await asyncio.to_thread(keep.write_text, json.dumps(found, ensure_ascii=False, indent=1))
    if wrong:
        sys.exit(f"{len(wrong)} things are wrong")


async def _found(year: Year, cluster: Cluster, log: Any, seed: int, wrong: list[str]) -> Any:
    events = {service: len(log[service]) for service in SERVICES}
    hands, scale = year.hands, year.scale
    return {
        "on": time.strftime("%Y-%m-%d"),
        "machine": f"{psutil.cpu_count()} cores,"
        f" {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}",
        "seed": seed,
        "replicas": cluster.replicas,
        "people": scale.people,
        "households": len(year.homes),
        "villages": len(year.places.villages),
        "days": scale.days,
        "done": dict(year.done),
        "events": {**events, "all": sum(events.values())},
        "by_type": recount.by_type(log),
        "seconds": {name: round(value, 1) for name, value in year.took.items()},
        "acts": dict(hands.acts),
        "asked_again": hands.repeated,
        "late_acts": hands.late,
        "milliseconds": {name: percentiles(found) for name, found in hands.seconds.items()},
        "waiting_events": {
            name: {"median": sorted(found)[len(found) // 2], "most": max(found)}
            for name, found in year.watch.waiting.items()
        },
        "nights_seconds": {
            name: {"median": round(sorted(found)[len(found) // 2], 2), "most": round(max(found), 2)}
            for name, found in year.nights.items()
        },
        "megabytes": await _disk(cluster),
        "wrong": len(wrong),
    }


async def _disk(cluster: Cluster) -> dict[str, int]:
    """What each database and the broker's log came to."""
    found: dict[str, int] = {}
    for service in SERVICES:
        connection = await cluster.connect(Tenant(service).database)
        size = await connection.fetchval("select pg_database_size(current_database())")
        await connection.close()
        found[service] = round(size / 1e6)
    kafka = cluster.inside.root / "kafka"
    log = await asyncio.to_thread(lambda: sum(item.stat().st_size for item in kafka.rglob("*.log")))
    return {**found, "kafka": round(log / 1e6)}


def _tell(found: Any) -> None:
    print(
        json.dumps({k: v for k, v in found.items() if k != "by_type"}, ensure_ascii=False, indent=1)
    )
    word = "every count equals its recount" if not found["wrong"] else f"{found['wrong']} wrong"
    print(f"\n{found['events']['all']:,} events; {word}")


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=37)
    parser.add_argument("--scale", type=float, default=0.02)
    parser.add_argument("--flood", type=int, default=FLOOD)
    parser.add_argument("--days", type=int, default=366)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--steady", type=float, default=60, help="acts a second")
    parser.add_argument("--spike", type=float, default=200, help="acts a second, at the flood")
    parser.add_argument("--keep", action="store_true", help=f"write {RESULT.name}")
    given = parser.parse_args()
    scale = Scale(
        people=int(PEOPLE * given.scale),
        alerts=int(ALERTS * given.scale),
        calls=int(CALLS * given.scale),
        flood=given.flood,
        days=given.days,
        flood_after=given.days * 324 // 366,
        steady=given.steady,
        spike=given.spike,
    )
    run(main(given.seed, scale, given.replicas, RESULT if given.keep else None))
