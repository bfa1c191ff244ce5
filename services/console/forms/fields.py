"""The kinds of field: what each looks like (``kind`` names its macro) and what its input means.

A field reads the text a browser sends and gives the JSON value that the API takes: yuan become 分,
a photograph its digest. What cannot be read is a ``Fault`` in words, beside the field.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

Json = Any
_SPACES = re.compile(r"\s+")
_SIGNATURE = re.compile(r"(?:^|\W)([0-9a-fA-F]{128})(?:$|\W)")
_LENGTH = re.compile(r"(\d{1,3})\s*(天|个?工作日|个?月|wd|d|m)")
NOTHING = "无"
"""What empties a list: nothing typed leaves it as it is."""
_DIGITS = re.compile(r"\d{2,12}")
_LONGEST_HOLIDAY = 30
_UNITS = {"天": "d", "工作日": "wd", "月": "m"}
_CODE = re.compile(r"^\s*(CN|\d{2,12})\b")


class Fault(Exception):
    """What was typed cannot be read; the message is a sentence of the catalogue."""

    def __init__(self, zh: str) -> None:
        super().__init__(zh)
        self.zh = zh


@dataclass(frozen=True)
class Given:
    """What a browser sent: texts by name, and the digests of the files by name."""

    texts: Mapping[str, Sequence[str]]
    files: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        """The first text of a name, trimmed."""
        return next(iter(self.texts.get(name, ())), "").strip()

    def all(self, name: str) -> list[str]:
        """Every text of a name."""
        return [text for text in self.texts.get(name, ()) if text]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that is asked."""

    kind: ClassVar[str] = "text"
    name: str
    """Where the value goes in the request's body: ``terms.kind`` goes inside ``terms``."""
    label: str
    """Chinese; the catalogue has its English."""
    hint: str = ""
    required: bool = False
    personal: bool = False
    """Holds personal data: a draft of it is kept for the browser's session only."""
    default: str = ""

    def read(self, given: Given, name: str) -> Json | None:
        """The JSON value; ``None`` where nothing was given. Raises ``Fault``."""
        return given.one(name) or None


@dataclass(frozen=True, kw_only=True)
class Text(Field):
    """A line of text."""

    mode: str = "text"
    """The keyboard a phone shows: ``tel``, ``numeric``."""
    suggest: str = ""
    """The name of the list of suggestions that the page gives."""


@dataclass(frozen=True, kw_only=True)
class Signature(Text):
    """A signature in hexadecimal, or what ``dixian sign`` printed with one in it."""

    def read(self, given: Given, name: str) -> Json | None:
        """128 hexadecimal digits."""
        text = given.one(name)
        found = _SIGNATURE.search(text)
        if text and found is None:
            raise Fault("签名为128位十六进制,或dixian sign输出的整行内容")
        return found[1].lower() if found else None


@dataclass(frozen=True, kw_only=True)
class Length(Text):
    """A period as people write it: ``15天``, ``5个工作日``, ``1个月``."""

    def read(self, given: Given, name: str) -> Json | None:
        """``15d``, ``5wd``, ``1m``."""
        text = given.one(name)
        return _length(text) if text else None


@dataclass(frozen=True, kw_only=True)
class Lengths(Text):
    """Several periods in one line: ``10天、13天``."""

    def read(self, given: Given, name: str) -> Json | None:
        """``10d``, ``13d``."""
        return [_length(text) for text in parted(given.one(name))] or None


def _length(text: str) -> str:
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise Fault("期限应为“15天”“5个工作日”或“1个月”")
    unit = found[2].removeprefix("个")
    return f"{found[1]}{_UNITS.get(unit, unit)}"


def parted(text: str) -> list[str]:
    """The parts of a line or of several, however people part them."""
    return [part for part in re.split(r"[\s,,、;;]+", text) if part]


@dataclass(frozen=True, kw_only=True)
class Words(Text):
    """Several words in one line, such as the accounts of officers."""

    def read(self, given: Given, name: str) -> Json | None:
        """The words."""
        return parted(given.one(name)) or None


@dataclass(frozen=True, kw_only=True)
class Codes(Text):
    """Several divisions by their codes, as the whole list; ``无`` for none of them any more."""

    def read(self, given: Given, name: str) -> Json | None:
        """The codes."""
        text = given.one(name)
        if text == NOTHING:
            return []
        codes = parted(text)
        if not all(_DIGITS.fullmatch(code) for code in codes):
            raise Fault("请填写区划代码,用空格隔开")
        return codes or None


@dataclass(frozen=True, kw_only=True)
class Long(Field):
    """Several lines of text."""

    kind: ClassVar[str] = "long"


@dataclass(frozen=True, kw_only=True)
class Yuan(Field):
    """An amount in 元, as people type it: ``7,750`` or ``7750.50``; 分 for the API."""

    kind: ClassVar[str] = "yuan"

    def read(self, given: Given, name: str) -> Json | None:
        """分."""
        text = given.one(name)
        return fen(text) if text else None


@dataclass(frozen=True, kw_only=True)
class Number(Field):
    """A whole number."""

    kind: ClassVar[str] = "number"

    def read(self, given: Given, name: str) -> Json | None:
        """The number."""
        text = given.one(name)
        if not text:
            return None
        if not re.fullmatch(r"-?\d{1,15}", text):
            raise Fault("请填写整数")
        return int(text)


@dataclass(frozen=True, kw_only=True)
class Day(Field):
    """A date; today where the default is ``today``."""

    kind: ClassVar[str] = "day"

    def read(self, given: Given, name: str) -> Json | None:
        """ISO text."""
        text = given.one(name)
        if not text:
            return None
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise Fault("日期应为“年-月-日”,例如2023-08-01") from None


@dataclass(frozen=True, kw_only=True)
class Days(Long):
    """Days as notices have them: each, or from one to another (``2026-10-01至2026-10-07``)."""

    def read(self, given: Given, name: str) -> Json | None:
        """Every day, ISO texts in their order."""
        days = {day for part in parted(given.one(name)) for day in _days(part)}
        return [day.isoformat() for day in sorted(days)] or None


def _days(part: str) -> list[date]:
    try:
        first, *rest = (date.fromisoformat(text) for text in re.split("至|~|—+", part))
    except ValueError:
        raise Fault("日期应为“年-月-日”,连续的写“2026-10-01至2026-10-07”") from None
    last = rest[0] if rest else first
    if len(rest) > 1 or not first <= last <= first + timedelta(days=_LONGEST_HOLIDAY):
        raise Fault("日期应为“年-月-日”,连续的写“2026-10-01至2026-10-07”")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of a group of coded values; few are buttons, many a list."""

    kind: ClassVar[str] = "choice"
    group: str
    """Of ``labels.toml``."""
    only: tuple[str, ...] = ()
    """The codes offered, where not all are."""


@dataclass(frozen=True, kw_only=True)
class Choices(Choice):
    """Any of a group of coded values."""

    kind: ClassVar[str] = "choices"

    def read(self, given: Given, name: str) -> Json | None:
        """The codes; ``None`` for none."""
        return given.all(name) or None


@dataclass(frozen=True, kw_only=True)
class YesNo(Field):
    """Yes or no, and nothing until somebody says so."""

    kind: ClassVar[str] = "yesno"
    yes: str = "是"
    no: str = "否"

    def read(self, given: Given, name: str) -> Json | None:
        """``True``, ``False`` or ``None``."""
        return {"yes": True, "no": False}.get(given.one(name))


@dataclass(frozen=True, kw_only=True)
class Tick(Field):
    """A box that may be ticked."""

    kind: ClassVar[str] = "tick"

    def read(self, given: Given, name: str) -> Json | None:
        """``True`` or ``False``; never nothing."""
        return bool(given.one(name))


@dataclass(frozen=True, kw_only=True)
class Checklist(Choice):
    """A yes or a no to each of a group: nothing is taken for granted (R16)."""

    kind: ClassVar[str] = "checklist"
    yes: str = "有问题"
    no: str = "没有问题"

    def read(self, given: Given, name: str) -> Json | None:
        """Code → ``True`` or ``False``, for each that was answered."""
        prefix = f"{name}."
        answers = {
            key[len(prefix) :]: given.one(key) for key in given.texts if key.startswith(prefix)
        }
        return {
            code: answer == "yes" for code, answer in answers.items() if answer in {"yes", "no"}
        } or None


@dataclass(frozen=True, kw_only=True)
class Pick(Field):
    """One of what the page offers: a member, an objection."""

    kind: ClassVar[str] = "pick"
    source: str
    """The name of the page's options."""


@dataclass(frozen=True, kw_only=True)
class Picks(Pick):
    """Any of what the page offers."""

    kind: ClassVar[str] = "picks"

    def read(self, given: Given, name: str) -> Json | None:
        """The ids."""
        return given.all(name) or None


@dataclass(frozen=True, kw_only=True)
class Place(Field):
    """A division: chosen from those of the person's own, by name or code."""

    kind: ClassVar[str] = "place"
    source: str = "places"

    def read(self, given: Given, name: str) -> Json | None:
        """The code at the beginning of what was chosen or typed."""
        text = given.one(name)
        if not text:
            return None
        found = _CODE.match(text)
        if found is None:
            raise Fault("请从列表中选择行政区划,或填写区划代码")
        return found[1]


@dataclass(frozen=True, kw_only=True)
class Files(Field):
    """Photographs or papers; the API cites them by their digests."""

    kind: ClassVar[str] = "files"
    many: bool = True

    def read(self, given: Given, name: str) -> Json | None:
        """The digests; one digest where only one file is asked for."""
        digests = list(dict.fromkeys([*given.files.get(name, ()), *given.all(f"{name}.kept")]))
        if not digests:
            return None
        return digests if self.many else digests[-1]


@dataclass(frozen=True, kw_only=True)
class Rows(Field):
    """Several alike: incomes, members. An empty row is none."""

    kind: ClassVar[str] = "rows"
    fields: tuple[Field, ...]
    key: str
    """The field without which a row is none."""
    presets: tuple[Mapping[str, str], ...] = ()
    """Rows that are there from the start, with values in them."""
    blank: int = 1
    """Empty rows that are there from the start."""
    always: bool = False
    """No rows are an answer too: there are none."""
    add: str = "再加一行"

    def read(self, given: Given, name: str) -> Json | None:
        """A list of objects; ``None`` for none, unless none is an answer."""
        rows = []
        for number in self.numbers(given, name):
            row = read_all(self.fields, given, f"{name}.{number}.")
            if row[self.key] is not None:
                rows.append(nested(row))
        return rows if rows or self.always else None

    def at_fault(self, given: Given, path: str) -> str:
        """The input behind what the API says of a row (``0.kind``): empty rows do not count there.

        The row's first input where it says no more; the rows themselves where there is no such row.
        """
        head, _, rest = path.partition(".")
        for number, row in enumerate(self._that_count(given)):
            if head == self._called(given, row, number):
                asked = next((item.name for item in self.fields if item.name != self.key), self.key)
                return f"{self.name}.{row}.{rest or asked}"
        return self.name

    def _that_count(self, given: Given) -> list[int]:
        numbers = self.numbers(given, self.name)
        return [number for number in numbers if given.one(f"{self.name}.{number}.{self.key}")]

    def _called(self, _given: Given, _row: int, number: int) -> str:
        """What the API calls a row: its place among those that count."""
        return str(number)

    def numbers(self, given: Given, name: str) -> list[int]:
        """The rows that were sent, by number."""
        found = re.compile(rf"^{re.escape(name)}\.(\d{{1,3}})\.")
        keys = [*given.texts, *given.files]
        return sorted({int(match[1]) for key in keys if (match := found.match(key))})


class FieldFaults(Exception):
    """Everything that could not be read, by the name of its input."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults


def read_all(fields: Sequence[Field], given: Given, prefix: str = "") -> dict[str, Json]:
    """Every field's value by its name. Raises ``FieldFaults``."""
    values: dict[str, Json] = {}
    faults: dict[str, str] = {}
    for field in fields:
        try:
            values[field.name] = field.read(given, prefix + field.name)
        except Fault as fault:
            faults[prefix + field.name] = fault.zh
        except FieldFaults as inner:
            faults.update(inner.faults)
    if faults:
        raise FieldFaults(faults)
    return values


def nested(values: Mapping[str, Json]) -> dict[str, Json]:
    """``{"terms.kind": …}`` → ``{"terms": {"kind": …}}``; what was not given is left out."""
    made: dict[str, Json] = {}
    for name, value in values.items():
        if value is None:
            continue
        inner, path = made, name.split(".")
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
    return made


def fen(text: str) -> int:
    """``"7,750.5"`` → 775050. Raises ``Fault``."""
    plain = _SPACES.sub("", text).replace(",", "").replace(",", "").removesuffix("元")
    try:
        amount = Decimal(plain) * 100
    except InvalidOperation:
        raise Fault("金额应为数字,单位元,例如7750或7750.50") from None
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise Fault("金额最多两位小数")
    return int(amount)
