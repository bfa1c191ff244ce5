"""Document numbers: the resident identity number (GB 11643) and the disability certificate.

18 characters are an identity number. 20 are the certificate: that number, the kind and the degree.
22 are the certificate issued again: ``B1``, ``B2`` … after it.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from shared.kernel.document_number import LENGTH, check_character
from shared.kernel.refusal import Invalid

_SHAPE = re.compile(r"^\d{17}[\dX](?:\d{2}(?:[B\d]\d)?)?$")
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]")
# The provinces' codes; 81–83 are the residence permits of Hong Kong, Macao and Taiwan residents,
# 9x the permanent residence of foreigners. County codes are not looked up: abandoned ones stay
# valid for life, and new ones appear every year.
PROVINCES = frozenset(
    str(code)
    for area in ((11, 16), (21, 24), (31, 38), (41, 47), (50, 55), (61, 66), (71, 72), (81, 84))
    for code in range(*area)
)
LENGTHS = frozenset({18, 20, 22})
"""Characters that a number may have."""
EARLIEST_BIRTH = 1850
"""The year of the earliest date of birth that a number may say."""


@dataclass(frozen=True)
class Document:
    """A checked number."""

    number: str
    """All of it, normalised."""

    @property
    def id_number(self) -> str:
        """The identity number: the first 18 characters."""
        return self.number[:LENGTH]

    @property
    def is_certificate(self) -> bool:
        """Whether it is a disability certificate's."""
        return len(self.number) > LENGTH

    @property
    def born_on(self) -> date:
        """The date of birth."""
        return date.fromisoformat(self.number[6:14])

    def __repr__(self) -> str:
        return "Document(…)"


def normalise(text: str) -> str:
    """Fullwidth to plain, no spaces or invisible characters, ``x`` to ``X``."""
    if text.isascii() and text.isalnum():
        return text.upper()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).upper()


def parse_document(text: str) -> Document:
    """The number, checked: length, shape, province, date of birth, check character.

    Raises ``Invalid`` with a code for each; the number is in no message.
    """
    number = normalise(text)
    if len(number) not in LENGTHS:
        raise _invalid("length", "证件号码应为18、20或22位", "it has 18, 20 or 22 characters")
    if not _SHAPE.match(number) or not number.isascii():
        raise _invalid("format", "证件号码含有不应有的字符", "a character is out of place")
    if number[:2] not in PROVINCES and number[0] != "9":
        raise _invalid("division", "证件号码的地区码不存在", "it begins with no province's code")
    if not _is_date(number[6:14]):
        raise _invalid("birth-date", "证件号码中的出生日期不存在", "its date of birth is no date")
    if check_character(number[:17]) != number[17]:
        raise _invalid("checksum", "证件号码校验位不正确", "its check character is wrong")
    return Document(number)


@lru_cache(maxsize=65536)
def _is_date(digits: str) -> bool:
    try:
        return date.fromisoformat(digits).year >= EARLIEST_BIRTH
    except ValueError:
        return False


def _invalid(what: str, zh: str, en: str) -> Invalid:
    return Invalid(code=f"document-number-{what}", zh=zh, en=en, field="document_number")


def _validated(text: str) -> str:
    try:
        return parse_document(text).number
    except Invalid as refusal:
        raise PydanticCustomError(refusal.code, refusal.en, {"zh": refusal.zh}) from None


DocumentNumber = Annotated[str, AfterValidator(_validated)]
"""A field of a request: checked, normalised, and refused with its own field path."""

__all__ = [
    "EARLIEST_BIRTH",
    "LENGTHS",
    "PROVINCES",
    "Document",
    "DocumentNumber",
    "check_character",
    "normalise",
    "parse_document",
]
