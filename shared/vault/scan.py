"""Finds what a notice must not say (R65): document numbers, phones, accounts, illnesses.

Numbers are found through fullwidth, circled and Chinese digits and through separators; terms
through spaces and marks. A finding says what kind of thing stands where; never the thing itself.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

_TERMS = Path(__file__).with_name("health_terms.txt")


class Sensitive(StrEnum):
    """What was found."""

    DOCUMENT_NUMBER = "document-number"
    PHONE = "phone"
    ACCOUNT = "account"
    HEALTH = "health"

    @property
    def zh(self) -> str:
        """As officers read it."""
        return _ZH[self]


_ZH = {
    Sensitive.DOCUMENT_NUMBER: "身份证件号码",
    Sensitive.PHONE: "手机号码",
    Sensitive.ACCOUNT: "银行账号",
    Sensitive.HEALTH: "健康状况",
}


@dataclass(frozen=True)
class Finding:
    """One sensitive thing: characters ``start`` to ``end`` (exclusive) of the text."""

    kind: Sensitive
    start: int
    end: int


def scan(text: str) -> list[Finding]:
    """Every sensitive thing in a free text, in order; a stretch is reported once."""
    plain = _Plain.of(text)
    found: list[Finding] = []
    for kind, start, end in (*_numbers(plain.digits), *_health(plain)):
        finding = Finding(kind, plain.origin[start], plain.origin[end - 1] + 1)
        if not any(_overlap(finding, known) for known in found):
            found.append(finding)
    return sorted(found, key=lambda finding: finding.start)


@dataclass(frozen=True)
class _Plain:
    """A text made plain, with where each of its characters came from."""

    letters: str
    """NFKC, upper case."""
    digits: str
    """The same with Chinese numerals as digits, for numbers."""
    origin: list[int]

    @classmethod
    def of(cls, text: str) -> "_Plain":
        letters: list[str] = []
        origin: list[int] = []
        for place, letter in enumerate(text):
            for plain in unicodedata.normalize("NFKC", letter).upper():
                if unicodedata.category(plain) not in _INVISIBLE:
                    letters.append(plain)
                    origin.append(place)
        together = "".join(letters)
        return cls(together, together.translate(_NUMERALS), origin)


_INVISIBLE = frozenset({"Cf", "Mn"})
_NUMERALS = str.maketrans(
    "〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺", "0012345678912345678" + "91"
)
# What people put inside one number: up to two of these. Commas and 、 part one number from another.
_GAP = r"[\s\-\u2010-\u2015_.·/|*~()]{0,2}"
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015_.·/|*~()]+")
_D = "[0-9]"
_ALONE, _END = f"(?<!{_D})", f"(?!{_D})"


def _spread(*parts: str) -> str:
    return _GAP.join(parts)


_RUN = re.compile(f"{_ALONE}{_D}{{15,}}X?")
_DOCUMENT = re.compile(_ALONE + _spread(*[_D] * 17, "[0-9X]"))
_PHONE = re.compile(
    _ALONE + rf"(?:(?:00)?86{_GAP}|0)?(?P<number>" + _spread("1", "[3-9]", *[_D] * 9) + ")" + _END
)
_CARD = re.compile(f"{_ALONE}{_D}(?:{_GAP}{_D}){{15,18}}{_END}")
_DATE = re.compile(
    rf"{_ALONE}(?:19|20){_D}{{2}}\s?[-/.年]\s?(?:0?[1-9]|1[0-2])\s?[-/.月]\s?"
    rf"(?:0[1-9]|[12]{_D}|3[01]|[1-9]){_END}"
)
_NOT_IN_NUMBER = re.compile(r"[^0-9X]")
_DOCUMENT_SHAPE = re.compile(r"^(?:[1-6]\d|71|8[123]|9\d)\d{4}(\d{8})\d{3}[\dX]")
_OLD_DOCUMENT_SHAPE = re.compile(r"^[1-6]\d{5}(\d{6})\d{3}$")
_Span = tuple[Sensitive, int, int]


def _numbers(digits: str) -> Iterator[_Span]:
    for match in _DOCUMENT.finditer(digits):
        if _is_document(_NOT_IN_NUMBER.sub("", match[0])):
            yield Sensitive.DOCUMENT_NUMBER, match.start(), match.end()
    for match in _RUN.finditer(digits):
        if (kind := _kind_of_run(match[0])) is not None:
            yield kind, match.start(), match.end()
    # A date beside a number would join with it across the space between them.
    undated = _DATE.sub(lambda match: "年" * len(match[0]), digits)
    for match in _PHONE.finditer(undated):
        if _reads_as_one(match["number"]):
            yield Sensitive.PHONE, match.start(), match.end()
    for match in _CARD.finditer(undated):
        if _reads_as_one(match[0]) and _luhn(_NOT_IN_NUMBER.sub("", match[0])):
            yield Sensitive.ACCOUNT, match.start(), match.end()


def _kind_of_run(run: str) -> Sensitive | None:
    """What 15 digits or more without a gap are; nothing honest in a notice is that long."""
    if len(run) == 15:
        match = _OLD_DOCUMENT_SHAPE.match(run)
        return Sensitive.DOCUMENT_NUMBER if match and _is_date("19" + match[1]) else None
    return Sensitive.ACCOUNT


def _is_document(number: str) -> bool:
    """Province and date of birth fit. A wrong check character still tells whose it is."""
    match = _DOCUMENT_SHAPE.match(number)
    return match is not None and _is_date(match[1])


def _is_date(digits: str) -> bool:
    try:
        return 1850 <= date.fromisoformat(digits).year <= 2100
    except ValueError:
        return False


def _reads_as_one(number: str) -> bool:
    """Whether the gaps are those of one number: none, a few groups, or one after every digit.

    ``138 1234 5678`` and ``1 3 8 1 2 …`` are; ``1 3 5 6 7 8 9 10 11`` is a list.
    """
    groups = [len(group) for group in _BETWEEN.split(number)]
    return set(groups) == {1} or (len(groups) <= 6 and min(groups) >= 2)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _health(plain: _Plain) -> Iterator[_Span]:
    """Terms, read through spaces and marks between their characters."""
    kept = [place for place, letter in enumerate(plain.letters) if not _BETWEEN.match(letter)]
    compact = "".join(plain.letters[place] for place in kept)
    terms, harmless = _vocabulary()
    allowed = [match.span() for match in harmless.finditer(compact)]
    for match in terms.finditer(compact):
        start, end = match.span()
        if not any(first <= start and end <= last for first, last in allowed):
            yield Sensitive.HEALTH, kept[start], kept[end - 1] + 1


@cache
def _vocabulary() -> tuple[re.Pattern[str], re.Pattern[str]]:
    lines = [line.strip() for line in _TERMS.read_text(encoding="utf-8").splitlines()]
    words = [line.upper() for line in lines if line and not line.startswith("#")]
    terms = [word for word in words if not word.startswith("!")]
    harmless = [word[1:] for word in words if word.startswith("!")]
    return _any_of(terms), _any_of(harmless)


def _any_of(words: list[str]) -> re.Pattern[str]:
    """Any of the words, the longest first."""
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))


def _overlap(one: Finding, other: Finding) -> bool:
    return one.start < other.end and other.start < one.end
