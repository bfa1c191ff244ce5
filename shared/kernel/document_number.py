"""The resident identity number's shape (GB 11643): for what holds one, and what must not."""

import re
from datetime import date
from operator import mul

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

LENGTH = 18
"""Characters of a number."""
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""What each of the first 17 digits counts for in the check."""
_CHECK = "10X98765432"
_ZEROS = ord("0") * sum(WEIGHTS)
_ALONE = re.compile(r"(?<![0-9A-Za-z])([1-9]\d{16})([\dXx])(?![0-9A-Za-z])")


def check_character(body: str) -> str:
    """The 18th character for 17 digits (GB 11643, ISO 7064 MOD 11-2)."""
    return _CHECK[(sum(map(mul, body.encode(), WEIGHTS)) - _ZEROS) % 11]


def holds_document_number(text: str, *, born_until: date = date(2100, 12, 31)) -> bool:
    """Whether a whole document number stands somewhere in the text: date and check included.

    ``born_until``: the latest day of birth that counts. A machine's running number may well be a
    place, the day it was given, and a count.
    """
    return any(
        _is_date(found[1][6:14], born_until) and check_character(found[1]) == found[2].upper()
        for found in _ALONE.finditer(text)
    )


def _is_date(digits: str, latest: date) -> bool:
    try:
        return date(1850, 1, 1) <= date.fromisoformat(digits) <= latest
    except ValueError:
        return False


def no_document_number(text: str) -> str:
    """The text. Raises ``PydanticCustomError`` when it holds one, with nothing of it."""
    if holds_document_number(text):
        raise PydanticCustomError(
            "personal-number",
            "this field is kept openly and must not hold a document number",
            {"zh": "该字段公开留存,不得填写身份证件号码", "rule": "R65"},
        )
    return text


NoDocumentNumber = AfterValidator(no_document_number)
"""For a text that people type and that events carry: a reference, a pseudonym."""
