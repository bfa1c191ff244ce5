"""What the process that reads a file is told, and what it hands back: blocks of checked rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.alerts.domain import policies
from services.alerts.reading.binary import ROW, Rows
from shared.contracts.alerts import FeedMapping, Threshold
from shared.kernel.refusal import Refusal
from shared.vault.blind_index import BlindIndex


@dataclass(frozen=True, repr=False)
class Plan:
    """All that reading a file needs to know."""

    feed: str
    division: str
    """The sender's."""
    mapping: FeedMapping
    book: tuple[Threshold, ...]
    today: date
    index: BlindIndex


class Refused(NamedTuple):
    """A row that is no alert, and why."""

    n: int
    code: str
    field: str


class Candidate(NamedTuple):
    """A row that may become a lead: everything ``POST /alerts`` would have brought."""

    n: int
    alert_id: bytes
    tokens: tuple[bytes, ...]
    given: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Candidate({self.n}, …)"


@dataclass(repr=False)
class Block:
    """A run of rows, checked."""

    rows: int = 0
    last_row: int = 0
    good: Rows = field(default_factory=lambda: np.zeros(0, ROW))
    """The good ones, in their order; each alert once."""
    candidates: list[Candidate] = field(default_factory=list)
    """Those of them that are open."""
    refused: list[Refused] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    ended: bool = False
    """Whether the file has no more rows."""
    fault: str = ""
    """The code of what makes the rest of the file unreadable."""


class Draft:
    """A block being made."""

    def __init__(self) -> None:
        self.block = Block()
        self._good: list[Rows] = []
        self._seen: dict[bytes, bytes] = {}

    def take(self, rows: Rows) -> NDArray[np.intp]:
        """Take good rows, but those of which the id came before in this block; which they are."""
        ids, contents = cut(rows["alert_id"].tobytes(), 16), cut(rows["content"].tobytes(), 8)
        first = dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True))
        for known in first.keys() & self._seen.keys():
            del first[known]
        taken = np.sort(np.fromiter(first.values(), np.intp, len(first)))
        self._seen.update((ids[at], contents[at]) for at in taken.tolist())
        if len(taken) < len(rows):
            again = np.ones(len(rows), np.bool_)
            again[taken] = False
            for at in np.flatnonzero(again).tolist():
                same = self._seen[ids[at]] == contents[at]
                self._came_before(int(rows["n"][at]), same=same)
            rows = rows[taken]
        self._good.append(rows)
        return taken

    def refuse(self, n: int, why: Refusal) -> None:
        """A row that is no alert."""
        self.block.refused.append(Refused(n, why.code, why.field or ""))

    def done(self) -> Block:
        """The block, whole."""
        if self._good:
            self.block.good = np.concatenate(self._good)
        return self.block

    def _came_before(self, n: int, *, same: bool) -> None:
        if same:
            self.block.repeated.append(n)
        else:
            self.refuse(n, policies.alert_id_reused())


def cut(whole: bytes, size: int) -> list[bytes]:
    """In pieces of ``size`` bytes."""
    return [whole[at : at + size] for at in range(0, len(whole), size)]


__all__ = ["Block", "Candidate", "Draft", "Plan", "Refused", "cut"]
