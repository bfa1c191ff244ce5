"""How often one caller may ask: so many requests a minute, counted over all processes of a service.

A caller's count stands in the service's database. A process takes a twentieth of the quota at a
time and spends it from memory, so that nearly all requests cost nothing, and all processes together
never admit more than the quota. What one of them has taken and not spent is lost to the others
until the minute is over: at most a twentieth each.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Protocol

import asyncpg
import structlog

from shared.kernel.bounded import BoundedCache
from shared.kernel.principal import MACHINE_ROLES, Principal
from shared.web.machine_keys import Connected
from shared.web.settings import WebSettings

WINDOW = 60
"""Seconds."""
_SHARES = 20
_UNCOUNTED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = structlog.get_logger("dixian.quota")

# The window is the minute of the database's clock, the same for every process.
_TAKE = """
insert into access.quota as q (subject, window_start, used)
values ($1, to_timestamp(floor(extract(epoch from clock_timestamp()) / $3) * $3), $2)
on conflict (subject) do update
   set used = case when q.window_start = excluded.window_start then q.used else 0 end
              + excluded.used,
       window_start = excluded.window_start
returning used,
          extract(epoch from window_start - clock_timestamp())::float8 + $3 as seconds_left
"""


@dataclass(frozen=True)
class Taken:
    """What came of taking a share."""

    used: int
    """By all processes in this window, this share included."""
    seconds_left: float
    """Of this window."""


class Counts(Protocol):
    """Where the counts are kept."""

    async def take(self, subject: str, share: int) -> Taken:
        """Add ``share`` to the caller's count of the current window."""
        ...


class TableCounts:
    """Counts in the table ``access.quota``. ``reading`` is ``Database.reading``."""

    def __init__(
        self,
        reading: Callable[[], AbstractAsyncContextManager[Connected]],
        *,
        window: int = WINDOW,
    ) -> None:
        self._reading, self._window = reading, window

    async def take(self, subject: str, share: int) -> Taken:
        """Add ``share`` to the caller's count of the current window."""
        async with self._reading() as tx:
            row = await tx.raw.fetchrow(_TAKE, subject, share, self._window)
            assert row is not None
            return Taken(row["used"], row["seconds_left"])


@dataclass(frozen=True)
class Standing:
    """How a caller stands with its quota, after the request at hand."""

    policy: str
    quota: int
    remaining: int
    resets_in: int
    """Seconds, rounded up."""
    admitted: bool = True

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """``RateLimit-Policy`` and ``RateLimit`` (draft-ietf-httpapi-ratelimit-headers-11)."""
        policy = f'"{self.policy}";q={self.quota};w={WINDOW}'
        now = f'"{self.policy}";r={self.remaining};t={self.resets_in}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", now.encode())]


@dataclass
class _Share:
    """What this process may still admit of one caller in this window."""

    ends: float
    left: int
    untaken: int
    """What nobody had taken when this share was."""

    @property
    def spent(self) -> bool:
        return self.left == 0 and self.untaken == 0


class RateLimiter:
    """Admits callers; one a process. A quota of 0 is none."""

    def __init__(
        self, counts: Counts, settings: WebSettings, *, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._counts, self._elapsed = counts, elapsed
        self._quotas = {"machine": settings.machine_quota, "person": settings.person_quota}
        self._shares: BoundedCache[str, _Share] = BoundedCache(
            size=8192, ttl=WINDOW, elapsed=elapsed
        )
        self._taking: dict[str, asyncio.Future[None]] = {}

    async def admit(self, caller: Principal) -> Standing | None:
        """Count a request; ``None`` where no quota holds, or nobody can count it now.

        A quota that cannot be counted turns nobody away: behind a request stands a family.
        """
        policy = "person" if caller.roles.isdisjoint(MACHINE_ROLES) else "machine"
        quota_ = self._quotas[policy]
        if quota_ == 0:
            return None
        share = self._current(caller.subject)
        while share is None or (share.left == 0 and not share.spent):
            try:
                await self._one_more(caller.subject, quota_)
            except _UNCOUNTED as error:
                log.warning("quota.uncounted", error=type(error).__name__)
                return None
            share = self._current(caller.subject)
        admitted = share.left > 0
        share.left -= admitted
        resets_in = max(1, ceil(share.ends - self._elapsed()))
        return Standing(policy, quota_, share.left + share.untaken, resets_in, admitted)

    def _current(self, subject: str) -> _Share | None:
        share = self._shares.get(subject)
        return share if share is not None and self._elapsed() < share.ends else None

    async def _one_more(self, subject: str, quota_: int) -> None:
        """Take another share; however many requests wait for it, it is taken once."""
        taking = self._taking.get(subject)
        if taking is None:
            taking = asyncio.ensure_future(self._take(subject, quota_))
            self._taking[subject] = taking
            taking.add_done_callback(lambda _done: self._taking.pop(subject, None))
        await asyncio.shield(taking)

    async def _take(self, subject: str, quota_: int) -> None:
        wanted = max(1, quota_ // _SHARES)
        taken = await self._counts.take(subject, wanted)
        granted = max(0, min(wanted, quota_ - (taken.used - wanted)))
        ends = self._elapsed() + taken.seconds_left
        self._shares.put(subject, _Share(ends, granted, max(0, quota_ - taken.used)))
