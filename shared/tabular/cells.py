"""From a cell to what it means: text, a whole number, a day, an amount. Each raises ``BadCell``."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from shared.tabular.faults import BadCell
from shared.tabular.table import ROW_FLAWS, Cell, Flaw, Number, Row

_FLAWS = {
    Flaw.FORMULA: ("cell-is-formula", "单元格是公式,请粘贴为数值", "a formula, not a value"),
    Flaw.MERGED: ("cell-is-merged", "单元格被合并,请取消合并并逐行填写", "part of a merged area"),
    Flaw.ERROR: ("cell-is-error", "单元格是错误值", "an error of the spreadsheet"),
    Flaw.NESTED: ("cell-is-nested", "应为单个值", "a list or an object, not a value"),
    Flaw.TOO_LONG: ("cell-too-long", "单元格内容过长", "too long"),
}
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{1,3}")
_EXACT_DIGITS = 15
"""What a spreadsheet keeps of a number; the rest became zeros."""
_AMOUNT = re.compile(r"(-?)(\d{1,15})(?:\.(\d{1,2})0*)?")
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_DAY = re.compile(
    r"(?P<y>\d{4})(?:"
    r"-(?P<m1>\d{1,2})-(?P<d1>\d{1,2})|/(?P<m2>\d{1,2})/(?P<d2>\d{1,2})"
    r"|\.(?P<m3>\d{1,2})\.(?P<d3>\d{1,2})|(?P<m4>\d{2})(?P<d4>\d{2})"
    r"|年(?P<m5>\d{1,2})月(?P<d5>\d{1,2})日)"
    r"(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?)?"
)


def text(cell: Cell) -> str:
    """The cell as text, without the blanks around it; a number only if none of it was lost.

    A document number typed as a number is refused: a spreadsheet has made zeros of its last
    digits, or shows it as ``3.70181E+17``.
    """
    if type(cell) is str:
        made = cell.strip()
        if made[:1].isdigit() and _SCIENTIFIC.fullmatch(made):
            raise _digits_lost()
        return made
    if isinstance(cell, Number):
        return _digits(cell)
    if isinstance(cell, date):
        return cell.isoformat()[:10]
    raise _not_a(cell, "text-expected", "应为文字", "text is due")


def texts(header: Sequence[str], row: Row) -> dict[str, str]:
    """A whole row as text, by the names of the header.

    Raises ``BadCell`` with the column as its field, or with the row's own flaw.
    """
    if row.flaw:
        raise BadCell(row.flaw, *ROW_FLAWS[row.flaw])
    found = {}
    for name, cell in zip(header, row.cells, strict=True):
        try:
            found[name] = text(cell)
        except BadCell as bad:
            raise bad.at(name) from None
    return found


def whole(cell: Cell) -> int:
    """The cell as a whole number."""
    made = text(cell)
    try:
        return int(unicodedata.normalize("NFKC", made).replace(",", ""))
    except ValueError:
        raise BadCell("not-a-whole-number", "应为整数", "a whole number is due") from None


def flag(cell: Cell) -> bool:
    """The cell as yes or no: 是/否, true/false, yes/no, 1/0."""
    if isinstance(cell, bool):
        return cell
    found = _FLAGS.get(text(cell).lower())
    if found is None:
        raise BadCell("not-yes-or-no", "应填“是”或“否”", "yes or no is due")
    return found


def day(cell: Cell) -> date:
    """A day: 2023-08-01, 2023/8/1, 2023.8.1, 20230801, 2023年8月1日, or a spreadsheet's date."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _day(text(cell))
    if found is None:
        raise BadCell("not-a-date", "应为日期,如2023-08-01", "a date is due, such as 2023-08-01")
    return found


def fen(cell: Cell) -> int:
    """An amount in 元 (``12,345.67``, ``¥12345.67元``) as 分.

    Never rounded but for what a spreadsheet's own binary fractions added.
    """
    if isinstance(cell, Number):
        return _fen_of_number(cell)
    made = text(cell)
    match = _AMOUNT.fullmatch(made) or _AMOUNT.fullmatch(_plain_amount(made))
    if match is None:
        raise BadCell(
            "not-an-amount", "应为金额(元),至多两位小数", "an amount in yuan is due, two decimals"
        )
    sign, whole_part, decimals = match.groups()
    amount = int(whole_part) * 100 + int((decimals or "").ljust(2, "0"))
    return -amount if sign else amount


_FLAGS = {"是": True, "true": True, "yes": True, "y": True, "1": True, "√": True}
_FLAGS |= {"否": False, "false": False, "no": False, "n": False, "0": False}


def _digits(number: Number) -> str:
    """``3.70114E+5`` → ``370114``; what may have lost digits is refused."""
    try:
        value = Decimal(number)
    except InvalidOperation:
        raise BadCell("not-a-number", "不是有效的数字", "not a number") from None
    if not value.is_finite() or value.adjusted() >= _EXACT_DIGITS:
        raise _digits_lost()
    if value == value.to_integral_value():
        return str(int(value))
    return str(number)


def _fen_of_number(number: Number) -> int:
    try:
        value = Decimal(number) * 100
        amount = value.quantize(Decimal(1))
    except InvalidOperation:
        raise BadCell("not-an-amount", "应为金额(元)", "an amount in yuan is due") from None
    if abs(value - amount) > Decimal("0.0001"):
        raise BadCell("not-an-amount", "金额至多两位小数", "an amount has two decimals at most")
    return int(amount)


def _plain_amount(made: str) -> str:
    plain = unicodedata.normalize("NFKC", made).strip().removeprefix("¥").removesuffix("元").strip()
    return plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain


@lru_cache(maxsize=4096)
def _day(made: str) -> date | None:
    match = _DAY.fullmatch(unicodedata.normalize("NFKC", made))
    if match is None:
        return None
    year, month, day_ = (int(part) for part in match.groups() if part is not None)
    try:
        return date(year, month, day_)
    except ValueError:
        return None


def _digits_lost() -> BadCell:
    return BadCell(
        "digits-lost",
        "号码被存为数字(科学计数法),末几位已丢失,请将该列设为文本后重新填写",
        "kept as a number, its last digits are lost: make the column text and enter it again",
    )


def _not_a(cell: Cell, code: str, zh: str, en: str) -> BadCell:
    if isinstance(cell, Flaw):
        return BadCell(*_FLAWS[cell])
    return BadCell(code, zh, en)
