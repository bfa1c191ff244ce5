"""Alternated rounds and their medians: what all see of the machine's other work is the same."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from statistics import median
from typing import Any

import uvloop

from bench.results import Row, keep

Round = Callable[[], Awaitable[int]]
"""Does its work once and says how many items that were."""

Rates = Mapping[str, Sequence[float]]
"""Items a second of each contender, one figure a round."""


async def alternated(contenders: Mapping[str, Round], rounds: int) -> Rates:
    """Items a second of each contender in each round, the contenders taking turns.

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
    return rates


def table(
    title: str,
    rates: Rates,
    against: str,
    *,
    reach: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Print the medians, each with its ratio to that of ``against``; keep what has a target.

    A ratio is the median of the rounds' ratios. ``reach`` names the least ratio of a contender to
    another: ``{"store": {"raw": 0.7}}``.
    """
    print(f"\n{title}")
    for name, found in rates.items():
        _, ratio, _ = _ratios(found, rates[against])
        print(f"  {name:<44} {median(found):>11,.0f}/s  {ratio:>6.2f}")
    for name, limits in (reach or {}).items():
        for other, limit in limits.items():
            low, ratio, high = _ratios(rates[name], rates[other])
            keep(
                Row(
                    title=title,
                    work=name,
                    compared=other,
                    measured=f"{median(rates[name]):,.0f}/s beside {median(rates[other]):,.0f}/s",
                    figure=round(ratio, 3),
                    spread=(round(low, 3), round(high, 3)),
                    reach=f"≥ {limit:g}",
                    met=ratio >= limit,
                )
            )


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a benchmark on the event loop that the services run on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def _ratios(found: Sequence[float], against: Sequence[float]) -> tuple[float, float, float]:
    """The least, the median and the greatest of the rounds' ratios."""
    ratios = sorted(one / other for one, other in zip(found, against, strict=True))
    return ratios[0], median(ratios), ratios[-1]
