"""Administrative divisions: one code per place, nested by prefix (2, 4, 6, 9, 12 digits; R1)."""

from enum import IntEnum
from typing import Annotated

from pydantic import StringConstraints

NATION = "CN"
"""The code that contains every other."""

DivisionCode = Annotated[str, StringConstraints(pattern=r"^(CN|\d{2}|\d{4}|\d{6}|\d{9}|\d{12})$")]
"""A division's code in the national statistics' numbering; ``CN`` is the nation."""


class Level(IntEnum):
    """The six levels of R1, the nation highest. Comparable: ``Level.COUNTY > Level.TOWN``."""

    VILLAGE = 1
    TOWN = 2
    COUNTY = 3
    CITY = 4
    PROVINCE = 5
    NATION = 6

    @property
    def label(self) -> str:
        """The level's Chinese name, as officers read it."""
        return _LABELS[self]


_LABELS = {
    Level.VILLAGE: "村级",
    Level.TOWN: "镇级",
    Level.COUNTY: "县级",
    Level.CITY: "市级",
    Level.PROVINCE: "省级",
    Level.NATION: "国家级",
}
_LENGTHS = {
    Level.VILLAGE: 12,
    Level.TOWN: 9,
    Level.COUNTY: 6,
    Level.CITY: 4,
    Level.PROVINCE: 2,
}
_LEVELS = {length: level for level, length in _LENGTHS.items()}


def level_of(code: str) -> Level:
    """The level of a code. Raises ``ValueError`` for a string that is no division code."""
    if code == NATION:
        return Level.NATION
    if not code.isdigit() or len(code) not in _LEVELS:
        raise ValueError(f"not a division code: {code!r}")
    return _LEVELS[len(code)]


def ancestor(code: str, level: Level) -> str:
    """The division of ``level`` that contains ``code`` (``code`` itself at its own level).

    Raises ``ValueError`` when ``level`` is below the level of ``code``.
    """
    if level is Level.NATION:
        return NATION
    if level < level_of(code):
        raise ValueError(f"{code} has no ancestor at {level.name}")
    return code[: _LENGTHS[level]]


def within(code: str, container: str) -> bool:
    """Whether ``code`` is ``container`` or lies inside it."""
    return container == NATION or code.startswith(container)
