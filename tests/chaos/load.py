"""Steady, seeded load over HTTP, as a village and two machines make it, with every answer kept.

Each act is asked until it is answered, under one key, however often its answer is lost; one in ten
is asked once more although it was answered. What the acts are follows from the seed alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

import httpx

from dixian.demo.client import Addresses
from dixian.people import COUNTY, OTHER_VILLAGE, PASSWORD, PROVINCE, machine, person
from shared.service.demo_clock import FIRST_DAY
from shared.vault.documents import check_character
from tests.chaos.checker import Answer

OFFICER = "other-village-officer"
"""Registers the households, and does nothing else in all the run."""
_AGAIN = frozenset({429, 502, 503, 504})
_PAUSE = 0.2
_BEFORE = 5
"""An alert is about a household registered so many before: alerts has usually heard of it."""
_TWICE = 0.1
_PATIENCE = 600.0
"""Seconds after which an act that was never answered is given up, and counts against the run."""


def number_of(n: int) -> str:
    """A valid document number, another one for every ``n``."""
    born = date(1950, 1, 1) + timedelta(days=n % 18_000)
    body = f"370181{born:%Y%m%d}{n // 18_000 * 2 + 1:03d}"
    return body + check_character(body)


@dataclass(frozen=True)
class Act:
    """One thing that is asked."""

    who: str
    service: str
    path: str
    key: str
    body: dict[str, Any]


POLICY = Act(
    "province-officer",
    "identification",
    "/policy",
    "policy",
    {
        "policy": {
            "version": "37/2023-1",
            "document": "鲁演示发〔2023〕1号",
            "division": PROVINCE,
            "effective_from": FIRST_DAY.isoformat(),
            "parameters": {
                "monitoring_line": {"2023": 800_000},
                "county_rural_mean": {COUNTY: 2_200_000},
            },
        }
    },
)
"""Without a policy in force no case opens; the demo publishes one too."""


def acts(seed: int) -> Iterator[Act]:
    """Households, alerts about them, calls of their people; never ending."""
    chance = Random(seed)
    first = chance.randrange(1_000_000)
    for n in range(1_000_000):
        yield _household(seed, n, number_of(first + n))
        if n >= _BEFORE:
            about = number_of(first + n - _BEFORE)
            yield (
                _alert(seed, n, about, chance) if chance.random() < 0.7 else _order(seed, n, about)
            )


def _household(seed: int, n: int, number: str) -> Act:
    member = {"name": f"赵{n}", "document_number": number, "relation": "HEAD", "labour": "ORDINARY"}
    body = {
        "division": OTHER_VILLAGE,
        "hukou_place": OTHER_VILLAGE,
        "residence": OTHER_VILLAGE,
        "history": "FORMERLY_POOR",
        "address": "石匣村",
        "phone": "13805310018",
        "members": [member],
    }
    return Act(OFFICER, "identification", "/households", f"household-{seed}-{n}", body)


def _alert(seed: int, n: int, number: str, chance: Random) -> Act:
    body = {
        "feed": "medical-insurance",
        "external_id": f"CHAOS-{seed}-{n}",
        "type": "MEDICAL_STAY",
        "person": {"name": "赵", "document_number": number},
        "division": COUNTY,
        "amount": chance.randrange(1_000_100, 9_000_000),
        "period": f"{FIRST_DAY:%Y-%m}",
        "happened_on": FIRST_DAY.isoformat(),
    }
    return Act("machine:medical-insurance", "alerts", "/alerts", f"alert-{seed}-{n}", body)


def _order(seed: int, n: int, number: str) -> Act:
    body = {
        "order_no": f"CHAOS{seed}N{n}",
        "kind": "APPLY",
        "called_on": FIRST_DAY.isoformat(),
        "division": OTHER_VILLAGE,
        "caller": {"name": "赵", "document_number": number, "phone": "13805310018"},
        "text": "家里撑不住了,想申请监测帮扶。",
        "risks": ["ILLNESS"],
    }
    return Act("machine:hotline", "alerts", "/orders", f"order-{seed}-{n}", body)


@dataclass
class Load:
    """Asks ``per_second`` acts a second until it is told to stop; then finishes what was begun."""

    addresses: Addresses
    seed: int
    per_second: float
    at_once: int = 32
    """Most acts under way: while the system is away no more are begun."""
    publishes: bool = False
    """Whether the year's policy is the first act of all."""
    answers: list[Answer] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Acts that were refused: there is no reason to refuse any."""
    asked: int = 0
    repeated: int = 0
    """How often an act had to be asked again."""
    seconds: list[float] = field(default_factory=list)
    """What each act took, from the first asking to its answer."""
    _tokens: dict[str, str] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask; every act that was begun has its answer on return."""
        chance, gate = Random(self.seed), asyncio.Semaphore(self.at_once)
        limits = httpx.Limits(max_connections=2 * self.at_once)
        async with (
            httpx.AsyncClient(timeout=10, limits=limits, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            if self.publishes:
                await self.ask(client, POLICY)
            for act in acts(self.seed):
                if stop.is_set():
                    break
                await gate.acquire()
                self.asked += 1
                twice = chance.random() < _TWICE
                group.create_task(self._one(client, act, gate.release, twice=twice))
                await _sleep(stop, chance.expovariate(self.per_second))

    async def _one(
        self, client: httpx.AsyncClient, act: Act, done: Callable[[], None], *, twice: bool
    ) -> None:
        try:
            began = time.monotonic()
            await self.ask(client, act)
            self.seconds.append(time.monotonic() - began)
            if twice:
                await self.ask(client, act)
        finally:
            done()

    async def ask(self, client: httpx.AsyncClient, act: Act) -> None:
        """Ask one act until it is answered, and keep the answer."""
        answer = await self._patiently(lambda: self._send(client, act))
        if answer is None:
            self.refused.append(f"{act.key}: no answer within {_PATIENCE:.0f} s")
            return
        if answer.is_error:
            self.refused.append(f"{act.key}: {answer.status_code} {answer.text[:300]}")
            return
        events = frozenset(item["id"] for item in answer.json()["events"])
        self.answers.append(Answer(act.key, events))

    async def _send(self, client: httpx.AsyncClient, act: Act) -> httpx.Response:
        token = await self._token(client, act.who)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": act.key}
        url = self.addresses.of(act.service) + act.path
        answer = await client.post(url, json=act.body, headers=headers)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.pop(act.who, None)
            answer.status_code = 503
        return answer

    async def _patiently(
        self, send: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response | None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            try:
                answer = await send()
                if answer.status_code not in _AGAIN:
                    return answer
            except httpx.TransportError:
                pass
            self.repeated += 1
            await asyncio.sleep(_PAUSE)
        return None

    async def _token(self, client: httpx.AsyncClient, who: str) -> str:
        if who.startswith("machine:"):
            return machine(who.removeprefix("machine:")).credential
        if who not in self._tokens:
            form = {"grant_type": "password", "username": who, "password": PASSWORD}
            answer = await client.post(self.addresses.issuer + "/token", data=form)
            if answer.is_error:
                raise httpx.TransportError(f"sign-in: {answer.status_code}")
            self._tokens[who] = answer.json()["access_token"]
        return self._tokens[who]


def subject() -> str:
    """The officer as events name them."""
    known = person(OFFICER)
    assert known is not None
    return known.subject


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
