"""What a benchmark found, kept where ``make bench`` collects it."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

COLLECTED = "DIXIAN_BENCH_RESULTS"
"""The environment variable that names the file, a JSON line a row. Unset: nothing is kept."""


@dataclass(frozen=True)
class Row:
    """One figure with its target."""

    title: str
    """Under which conditions."""
    work: str
    compared: str
    """The other contender of the same run; empty for a limit that needs none."""
    measured: str
    """The figures themselves, with their units."""
    figure: float
    """The ratio, or the value itself, in the unit of ``reach``."""
    spread: tuple[float, float]
    """The least and the greatest over the rounds."""
    reach: str
    """The target, such as ``≥ 0.7``."""
    met: bool


def keep(row: Row) -> None:
    """Print whether the target was met, and keep the row for whoever collects."""
    word = "met" if row.met else "SHORT"
    print(f"  → {row.work} / {row.compared or row.reach}: {row.figure} ({row.reach}: {word})")
    if place := os.environ.get(COLLECTED):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def at_most(title: str, work: str, unit: str, found: list[float], limit: float) -> None:
    """Keep a figure that has a limit of its own: the greatest allowed, over ``found``'s rounds."""
    found = sorted(found)
    figure = found[len(found) // 2]
    keep(
        Row(
            title=title,
            work=work,
            compared="",
            measured=f"{figure:,.2f} {unit}",
            figure=round(figure, 3),
            spread=(round(found[0], 3), round(found[-1], 3)),
            reach=f"≤ {limit:g} {unit}",
            met=figure <= limit,
        )
    )
