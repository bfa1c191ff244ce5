"""The demo's family: made up anew for each run, with document numbers whose checksums hold."""

import secrets
from dataclasses import dataclass
from datetime import date, timedelta

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_REGION = "370181"
"""章丘市, which became a district in 2016; its people's numbers begin so for ever."""


@dataclass(frozen=True)
class Relative:
    """One member of the family."""

    name: str
    relation: str
    labour: str
    number: str


def family(surname: str = "张") -> tuple[Relative, ...]:
    """A couple, a child at school and a grandmother on dialysis: four people, two at work."""
    return (
        Relative(f"{surname}守田", "HEAD", "ORDINARY", document_number(1979)),
        Relative("李秀兰", "SPOUSE", "ORDINARY", document_number(1981)),
        Relative(f"{surname}小麦", "CHILD", "NONE", document_number(2012)),
        Relative("王桂英", "PARENT", "LOST", document_number(1952)),
    )


def document_number(year: int) -> str:
    """A number of the region for somebody born in ``year``, with its check digit (GB 11643).

    Drawn from 365,000: a register refuses whoever is in it already.
    """
    born = date(year, 1, 1) + timedelta(days=secrets.randbelow(365))
    body = f"{_REGION}{born:%Y%m%d}{secrets.randbelow(1000):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CHECKS[total % 11]
