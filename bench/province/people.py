"""Who lives there: households with numbers that check, as a county's file brings them."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from bench.numbers import number_of

MEMBERS = (2, 3, 3, 4)
"""How many live in a household: three, on average."""
HEADER = (
    *("户序号", "所属村代码", "是否脱贫户", "家庭住址"),
    *("姓名", "证件号码", "与户主关系", "劳动技能"),
)
_RELATIONS = (
    ("户主", "普通劳动力"),
    ("配偶", "普通劳动力"),
    ("子女", "无劳动力"),
    ("父母", "丧失劳动力"),
)
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"


@dataclass(frozen=True, slots=True)
class Household:
    """A household before it is registered."""

    first: int
    """Its head's person number; the others follow."""
    size: int
    village: str
    formerly_poor: bool

    @property
    def numbers(self) -> list[str]:
        """Its people's document numbers."""
        return [number_of(self.first + n) for n in range(self.size)]


def population(people: int, villages: Sequence[str], chance: Random) -> list[Household]:
    """About so many people in households, village by village. A third were poor before 2020."""
    found: list[Household] = []
    first = 0
    while first < people:
        size = chance.choice(MEMBERS)
        village = villages[len(found) % len(villages)]
        found.append(Household(first, size, village, chance.random() < 1 / 3))
        first += size
    return found


def sheet(households: Sequence[Household]) -> bytes:
    """A county's file of households, CSV in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for home in households:
        writer.writerows(_rows(home))
    return text.getvalue().encode()


def _rows(home: Household) -> Iterator[tuple[str, ...]]:
    surname = _SURNAMES[home.first % len(_SURNAMES)]
    for n, number in enumerate(home.numbers):
        relation, labour = _RELATIONS[n]
        poor = "是" if home.formerly_poor else "否"
        place = (str(home.first), home.village, poor, f"{home.first}号")
        yield (*place, f"{surname}某{n + 1}", number, relation, labour)
