"""A cluster under seeded load and seeded faults, and what the checker says afterwards.

``make chaos`` runs it for long: ``DURATION=600 SEED=1 REPLICAS=2``.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import httpx
import typer

from dixian.home import Home
from tests.chaos import collect, faults
from tests.chaos.checker import Finding, check
from tests.chaos.cluster import Cluster, base_for
from tests.chaos.load import Load, subject
from tests.end_to_end.counting import health_of, in_balance

DISK = "3g"
"""Of the file system of its own that a long run's home is, where this account may mount one."""
_LOOK = 1.0
"""Seconds between two looks at the log's checkpoint."""


@dataclass
class Run:
    """One run: what was done, and what became of it."""

    cluster: Cluster
    stage: faults.Stage
    load: Load
    say: Callable[[str], None] = lambda _line: None
    done: Counter[str] = field(default_factory=Counter)
    notes: list[bytes] = field(default_factory=list)
    """Every checkpoint that was shown while it ran."""
    settled_in: float = 0.0
    began: float = field(default_factory=time.monotonic)

    async def fault(self, fault: faults.Fault) -> None:
        """Let one thing go wrong."""
        name = fault.__name__.replace("_", " ")
        whom = await fault(self.stage)
        self.done[name] += 1
        self.say(f"{time.monotonic() - self.began:7.1f} s  {name}: {whom}")

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[None]:
        """Load, and somebody who looks at the checkpoints; on leaving, every act has its answer."""
        stop = asyncio.Event()
        loading = asyncio.create_task(self.load.run(stop))
        watching = asyncio.create_task(self._watch(stop))
        try:
            yield
        finally:
            stop.set()
            for road in self.cluster.roads.values():
                road.mend()
            await asyncio.gather(loading, watching)

    async def _watch(self, stop: asyncio.Event) -> None:
        url = f"{self.cluster.addresses.audit}/checkpoint"
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while not stop.is_set():
                with suppress(httpx.TransportError):
                    answer = await client.get(url)
                    if answer.is_success and answer.content not in self.notes[-1:]:
                        self.notes.append(answer.content)
                await asyncio.sleep(_LOOK)

    async def settle(self) -> None:
        """Wait until the published numbers agree, or for as long as anything may take."""
        began = time.monotonic()
        await asyncio.to_thread(self.cluster.until_ready)
        _, self.stage.poison = await collect.kafka_log(self.cluster.bootstrap)
        while time.monotonic() - began < self.cluster.PATIENCE and not await self._balanced():
            await asyncio.sleep(0.5)
        self.settled_in = time.monotonic() - began

    async def _balanced(self) -> bool:
        health = await asyncio.to_thread(health_of, self.cluster)
        return in_balance(health, self.stage.poison)

    async def judge(self) -> list[Finding]:
        """Collect what all parties hold, and have it checked."""
        found = await asyncio.to_thread(collect.collected, self.cluster)
        found.sent, found.poison = await collect.kafka_log(self.cluster.bootstrap)
        found.answers = self.load.answers
        found.done_by = {
            subject(): await asyncio.to_thread(collect.done_by, self.cluster, subject())
        }
        found.heads = [collect.head_of(note) for note in self.notes]
        found.verifier = await asyncio.to_thread(collect.verified, self.cluster, self.notes)
        self.say(
            f"{len(found.recorded):,} events recorded, {len(found.sent):,} messages sent,"
            f" {len(found.audited):,} entries audited, {len(found.clocks):,} clocks spoke,"
            f" {len(self.notes)} checkpoints seen"
        )
        refused = [Finding("refused", "load", item) for item in self.load.refused]
        for fault in await asyncio.to_thread(self.cluster.faults):
            self.say(f"answered 500: {fault}")
        return [*check(found), *refused]


@asynccontextmanager
async def cluster_run(
    home: Path, *, seed: int, replicas: int, per_second: float, pause: float
) -> AsyncIterator[Run]:
    """A cluster that is up, with its roads; stopped on leaving."""
    cluster = Cluster(Home(home), base_for(replicas), replicas=replicas)
    for road in cluster.roads.values():
        await road.open()
    try:
        await asyncio.to_thread(cluster.start)
        stage = faults.Stage(cluster, Random(seed), pause)
        yield Run(cluster, stage, Load(cluster.by_roads, seed, per_second))
    finally:
        for road in cluster.roads.values():
            road.mend()
        await asyncio.to_thread(cluster.close)
        for road in cluster.roads.values():
            await road.close()


@contextmanager
def own_disk() -> Iterator[tuple[Path, bool]]:
    """A directory, and whether it is a file system of its own that may be filled.

    Only an account that may mount gets one; for others the fault "full disk" is left out.
    """
    with TemporaryDirectory(prefix="dixian-chaos-", ignore_cleanup_errors=True) as directory:
        options = ["-t", "tmpfs", "-o", f"size={DISK},mode=755", "dixian-chaos", directory]
        mounted = subprocess.run(["mount", *options], check=False, capture_output=True)
        try:
            yield Path(directory), mounted.returncode == 0
        finally:
            if mounted.returncode == 0:
                subprocess.run(["umount", "-l", directory], check=True)


async def long_run(seed: int, seconds: float, replicas: int, per_second: float) -> int:
    """Every kind of fault once, then as the seed says; how many things are wrong at the end."""
    with own_disk() as (home, disk):
        kinds = [*faults.FAULTS, *([faults.fill_disk] if disk else [])]
        every = [*faults.EVERY_KIND, *([faults.fill_disk] if disk else [])]
        if not disk:
            typer.echo("No file system may be mounted here: the fault “fill disk” is left out.")
        pause = 4.0
        async with cluster_run(
            home, seed=seed, replicas=replicas, per_second=per_second, pause=pause
        ) as run:
            run.load.publishes = True
            run.say = typer.echo
            chance = run.stage.chance
            chance.shuffle(every)
            async with run.under_load():
                await asyncio.sleep(pause)
                while every or time.monotonic() - run.began < seconds:
                    await run.fault(every.pop() if every else chance.choice(kinds))
                    await asyncio.sleep(chance.uniform(1, 2 * pause))
            await run.settle()
            wrong = await run.judge()
            _report(run, seed, wrong)
            return len(wrong)


def _report(run: Run, seed: int, wrong: list[Finding]) -> None:
    taken = sorted(run.load.seconds)
    faulted = ", ".join(f"{name} {count}" for name, count in sorted(run.done.items()))
    typer.echo(
        f"\nseed {seed}, {run.cluster.replicas} replicas, {time.monotonic() - run.began:.0f} s"
    )
    typer.echo(f"faults   {sum(run.done.values())}: {faulted}")
    typer.echo(
        f"load     {run.load.asked:,} acts, all answered; asked again {run.load.repeated:,} times;"
        f" median {taken[len(taken) // 2]:.2f} s, p99 {taken[len(taken) * 99 // 100]:.2f} s"
    )
    typer.echo(f"settled  {run.settled_in:.1f} s after the last fault and the last act")
    for item in wrong:
        typer.echo(f"WRONG    {item}")
    typer.echo("everything is everywhere, once" if not wrong else f"{len(wrong)} things are wrong")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--per-second", type=float, default=10)
    given = parser.parse_args()
    sys.exit(
        min(1, asyncio.run(long_run(given.seed, given.seconds, given.replicas, given.per_second)))
    )
