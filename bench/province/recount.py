"""At the year's end: every count the system shows, beside a recount from its log."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from bench.province.year import Year
from dixian.people import PROVINCE
from dixian.provision import SERVICES, Tenant
from shared.kernel.principal import Role
from shared.service.demo_clock import FIRST_DAY
from tests.chaos import collect
from tests.chaos.checker import check
from tests.chaos.cluster import Cluster
from tests.integration.assistance.county.recount import Logged, figures, of_divisions, plans_of

# Every event is read; what the figures are counted from is looked into.
_EVENTS = """
select stream_id, category, type, data::text from es.event order by stream_id, version
"""
_COUNTED: Mapping[str, frozenset[str]] = {
    "alerts": frozenset({"FeedFinished"}),
    "identification": frozenset({"CaseOpened", "GreenChannelEntered"}),
}
"""All of assistance's."""
_PAGE = 5_000


@dataclass
class Recount:
    """Counts once more, from the events alone."""

    cluster: Cluster
    year: Year
    say: Callable[[str], None]
    by_type: dict[str, dict[str, int]] = field(default_factory=dict)
    """By service: how many events of each kind."""

    async def run(self) -> list[str]:
        """What does not agree; nothing when all does."""
        log = {}
        for service in SERVICES:
            log[service] = await self._log_of(service)
            self.say(f"read {sum(self.by_type[service].values()):,} events of {service}")
        wrong = [
            *await _figures(self.year, log["assistance"]),
            *await _funnel(self.year, log["identification"]),
            *await _rows(self.year, log["alerts"]),
        ]
        self.say(f"{self.year.done['figures recounted']:,} figures recounted")
        return wrong + await self._everywhere()

    async def _everywhere(self) -> list[str]:
        """Recorded = sent = received = audited, gapless, once, and the log verifies."""
        began = time.monotonic()
        found = await asyncio.to_thread(collect.collected, self.cluster)
        self.say(f"collected what every party holds in {time.monotonic() - began:.0f} s")
        found.sent, found.poison = await collect.kafka_log(self.cluster.bootstrap)
        self.say(f"read {len(found.sent):,} messages, {time.monotonic() - began:.0f} s")
        found.verifier = await asyncio.to_thread(collect.verified, self.cluster, ())
        self.say(f"verified the log, {time.monotonic() - began:.0f} s")
        wrong = [str(item) for item in await asyncio.to_thread(check, found)]
        self.say(f"compared all, {time.monotonic() - began:.0f} s")
        return wrong

    async def _log_of(self, service: str) -> list[Logged]:
        """Everything a service recorded, each stream in its order; kept is what is counted from."""
        counted = _COUNTED.get(service)
        types = Counter[str]()
        kept: list[Logged] = []
        connection = await self.cluster.connect(Tenant(service).database)
        try:
            async with connection.transaction():
                async for stream, category, type_, data in connection.cursor(
                    _EVENTS, prefetch=_PAGE
                ):
                    types[type_] += 1
                    if counted is None or type_ in counted:
                        kept.append(Logged(stream, category, type_, json.loads(data)))
        finally:
            await connection.close()
        self.by_type[service] = dict(types)
        return kept


async def _figures(year: Year, log: Sequence[Logged]) -> list[str]:
    """The leaders' figures of assistance: the province, each city, each county; year and halves."""
    end = year.day
    half = FIRST_DAY + timedelta(days=year.scale.days // 2)
    periods: list[tuple[date, date]] = [(FIRST_DAY, end), (FIRST_DAY, half), (half, end)]
    plans, rest = plans_of(log), of_divisions(log)
    wrong: list[str] = []
    for inside in (PROVINCE, *year.places.cities, *year.places.counties):
        for first, last in periods:
            path = f"/figures?division={inside}&first={first}&last={last}"
            shown = await year.hands.looks(Role.OFFICER, PROVINCE, "assistance", path)
            counted = figures(rest, inside, first, last, end, plans=plans)
            year.done["figures recounted"] += len(counted)
            wrong += [
                f"figures of {inside} {first}..{last}: {name} {shown.get(name)} / {value}"
                for name, value in counted.items()
                if shown.get(name) != value
            ]
    return wrong


async def _funnel(year: Year, log: Sequence[Logged]) -> list[str]:
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


async def _rows(year: Year, log: Sequence[Logged]) -> list[str]:
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
