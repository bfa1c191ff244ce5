"""What the process that reads a file is told, and what it hands back: blocks of checked rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from struct import Struct
from typing import Any, NamedTuple

from services.alerts.domain import policies
from shared.contracts.alerts import FeedMapping, Threshold
from shared.kernel.refusal import Refusal
from shared.vault.blind_index import TOKEN_BYTES, BlindIndex

COLUMNS = (
    "n", "alert_id", "content", "token", "amount", "open", "type", "happened_on", "division",
)  # fmt: skip
"""Of a staged row: ``open`` says that its fate is still to be decided."""
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_EPOCH = date(2000, 1, 1)
_DATE = Struct(">ii")
# Each value goes after its length; the row after the number of its columns.
_ROW = Struct(f">hiii16si8si{TOKEN_BYTES}siqi?")
_WITHOUT_AMOUNT = Struct(f">hiii16si8si{TOKEN_BYTES}sii?")


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


class Read(NamedTuple):
    """A good row, as it is staged."""

    n: int
    alert_id: bytes
    content: bytes
    tokens: tuple[bytes, ...]
    amount: int | None
    is_open: bool
    words: bytes
    """Type, day and division, ``packed``."""


@dataclass(repr=False)
class Block:
    """A run of rows, checked."""

    rows: int = 0
    last_row: int = 0
    staged: bytes = b""
    """The good ones, as binary COPY (``COLUMNS``)."""
    tokens: list[tuple[int, bytes]] = field(default_factory=list)
    """Further tokens of the few that have several: certificates, older keys."""
    candidates: list[Candidate] = field(default_factory=list)
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
        self._staged: list[bytes] = [_BEGIN]
        self._seen: dict[bytes, bytes] = {}

    def take(self, row: Read) -> bool:
        """Stage a row, but one of which the id came before in this block; whether it was staged."""
        n, alert_id, content, tokens, amount, is_open, words = row
        known = self._seen.setdefault(alert_id, content)
        if known is not content:
            self._came_before(n, same=known == content)
            return False
        head = (len(COLUMNS), 4, n, 16, alert_id, 8, content, TOKEN_BYTES, tokens[0])
        if amount is None:
            self._staged.append(_WITHOUT_AMOUNT.pack(*head, -1, 1, is_open) + words)
        else:
            self._staged.append(_ROW.pack(*head, 8, amount, 1, is_open) + words)
        if len(tokens) > 1:
            self.block.tokens.extend((n, token) for token in tokens[1:])
        return True

    def refuse(self, n: int, why: Refusal) -> None:
        """A row that is no alert."""
        self.block.refused.append(Refused(n, why.code, why.field or ""))

    def done(self) -> Block:
        """The block, whole."""
        self.block.staged = b"".join((*self._staged, _END))
        return self.block

    def _came_before(self, n: int, *, same: bool) -> None:
        if same:
            self.block.repeated.append(n)
        else:
            self.refuse(n, policies.alert_id_reused())


def packed(type_: str, day: date) -> bytes:
    """The two as they stand in a staged row."""
    return packed_text(type_) + _DATE.pack(4, (day - _EPOCH).days)


def packed_text(text: str) -> bytes:
    """A text as it stands there."""
    content = text.encode()
    return len(content).to_bytes(4) + content


__all__ = [
    "COLUMNS",
    "Block",
    "Candidate",
    "Draft",
    "Plan",
    "Read",
    "Refused",
    "packed",
    "packed_text",
]
