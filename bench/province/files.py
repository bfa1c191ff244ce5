"""A month's department files: most rows far below every threshold, some about nobody known."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from bench.numbers import number_of

HEADER = "编号,预警类型,日期,期间,金额,行政区划代码,姓名,证件号码\n"
SHARES = (
    ("medical-insurance", "MEDICAL_STAY", 0.9855),
    ("education", "EDUCATION_COST", 0.01),
    ("police", "ACCIDENT", 0.0015),
    ("disabled-federation", "NEW_DISABILITY", 0.0015),
    ("health", "CRITICAL_ILLNESS", 0.0015),
)
"""Which feed brings what part of a month's alerts; the last three have no threshold."""
OVER = 0.005
"""Of the rows that have a threshold, so many lie above it."""
_REGISTERED = 0.85


def file(
    share: tuple[str, str, float], alerts: int, month: date, lives: Sequence[str], chance: Random
) -> Iterator[str]:
    """The lines of a feed's file for the ``month`` that begins on that day, its heading first."""
    feed, kind, part = share
    yield HEADER
    for n in range(max(1, int(alerts * part))):
        over = chance.random() < OVER
        fen = chance.randrange(1_000_100, 9_000_000) if over else chance.randrange(10_000, 499_000)
        person = chance.randrange(int(len(lives) / _REGISTERED))
        county = lives[person % len(lives)]
        day = month + timedelta(days=n % 28)
        yield (
            f"{feed}-{month:%Y%m}-{n:07d},{kind},{day},{month:%Y-%m},"
            f"{fen // 100}.{fen % 100:02d},{county},王某,{number_of(person)}\n"
        )


def single(n: int, day: date, lives: Sequence[str], chance: Random) -> dict[str, object]:
    """An alert that comes by itself."""
    over, person = chance.random() < OVER, chance.randrange(len(lives))
    return {
        "feed": "medical-insurance",
        "external_id": f"single-{n}",
        "type": "MEDICAL_STAY",
        "person": {"name": "王某", "document_number": number_of(person)},
        "division": lives[person],
        "amount": chance.randrange(1_000_100, 9_000_000) if over else 120_000,
        "period": f"{day:%Y-%m}",
        "happened_on": day.isoformat(),
    }
