"""The year itself: day by day, everybody whose day it is; the flood; the nights in between."""

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bench.province import stories
from bench.province.files import FEEDS, Senders
from bench.province.hands import Hands, Json, Refused
from bench.province.hotline import Call, call
from bench.province.people import Household, sheet
from bench.province.places import Places
from bench.province.stories import OFFICER, Case
from bench.province.watch import Watch
from dixian.people import PROVINCE, machine
from shared.kernel.principal import Role
from shared.service.demo_clock import FIRST_DAY

_SPREAD = 20
"""Days of a month over which its single alerts and calls come."""
_LOOK_AGAIN = 2.0
"""Seconds until somebody who waits for a case looks again."""
_FILES_AT_ONCE = 3
"""Counties' files under way at the same time."""
_CASE_PAGE = "/cases?level=all&step=officers&limit=200"


@dataclass(frozen=True)
class Scale:
    """How large the year is."""

    people: int
    alerts: int
    """A month, in files and single posts."""
    calls: int
    """A month, at the hotline."""
    flood: int
    """Households that go into the green channel on the day of the flood."""
    days: int = 366
    flood_after: int = 324
    """Days from the first to the flood: the 20th of June."""
    single: int = 0
    """Of the alerts, so many a month come one by one."""
    grave: float = 1.0
    """Of the usual share of alerts that open a case, so much."""
    steady: float = 60.0
    """Acts a second on ordinary days, and in the flood's aftermath."""
    spike: float = 200.0
    """Acts a second on the day of the flood."""


async def _unkept() -> None:
    """Nobody keeps it."""


@dataclass
class Year:
    """A year under way."""

    hands: Hands
    watch: Watch
    places: Places
    homes: Sequence[Household]
    scale: Scale
    chance: Random
    say: Any
    day: date = FIRST_DAY
    agenda: list[tuple[date, int, Any, AsyncIterator[int]]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    nights: dict[str, list[float]] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    """Seconds that the parts of the year took."""
    files: list[Json] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Acts that were refused: there is no reason to refuse any."""
    known: list[tuple[str, str]] = field(default_factory=list)
    """Registered households: their ids and villages."""
    _serial: int = 0
    _cases: set[str] = field(default_factory=set)
    kept: Callable[[], Awaitable[None]] = _unkept
    """Called whenever a part of the year is over, so that a sudden end leaves what was seen."""
    _feeds: str = ""
    _senders: Senders = field(init=False)

    def __post_init__(self) -> None:
        counties = {home.village: home.village[:6] for home in self.homes}
        lives = [counties[home.village] for home in self.homes for _ in range(home.size)]
        self._senders = Senders(lives, self.chance.random(), self.scale.grave)

    @property
    def cases(self) -> int:
        """How many cases there were."""
        return len(self._cases)

    # -- before the year begins -------------------------------------------------------------------

    async def begin(self) -> None:
        """The policy, the departments' keys, the register."""
        began = time.monotonic()
        policy = {
            "version": "37/2023-1",
            "document": "鲁演示发〔2023〕1号",
            "division": PROVINCE,
            "effective_from": "2023-01-01",
            "parameters": {
                "monitoring_line": {"2023": 800_000, "2024": 850_000},
                "county_rural_mean": dict.fromkeys(self.places.counties, 2_200_000),
            },
        }
        await self.hands.does(OFFICER, PROVINCE, "identification", "/policy", {"policy": policy})
        told = await self.hands.does(
            Role.ADMINISTRATOR,
            PROVINCE,
            "alerts",
            "/machines",
            {
                "label": "省级部门共享平台",
                "kind": "feed",
                "division": PROVINCE,
                "feeds": list(FEEDS),
            },
        )
        self._feeds = told["credential"]
        await self._register(began)
        self.took["register"] = time.monotonic() - began
        self.say(f"registered in {self.took['register']:.0f} s")
        await self.kept()
        self.took["register, until everywhere"] = self.took["register"] + await self.watch.night()
        self.say(f"everywhere after {self.took['register, until everywhere']:.0f} s")
        await self.kept()

    async def _register(self, began: float) -> None:
        """Every county sends its file, several at a time."""
        homes: dict[str, list[Household]] = {}
        for home in self.homes:
            homes.setdefault(home.village[:6], []).append(home)
        gate = asyncio.Semaphore(_FILES_AT_ONCE)

        async def one(county: str) -> None:
            async with gate:
                await self._registers(county, homes[county])
            took = time.monotonic() - began
            done = len(self.known)
            self.say(f"{done:,} households registered, {done / took:.0f} a second")

        await asyncio.gather(*(one(county) for county in self.places.counties))

    async def _registers(self, county: str, homes: list[Household]) -> None:
        """A county's file of households, over HTTP."""
        token = self.hands.desks.token(OFFICER, county)
        lines = await self.hands.streamed(
            token, "identification", "/households/import", await asyncio.to_thread(sheet, homes)
        )
        *items, last = [orjson.loads(line) for line in lines.splitlines()]
        assert last["summary"]["refused"] == 0, items[:3]
        ids = [item["id"] for item in sorted(items, key=lambda item: item["rows"][0])]
        self.known += [(id_, home.village) for id_, home in zip(ids, homes, strict=True)]

    # -- the days ---------------------------------------------------------------------------------

    async def live(self) -> None:
        """From the first day to the last."""
        last = FIRST_DAY + timedelta(days=self.scale.days - 1)
        self._plan()
        began = time.monotonic()
        while self.day <= last:
            if self.day.day == 1:
                await self._month()
            if self.day == FIRST_DAY + timedelta(days=self.scale.flood_after):
                await self._flood()
            await self._works()
            await self._night()
            await self._tomorrow()
        self.took["year"] = time.monotonic() - began

    async def _month(self) -> None:
        """The departments' files, and what comes by itself in the month."""
        began, before = time.monotonic(), (self.day - timedelta(days=1)).replace(day=1)
        with TemporaryDirectory(prefix="dixian-month-") as directory:
            shares = self._senders.shares()
            sent = [self._file(Path(directory), share, before) for share in shares]
            self.files += await asyncio.gather(*sent)
        taken = time.monotonic() - began
        self.took["files"] = self.took.get("files", 0.0) + taken
        self.say(
            f"{self.day} {sum(self.done.values()):,} alerts and calls, {len(self._cases):,} cases,"
            f" files in {taken:.0f} s, {sum(self.hands.acts.values()):,} acts"
        )
        await self.kept()

    async def _file(self, directory: Path, share: tuple[str, str, float], month: date) -> Json:
        """One department's, until the last of its rows is compared."""
        rows, feed = self.scale.alerts - self.scale.single, share[0]
        path = directory / feed
        await asyncio.to_thread(self._senders.write, path, share, rows, month)
        sent = await self.hands.sends(self._feeds, "alerts", f"/feed-files/{feed}", path)
        while sent["status"] in {"RECEIVED", "COMPARING"}:
            await asyncio.sleep(0.2)
            sent = await self.hands.ask(f"GET /feed-files/{sent['id']}", self._feeds, "alerts")
        assert sum(sent["fates"].values()) == sent["rows"], sent
        self.done["alerts in files"] += sent["rows"]
        return sent

    def _plan(self) -> None:
        """Calls and single alerts, each on its day."""
        months = self.scale.days / 30.5
        for _ in range(int(self.scale.calls * months)):
            self._at(self.chance.randrange(self.scale.days - 14), self._call())
        for _ in range(int(self.scale.single * months)):
            self._at(self.chance.randrange(self.scale.days - 14), self._single())

    def _at(self, days: int, made: tuple[Any, AsyncIterator[int]]) -> None:
        self._serial += 1
        heapq.heappush(self.agenda, (FIRST_DAY + timedelta(days=days), self._serial, *made))

    def _call(self) -> tuple[Any, AsyncIterator[int]]:
        home = self.chance.choice(self.homes)
        chance = Random(self.chance.random())
        made = Call(self.hands, chance, self.day, self._serial, home.village, home.numbers[0])
        self.done["calls"] += 1
        return made, call(made)

    def _single(self) -> tuple[Any, AsyncIterator[int]]:
        number, chance = self._serial, Random(self.chance.random())
        self.done["single alerts"] += 1
        done = False

        async def post() -> AsyncIterator[int]:
            body: Any = self._senders.single(number, self.day, chance)
            key = machine("medical-insurance").credential
            await self.hands.timed(key, "alerts", "/alerts", body)
            if done:
                yield 0

        return None, post()

    async def _works(self) -> None:
        """Everybody whose day it is, at the day's pace."""
        due = []
        while self.agenda and self.agenda[0][0] <= self.day:
            _, number, who, story = heapq.heappop(self.agenda)
            due.append(self._goes_on(number, who, story))
        await asyncio.gather(*due)

    async def _goes_on(self, number: int, who: Any, story: AsyncIterator[int]) -> None:
        if who is not None:
            who.day = self.day
        try:
            wait = await anext(story, None)
        except Refused as refused:
            self.refused.append(f"{self.day} {refused}")
            return
        if wait is not None:
            heapq.heappush(self.agenda, (self.day + timedelta(days=wait), number, who, story))

    async def _night(self) -> None:
        """All that was done is everywhere; new cases find their people."""
        taken = await self.watch.night()
        self.nights.setdefault(self.hands.phase, []).append(taken)
        if self.hands.phase == "flood":
            self.took["recovery"] = taken
            self._phase("after", self.scale.steady)
            await self.kept()
        for item in await self._new_cases():
            case = self._case(item)
            self._start(case, stories.story_for(case.chance)(case))

    async def _new_cases(self) -> list[Json]:
        """Cases for which nobody is named yet and nobody has begun."""
        found: list[Json] = []
        path = _CASE_PAGE
        while path:
            page = await self.hands.looks(OFFICER, PROVINCE, "identification", path)
            found += [item for item in page["items"] if item["case_id"] not in self._cases]
            path = f"{_CASE_PAGE}&cursor={page['next']}" if page.get("next") else ""
        return list({item["case_id"]: item for item in found}.values())

    def _case(self, item: Json) -> Case:
        id_, chance = item["case_id"], Random(self.chance.random())
        self._cases.add(id_)
        return Case(self.hands, chance, self.day, id_, item["household_id"], item["division"])

    def _start(self, case: Case, story: AsyncIterator[int]) -> None:
        self._serial += 1
        tomorrow = self.day + timedelta(days=1)
        heapq.heappush(self.agenda, (tomorrow, self._serial, case, story))

    async def _tomorrow(self) -> None:
        self.day += timedelta(days=1)
        body = orjson.dumps({"today": self.day.isoformat()})
        token = self.hands.desks.token(Role.OPERATOR, PROVINCE)
        services = ("alerts", "identification", "assistance", "audit")
        moves = (self.hands.ask("POST /demo/clock", token, name, body) for name in services)
        await asyncio.gather(*moves)

    def _phase(self, name: str, rate: float) -> None:
        self.hands.phase = self.watch.phase = name
        self.hands.pace.rate = rate

    # -- the flood --------------------------------------------------------------------------------

    async def _flood(self) -> None:
        """Thousands of households at once: screened, confirmed twice, entered, all in a day."""
        self._phase("flood", self.scale.spike)
        began = time.monotonic()
        hit = self.chance.sample(self.known, min(self.scale.flood, len(self.known)))
        self.say(f"{self.day} the flood: {len(hit):,} households")
        gate = asyncio.Semaphore(256)

        async def one(household: str, village: str) -> None:
            async with gate:
                await self._is_flooded(household, village)

        await asyncio.gather(*(one(*home) for home in hit))
        self.took["flood"] = time.monotonic() - began
        self.say(f"{self.day} entered in {self.took['flood']:.0f} s")
        await self.kept()

    async def _is_flooded(self, household: str, village: str) -> None:
        lead = {
            "source": "CADRE_SCREENING",
            "division": village,
            "household_id": household,
            "risks": ["DISASTER"],
            "text": "暴雨内涝,房屋进水。",
        }
        receipt = await self.hands.does(OFFICER, village, "alerts", "/leads", lead)
        self.done["flooded households"] += 1
        found = await self._case_of(receipt["id"], village[:6])
        if found["disposition"] != "CASE_OPENED" or found["case_id"] in self._cases:
            self.done["flooded, in a case already"] += 1
            return
        self._cases.add(found["case_id"])
        case = Case(self.hands, Random(household), self.day, found["case_id"], household, village)
        story = stories.flooded(case)
        self._serial += 1
        await self._goes_on(self._serial, case, story)
        self.done["green channel"] += 1

    async def _case_of(self, lead: str, county: str) -> Json:
        """The lead once it is disposed of: its officer looks again and again."""
        while True:
            found = await self.hands.looks(OFFICER, county, "alerts", f"/leads/{lead}")
            if found.get("disposition"):
                return found
            await asyncio.sleep(_LOOK_AGAIN)
