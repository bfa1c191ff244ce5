"""So many requests a minute: counted over all processes, cheap, told in the answer."""

import asyncio
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import Request

from shared.kernel.principal import Principal, Role, may
from shared.telemetry.metrics import Metrics
from shared.web.app import create_app
from shared.web.rate_limit import RateLimiter, Standing, Taken
from shared.web.routing import Router, public, require
from shared.web.settings import Mode, WebSettings

FEED = Principal("machine:1", frozenset({Role.FEED}), "37", frozenset({"health"}))
OFFICER = Principal("person:1", frozenset({Role.OFFICER}), "37")


@dataclass
class Counted:
    """A minute's counts, and a clock in the test's hand."""

    now: float = 0.0
    used: dict[str, int] = field(default_factory=dict)
    asked: int = 0

    async def take(self, subject: str, share: int) -> Taken:
        await asyncio.sleep(0)
        self.asked += 1
        self.used[subject] = self.used.get(subject, 0) + share
        return Taken(self.used[subject], 60 - self.now % 60)

    def pass_to(self, now: float) -> None:
        if now // 60 > self.now // 60:
            self.used.clear()
        self.now = now

    def limiter(self, quota: int) -> RateLimiter:
        """One process's."""
        settings = WebSettings(machine_quota=quota, person_quota=quota)
        return RateLimiter(self, settings, elapsed=lambda: self.now)


async def admitted(limiter: RateLimiter, times: int, caller: Principal = FEED) -> int:
    standings = await asyncio.gather(*(limiter.admit(caller) for _ in range(times)))
    return sum(standing is None or standing.admitted for standing in standings)


async def test_the_quota_is_admitted_and_no_more_until_the_minute_is_over() -> None:
    counted = Counted()
    limiter = counted.limiter(100)
    assert await admitted(limiter, 130) == 100
    counted.pass_to(59.9)
    assert await admitted(limiter, 1) == 0
    counted.pass_to(60)
    assert await admitted(limiter, 130) == 100


async def test_all_processes_together_admit_the_quota() -> None:
    counted = Counted()
    first, second = counted.limiter(100), counted.limiter(100)
    assert await admitted(first, 60) + await admitted(second, 60) == 100


async def test_a_share_in_hand_costs_nothing_and_a_spent_quota_asks_nobody() -> None:
    counted = Counted()
    limiter = counted.limiter(100)
    assert await admitted(limiter, 5) == 5
    assert counted.asked == 1
    await admitted(limiter, 500)
    assert counted.asked == 20
    await admitted(limiter, 500)
    assert counted.asked == 20


async def test_callers_have_quotas_of_their_own() -> None:
    limiter = Counted().limiter(10)
    other = Principal("machine:2", FEED.roles, "37", FEED.feeds)
    assert [await admitted(limiter, 20, caller) for caller in (FEED, other, OFFICER)] == [10] * 3


async def test_what_cannot_be_counted_turns_nobody_away() -> None:
    class Away(Counted):
        async def take(self, subject: str, share: int) -> Taken:
            raise ConnectionRefusedError

    assert await Away().limiter(1).admit(FEED) is None
    assert await Counted().limiter(0).admit(FEED) is None


async def test_the_standing_says_what_is_left_over_all_processes() -> None:
    counted = Counted(now=18.5)
    first, second = counted.limiter(100), counted.limiter(100)
    await admitted(first, 3)
    assert await second.admit(FEED) == Standing("machine", 100, 94, 42)


class Known:
    async def authenticate(self, _request: Request) -> Principal:
        return FEED


@pytest.fixture
def client() -> httpx.AsyncClient:
    router = Router()

    @router.get("/asked", dependencies=[require(may(Role.FEED))])
    async def asked() -> int:
        return 1

    @router.get("/forbidden", dependencies=[require(may(Role.OFFICER))])
    async def forbidden() -> int:
        return 1

    @router.get("/open", dependencies=[public()])
    async def unlimited() -> int:
        return 1

    app = create_app(
        service="alerts",
        title="alerts",
        settings=WebSettings(mode=Mode.DEMO),
        routers=[router],
        authenticator=Known(),
        metrics=Metrics(),
        limiter=Counted(now=20).limiter(2),
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://alerts")


async def test_every_answer_tells_and_the_last_one_says_when_to_come_back(
    client: httpx.AsyncClient,
) -> None:
    first, second = await client.get("/asked"), await client.get("/forbidden")
    third = await client.get("/asked", headers={"Accept-Language": "en"})
    assert [answer.status_code for answer in (first, second, third)] == [200, 403, 429]
    assert [answer.headers["ratelimit"] for answer in (first, second, third)] == [
        '"machine";r=1;t=40',
        '"machine";r=0;t=40',
        '"machine";r=0;t=40',
    ]
    assert third.headers["ratelimit-policy"] == '"machine";q=2;w=60'
    assert third.headers["retry-after"] == "40"
    problem = third.json()
    assert (problem["code"], problem["status"]) == ("too-many-requests", 429)
    assert problem["detail"] == "too many requests; try again in 40 s"


async def test_a_public_route_counts_nobody(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/open") for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers
