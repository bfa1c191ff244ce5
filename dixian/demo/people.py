"""The demo's family: made up anew for each run, with document numbers whose checksums hold."""

import secrets
from dataclasses import dataclass

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


def family() -> tuple[Relative, ...]:
    """A couple, a child at school and a grandmother on dialysis: four people, two at work."""
    return (
        Relative("张守田", "HEAD", "ORDINARY", document_number("19790412")),
        Relative("李秀兰", "SPOUSE", "ORDINARY", document_number("19810923")),
        Relative("张小麦", "CHILD", "NONE", document_number("20120301")),
        Relative("王桂英", "PARENT", "LOST", document_number("19520707")),
    )


def document_number(born: str) -> str:
    """A number of the region for somebody born on ``YYYYMMDD``, with its check digit (GB 11643)."""
    body = f"{_REGION}{born}{secrets.randbelow(1000):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CHECKS[total % 11]
