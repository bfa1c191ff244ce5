"""Document numbers for made-up people."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from shared.kernel.document_number import LENGTH, WEIGHTS
from shared.vault.documents import check_character

_DAYS = 25_000
_FIRST_DAY = date(1940, 1, 1)
_CHECK = np.frombuffer(b"10X98765432", dtype=np.uint8)
_COUNTY = b"370114"


def number_of(person: int) -> str:
    """A valid document number for each person."""
    born = _FIRST_DAY + timedelta(days=person % _DAYS)
    body = f"{_COUNTY.decode()}{born:%Y%m%d}{person // _DAYS:03d}"
    return body + check_character(body)


@dataclass(frozen=True)
class Numbers:
    """The numbers of so many people, made all at once: ``numbers[n]`` is ``number_of(n)``."""

    people: int

    def __getitem__(self, person: int) -> str:
        return self._all[person * LENGTH : (person + 1) * LENGTH].decode()

    @cached_property
    def _all(self) -> bytes:
        days = b"".join(f"{_FIRST_DAY + timedelta(days=n):%Y%m%d}".encode() for n in range(_DAYS))
        born = np.frombuffer(days, dtype=np.uint8).reshape(_DAYS, 8)
        persons = np.arange(self.people)
        made = np.empty((self.people, LENGTH), dtype=np.uint8)
        made[:, :6] = np.frombuffer(_COUNTY, dtype=np.uint8)
        made[:, 6:14] = born[persons % _DAYS]
        for place, tens in ((14, 100), (15, 10), (16, 1)):
            made[:, place] = ord("0") + persons // _DAYS // tens % 10
        checked = np.zeros(self.people, dtype=np.int32)
        for place, weight in enumerate(WEIGHTS):
            checked += (made[:, place] - np.uint8(ord("0"))).astype(np.int32) * weight
        made[:, LENGTH - 1] = _CHECK[checked % 11]
        return made.tobytes()
