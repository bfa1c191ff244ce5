"""A month's department files: most rows far below every threshold, some about nobody known."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from bench.numbers import Numbers

HEADER = "编号,预警类型,日期,期间,金额,行政区划代码,姓名,证件号码\n"
_WITHOUT = (
    ("police", "ACCIDENT", 0.0015),
    ("disabled-federation", "NEW_DISABILITY", 0.0015),
    ("health", "CRITICAL_ILLNESS", 0.0015),
)
"""What has no threshold, and its part of a month's alerts."""
_EDUCATION = ("education", "EDUCATION_COST", 0.01)
_OVER = 0.005
"""Of the rows that have a threshold, so many lie above it."""
_REGISTERED = 0.85
FEEDS = ("medical-insurance", "education", "police", "disabled-federation", "health")
OPENED = _OVER + sum(part for _, _, part in _WITHOUT)
"""Of all alerts, about so many open something; of known people, ``_REGISTERED`` of them."""


def expected_cases(alerts: int) -> float:
    """About how many households so many alerts bring to an officer."""
    return alerts * OPENED * _REGISTERED


@dataclass
class Senders:
    """What the departments know: everybody's number, where each of the registered lives."""

    lives: Sequence[str]
    """The county of each registered person."""
    seed: float
    grave: float = 1.0
    """Of the usual share of alerts that open something, so much."""

    def __post_init__(self) -> None:
        self.numbers = Numbers(int(len(self.lives) / _REGISTERED))

    def shares(self) -> list[tuple[str, str, float]]:
        """Which feed brings which part of a month's alerts."""
        without = [(feed, kind, part * self.grave) for feed, kind, part in _WITHOUT]
        rest = 1 - _EDUCATION[2] - sum(part for _, _, part in without)
        return [("medical-insurance", "MEDICAL_STAY", rest), _EDUCATION, *without]

    def write(self, path: Path, share: tuple[str, str, float], alerts: int, month: date) -> None:
        """A feed's file for the ``month`` that begins on that day."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(self.lines(share, alerts, month))

    def lines(self, share: tuple[str, str, float], alerts: int, month: date) -> Iterator[str]:
        """Its lines, the heading first."""
        yield HEADER
        feed, kind, part = share
        begin, ends = f"{feed}-{month:%Y%m}-", f",{kind},"
        days = [f"{month + timedelta(days=n)},{month:%Y-%m}," for n in range(28)]
        lives, numbers = self.lives, self.numbers
        drawn = Random(f"{self.seed} {begin}").random
        for n in range(max(1, int(alerts * part))):
            fen, person = self._fen(drawn), int(drawn() * numbers.people)
            yield (
                f"{begin}{n:07d}{ends}{days[n % 28]}{fen // 100}.{fen % 100:02d},"
                f"{lives[person % len(lives)]},王某,{numbers[person]}\n"
            )

    def single(self, n: int, day: date, chance: Random) -> dict[str, object]:
        """An alert that comes by itself."""
        over, person = chance.random() < _OVER * self.grave, chance.randrange(len(self.lives))
        return {
            "feed": "medical-insurance",
            "external_id": f"single-{n}",
            "type": "MEDICAL_STAY",
            "person": {"name": "王某", "document_number": self.numbers[person]},
            "division": self.lives[person],
            "amount": chance.randrange(1_000_100, 9_000_000) if over else 120_000,
            "period": f"{day:%Y-%m}",
            "happened_on": day.isoformat(),
        }

    def _fen(self, drawn: Callable[[], float]) -> int:
        if drawn() < _OVER * self.grave:
            return 1_000_100 + int(drawn() * 8_000_000)
        return 10_000 + int(drawn() * 489_000)
