"""Alternated rounds and their medians: what both see of the machine's other work is the same."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from statistics import median
from typing import Any

import uvloop

Round = Callable[[], Awaitable[int]]
"""Does its work once and says how many items that were."""


async def alternated(contenders: Mapping[str, Round], rounds: int) -> dict[str, float]:
    """Items a second of each contender: the median of its rounds, the contenders taking turns.

    One round of each goes before, uncounted: connections are opened and statements prepared.
    """
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            began = time.perf_counter()
            items = await contender()
            rate = items / (time.perf_counter() - began)
            if number:
                rates[name].append(rate)
    return {name: median(found) for name, found in rates.items()}


def table(title: str, rates: Mapping[str, float], against: str) -> None:
    """Print the rates, each with its ratio to that of ``against``."""
    print(f"\n{title}")
    for name, rate in rates.items():
        print(f"  {name:<44} {rate:>9,.0f}/s  {rate / rates[against]:>6.2f}")


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a benchmark on the event loop that the services run on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
