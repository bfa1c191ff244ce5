"""Identity numbers and amounts read many at a time: a column of digits is one array."""

import numpy as np
from numpy.typing import NDArray

from shared.kernel.document_number import LENGTH, WEIGHTS
from shared.tabular.column import Column
from shared.vault.documents import EARLIEST_BIRTH, PROVINCES

_ZERO = np.uint8(ord("0"))
_TEN = ord("X") - ord("0")
_DIGITS = 12
"""Of an amount's whole part, at most; two may follow the point."""
_POWERS = 10 ** np.arange(_DIGITS - 1, -1, -1)
_WEIGHTS = np.array(WEIGHTS, np.int32)
_PROVINCES = np.zeros(100, np.bool_)
_PROVINCES[[*map(int, PROVINCES), *range(90, 100)]] = True
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def surely_valid(numbers: Column) -> NDArray[np.bool_]:
    """For each cell whether it is a valid identity number, written as plainly as can be.

    ``parse_document`` takes all of these; of the others it may take some.
    """
    digits = numbers.bytes_of(LENGTH) - _ZERO
    body, last = digits[:, :-1], digits[:, -1]
    valid: NDArray[np.bool_] = numbers.lengths == LENGTH
    valid &= (body <= 9).all(axis=1) & ((last <= 9) | (last == _TEN))
    figures = np.where(valid[:, None], body, 0).astype(np.int32)
    value = figures @ _WEIGHTS + np.where(last == _TEN, 10, last)
    province = figures[:, 0] * 10 + figures[:, 1]
    valid &= (value % 11 == 1) & _PROVINCES[province] & _are_dates(figures[:, 6:14])
    return valid


def _are_dates(figures: NDArray[np.int32]) -> NDArray[np.bool_]:
    year = figures[:, :4] @ np.array([1000, 100, 10, 1], np.int32)
    month = figures[:, 4] * 10 + figures[:, 5]
    day = figures[:, 6] * 10 + figures[:, 7]
    leap = (year % 4 == 0) & (year % 100 != 0) | (year % 400 == 0)
    last = _DAYS[np.where(month <= 12, month, 0)] + (leap & (month == 2))
    good: NDArray[np.bool_] = (year >= EARLIEST_BIRTH) & (day >= 1) & (day <= last)
    return good


def amounts_of(cells: Column, unit: int, *, none: int) -> NDArray[np.int64]:
    """The amounts in 分 that are written as plainly as can be; ``none`` for every other cell.

    ``unit``: 100 where they are 元, with or without two figures after the point; 1 for whole 分.
    """
    lengths = cells.lengths
    whole = cells.last_bytes_of(_DIGITS + 3)
    digits = are(whole, b"0", b"9")
    point = (whole[:, -3] == ord(".")) if unit > 1 else np.zeros(len(cells), np.bool_)
    most = np.where(point, _DIGITS + 3, _DIGITS)
    plain = (lengths > point * 3) & (lengths <= most)
    plain &= np.count_nonzero(digits, axis=1) == lengths - point
    figures = np.where(digits, whole - _ZERO, 0).astype(np.int64)
    rounded = (figures[:, 3:] @ _POWERS) * unit
    exact = (figures[:, :-3] @ _POWERS) * unit + figures[:, -2] * 10 + figures[:, -1]
    return np.where(plain, np.where(point, exact, rounded), none)


def are(characters: NDArray[np.uint8], first: bytes, last: bytes) -> NDArray[np.bool_]:
    """Which of the bytes lie between the two."""
    made: NDArray[np.bool_] = characters - np.uint8(ord(first)) <= ord(last) - ord(first)
    return made


__all__ = ["amounts_of", "are", "surely_valid"]
