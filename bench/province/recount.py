"""At the year's end: every count the system shows, beside a recount from its log."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bench.province.year import Year
from dixian.people import PROVINCE
from dixian.provision import Tenant
from shared.kernel.principal import Role
from shared.service.demo_clock import FIRST_DAY
from tests.chaos import collect
from tests.chaos.checker import check
from tests.chaos.cluster import Cluster
from tests.integration.assistance.county.recount import Logged, figures

_EVENTS = """
select stream_id, category, type, data::text, meta->>'actor' from es.event
 order by stream_id, version
"""


async def recounted(year: Year, log: Mapping[str, list[Logged]]) -> list[str]:
    """What does not agree; nothing when all does."""
    return [
        *await _figures(year, log["assistance"]),
        *await _funnel(year, log["identification"]),
        *await _rows(year, log["alerts"]),
    ]


async def everywhere(cluster: Cluster) -> list[str]:
    """Recorded = sent = received = audited, gapless, once, and the log verifies."""
    found = await asyncio.to_thread(collect.collected, cluster)
    found.sent, found.poison = await collect.kafka_log(cluster.bootstrap)
    found.verifier = await asyncio.to_thread(collect.verified, cluster, ())
    return [str(item) for item in check(found)]


async def log_of(cluster: Cluster, service: str) -> list[Logged]:
    """Everything a service recorded, each stream in its order."""
    connection = await cluster.connect(Tenant(service).database)
    try:
        rows = await connection.fetch(_EVENTS)
    finally:
        await connection.close()
    return [Logged(row[0], row[1], row[2], json.loads(row[3]) | {"_actor": row[4]}) for row in rows]


async def _figures(year: Year, log: list[Logged]) -> list[str]:
    """The leaders' figures of assistance: the province, each city, each county; year and halves."""
    end = year.day
    half = FIRST_DAY + timedelta(days=year.scale.days // 2)
    periods: list[tuple[date, date]] = [(FIRST_DAY, end), (FIRST_DAY, half), (half, end)]
    wrong: list[str] = []
    for inside in (PROVINCE, *year.places.cities, *year.places.counties):
        for first, last in periods:
            path = f"/figures?division={inside}&first={first}&last={last}"
            shown = await year.hands.looks(Role.OFFICER, PROVINCE, "assistance", path)
            counted = figures(log, inside, first, last, end)
            year.done["figures recounted"] += len(counted)
            wrong += [
                f"figures of {inside} {first}..{last}: {name} {shown.get(name)} / {value}"
                for name, value in counted.items()
                if shown.get(name) != value
            ]
    return wrong


async def _funnel(year: Year, log: list[Logged]) -> list[str]:
    """The funnel of identification, as far as it is a count of events."""
    opened = [line for line in log if line.type == "CaseOpened"]
    channel = {line.stream for line in log if line.type == "GreenChannelEntered"}
    wrong: list[str] = []
    for inside in (PROVINCE, *year.places.cities, *year.places.counties):
        path = f"/oversight/funnel?division={inside}"
        shown = await year.hands.looks(Role.OFFICER, PROVINCE, "identification", path)
        mine = {line.stream for line in opened if line.data["division"].startswith(inside)}
        counted = {"cases": len(mine), "green_channel": len(mine & channel)}
        for name, value in counted.items():
            year.done["figures recounted"] += 1
            if shown[name] != value:
                wrong.append(f"funnel of {inside}: {name} {shown[name]} / {value}")
        if sum(shown["statuses"].values()) != len(mine):
            wrong.append(f"funnel of {inside}: {shown['statuses']} / {len(mine)}")
    return wrong


async def _rows(year: Year, log: list[Logged]) -> list[str]:
    """What the files came to, by their own account and by the log's; no lead without an end."""
    wrong: list[str] = []
    rows = sum(item["rows"] for item in year.files)
    told = Counter[str]()
    for line in log:
        if line.type == "FeedFinished":
            told.update(line.data["tally"])
    fates = Counter[str]()
    for item in year.files:
        fates.update(item["fates"])
    year.done["figures recounted"] += len(fates) + 1
    if rows != sum(told.values()) or +fates != +told:
        wrong.append(f"files: {rows} rows, {dict(fates)} / {dict(told)}")
    return wrong


def by_type(log: Mapping[str, list[Logged]]) -> dict[str, Any]:
    """How many events of each kind."""
    counted = Counter(f"{service}.{line.type}" for service in log for line in log[service])
    return dict(counted.most_common())
