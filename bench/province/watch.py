"""What waits: events not yet sent, received or audited, looked at while the year goes on."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.http_load import request
from bench.province.hands import Pool
from dixian.demo.client import Addresses
from dixian.provision import SERVICES
from tests.end_to_end.counting import in_balance

LOOK = 0.5
"""Seconds between two looks."""
_NIGHT = 0.05
_SHARE = 0.05
"""Of the time that a night has taken, so much until the next look: looking is work, too."""
_PATIENCE = 1800.0


@dataclass
class Watch:
    """Asks every service for its numbers."""

    addresses: Addresses
    phase: str = "steady"
    waiting: dict[str, list[int]] = field(default_factory=dict)
    """By phase: events recorded and not yet audited, at each look."""
    _pools: dict[str, Pool] = field(default_factory=dict)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            found = await self.numbers()
            self.waiting.setdefault(self.phase, []).append(backlog(found))
            await asyncio.sleep(LOOK)

    async def night(self) -> float:
        """Wait until all that was recorded is everywhere; how long that took."""
        began = time.monotonic()
        while not in_balance(await self.numbers()):
            taken = time.monotonic() - began
            if taken > _PATIENCE:
                raise TimeoutError(f"not in balance: {await self.numbers()}")
            await asyncio.sleep(max(_NIGHT, min(1.0, taken * _SHARE)))
        return time.monotonic() - began

    async def numbers(self) -> dict[str, Any]:
        """Every service's."""
        answers = await asyncio.gather(*(self._of(service) for service in SERVICES))
        return dict(zip(SERVICES, answers, strict=True))

    async def _of(self, service: str) -> Any:
        pool = self._pools.setdefault(service, Pool(self.addresses.of(service)))
        while True:
            status, body = await pool.send(request("GET", "/health", {}, b""))
            if status == 200:
                return orjson.loads(body)["reconciliation"]
            await asyncio.sleep(LOOK)


def backlog(numbers: dict[str, Any]) -> int:
    """How many events are recorded and not yet in the log."""
    audited = numbers["audit"]["audited"]
    return sum(
        max(0, item["recorded"] - audited.get(service, 0)) for service, item in numbers.items()
    )
