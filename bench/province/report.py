"""What was seen of a year, as it stands: written whenever a part is over, and at the end."""

import asyncio
import json
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.province.hands import percentiles
from bench.province.year import Year
from dixian import supervisor
from dixian.provision import SERVICES, Tenant
from tests.chaos.cluster import Cluster

Json = dict[str, Any]


@dataclass
class Report:
    """One run's figures."""

    cluster: Cluster
    year: Year
    seed: int
    keep: Path | None
    """Where they are kept, if anywhere."""
    began: float = field(default_factory=time.monotonic)

    async def so_far(self) -> None:
        """Keep what was seen until now, marked as unfinished."""
        if self.keep is not None:
            numbers = await self.year.watch.numbers()
            events = {service: item["recorded"] for service, item in numbers.items()}
            await self._keep({"finished": False, **await self._seen(events)})

    async def whole(self, by_type: dict[str, dict[str, int]], wrong: list[str]) -> Json:
        """Everything, the recount with it."""
        events = {service: sum(by_type[service].values()) for service in SERVICES}
        counted = {
            f"{service}.{name}": count
            for service in SERVICES
            for name, count in by_type[service].items()
        }
        ordered = dict(sorted(counted.items(), key=lambda item: -item[1]))
        seen = await self._seen(events)
        found = {"finished": True, **seen, "by_type": ordered, "wrong": len(wrong)}
        if self.keep is not None:
            await self._keep(found)
        return found

    async def _keep(self, found: Json) -> None:
        assert self.keep is not None
        text = json.dumps(found, ensure_ascii=False, indent=1)
        beside = self.keep.with_suffix(".part")
        await asyncio.to_thread(beside.write_text, text)
        beside.replace(self.keep)

    async def _seen(self, events: dict[str, int]) -> Json:
        year, hands, scale = self.year, self.year.hands, self.year.scale
        return {
            "on": time.strftime("%Y-%m-%d"),
            "machine": f"{psutil.cpu_count()} cores,"
            f" {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}",
            "seed": self.seed,
            "replicas": self.cluster.replicas,
            "people": scale.people,
            "households": len(year.homes),
            "villages": len(year.places.villages),
            "days": scale.days,
            "day": year.day.isoformat(),
            "done": dict(year.done),
            "cases": year.cases,
            "events": {**events, "all": sum(events.values())},
            "seconds": {
                **{name: round(value, 1) for name, value in year.took.items()},
                "all": round(time.monotonic() - self.began, 1),
            },
            "acts": dict(hands.acts),
            "asked_again": hands.repeated,
            "late_acts": hands.late,
            "milliseconds": {name: percentiles(found) for name, found in hands.seconds.items()},
            "waiting_events": {
                name: {"median": sorted(found)[len(found) // 2], "most": max(found)}
                for name, found in year.watch.waiting.items()
            },
            "nights_seconds": {
                name: {
                    "median": round(sorted(found)[len(found) // 2], 2),
                    "most": round(max(found), 2),
                }
                for name, found in year.nights.items()
            },
            "processes": await asyncio.to_thread(_processes, self.cluster),
            "megabytes": await self._disk(),
        }

    async def _disk(self) -> dict[str, int]:
        """What each database, its log of changes and the broker's log came to."""
        found: dict[str, int] = {}
        for service in SERVICES:
            connection = await self.cluster.connect(Tenant(service).database)
            size = await connection.fetchval("select pg_database_size(current_database())")
            await connection.close()
            found[service] = round(size / 1e6)
        kafka = self.cluster.inside.root / "kafka"
        log = await asyncio.to_thread(
            lambda: sum(item.stat().st_size for item in kafka.rglob("*.log"))
        )
        return {**found, "kafka": round(log / 1e6)}


def _processes(cluster: Cluster) -> Json:
    """Of each process: its seconds of processor time, and the megabytes it holds."""
    found: Json = {}
    for path in sorted(cluster.inside.run.glob("*.pid")):
        process = supervisor.running(cluster.inside.run, path.stem)
        if process is not None and path.stem != "postgres":
            found[path.stem] = _of([process])
    pid = cluster.server.pid
    if pid is not None:
        server = psutil.Process(pid)
        found["postgresql"] = _of([server, *server.children()])
    found["the province"] = _of([psutil.Process()])
    return found


def _of(processes: list[psutil.Process]) -> Json:
    seconds, held = 0.0, 0
    for number, process in enumerate(processes):
        try:
            times, memory = process.cpu_times(), process.memory_info()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
        if number == 0:  # children that have ended
            seconds += times.children_user + times.children_system
        # What all of them share is counted with the first alone.
        held += memory.rss - (memory.shared if number else 0)
    return {"seconds": round(seconds, 1), "megabytes": round(held / 1e6)}
