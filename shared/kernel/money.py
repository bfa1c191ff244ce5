"""Money is an integer number of 分 (1 元 = 100 分). No floats, ever (R35)."""

from typing import Annotated

from pydantic import Field

Fen = Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]
"""An amount in 分; may be negative (a reference income can be)."""

FenAmount = Annotated[int, Field(strict=True, ge=0, le=10**15)]
"""An amount in 分 that cannot be negative (an income, a bill, a claim)."""


def yuan(fen: int) -> str:
    """``775000`` → ``"7,750.00"``: an amount as officers read it, in 元."""
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), 100)
    return f"{sign}{whole:,}.{rest:02d}"


def per_head(total: int, heads: int) -> int:
    """``total`` ÷ ``heads`` in 分, rounded down: a share is never overstated (R35)."""
    return total // heads
