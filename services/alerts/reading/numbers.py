"""Identity numbers checked many at a time: a column of digits is one array."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.kernel.document_number import LENGTH, WEIGHTS
from shared.vault.documents import EARLIEST_BIRTH, PROVINCES

_NONE = "0" * LENGTH
_TEN = ord("X") - ord("0")
_WEIGHTS = np.array(WEIGHTS, np.int32)
_PROVINCES = np.zeros(100, np.bool_)
_PROVINCES[[*map(int, PROVINCES), *range(90, 100)]] = True
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def surely_valid(numbers: Sequence[str]) -> NDArray[np.bool_]:
    """For each text whether it is a valid identity number, written as plainly as can be.

    ``parse_document`` takes all of these; of the others it may take some.
    """
    whole = [len(number) == LENGTH and number.isascii() for number in numbers]
    text = "".join(number if fits else _NONE for number, fits in zip(numbers, whole, strict=True))
    digits = np.frombuffer(text.encode(), np.uint8).reshape(-1, LENGTH) - np.uint8(ord("0"))
    body, last = digits[:, :-1], digits[:, -1]
    valid: NDArray[np.bool_] = np.array(whole)
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


__all__ = ["surely_valid"]
