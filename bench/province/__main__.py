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
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from bench.province import files
from bench.province.hands import Hands, Pace
from bench.province.people import population
from bench.province.places import Desks, Places
from bench.province.recount import Recount
from bench.province.report import Report
from bench.province.watch import Watch
from bench.province.year import Scale, Year
from bench.rounds import run
from dixian.home import Home
from shared.policy.divisions import Divisions
from tests.chaos.cluster import Cluster, base_for

PEOPLE, ALERTS, CALLS, FLOOD = 2_000_000, 600_000, 30_000, 5_000
SINGLE = 0.02
"""Of the alerts, so many come one by one."""
RESULT = Path(__file__).parents[1] / "province.json"


async def main(seed: int, scale: Scale, replicas: int, keep: Path | None) -> None:
    """Live the year and tell. Ends the program with an error when a count is wrong."""
    this = asyncio.current_task()
    assert this is not None
    # Whoever ends it ends the cluster with it; what was kept until then stays.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
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
    report = Report(cluster, year, seed, keep)
    year.kept = report.so_far
    _say(f"{len(homes):,} households in {len(villages.villages)} villages of 16 cities")
    await year.begin()
    watching = asyncio.create_task(watch.run())
    await year.live()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    began = time.monotonic()
    await watch.night()
    recount = Recount(cluster, year, _say)
    wrong = [*await recount.run(), *year.refused]
    year.took["recount and verify"] = time.monotonic() - began
    found = await report.whole(recount.by_type, wrong)
    hands.close()
    _tell(found)
    for item in wrong[:50]:
        print(f"WRONG    {item}")
    if wrong:
        sys.exit(f"{len(wrong)} things are wrong")


def _tell(found: Any) -> None:
    print(
        json.dumps({k: v for k, v in found.items() if k != "by_type"}, ensure_ascii=False, indent=1)
    )
    word = "every count equals its recount" if not found["wrong"] else f"{found['wrong']} wrong"
    print(f"\n{found['events']['all']:,} events; {word}")


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def _scale(given: argparse.Namespace) -> Scale:
    alerts = int(ALERTS * given.scale)
    calls = int(CALLS * given.scale) if given.calls is None else given.calls
    single = int(alerts * SINGLE) if given.single is None else given.single
    grave = 1.0 if given.cases is None else given.cases / files.expected_cases(alerts * 12)
    return Scale(
        people=int(PEOPLE * given.scale),
        alerts=alerts,
        calls=calls,
        flood=given.flood,
        days=given.days,
        flood_after=given.days * 324 // 366,
        single=single,
        grave=grave,
        steady=given.steady,
        spike=given.spike,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=37)
    parser.add_argument("--scale", type=float, default=0.02)
    parser.add_argument("--flood", type=int, default=FLOOD)
    parser.add_argument("--days", type=int, default=366)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--steady", type=float, default=60, help="acts a second")
    parser.add_argument("--spike", type=float, default=200, help="acts a second, at the flood")
    parser.add_argument("--calls", type=int, help="a month, instead of the scale's")
    parser.add_argument("--single", type=int, help="alerts a month that come one by one")
    parser.add_argument(
        "--cases", type=int, help="about so many a year that the alerts open, instead of one of 120"
    )
    parser.add_argument(
        "--keep", type=Path, nargs="?", const=RESULT, help=f"write {RESULT.name} as it goes"
    )
    given = parser.parse_args()
    run(main(given.seed, _scale(given), given.replicas, given.keep))
