"""The tables of a feed: an empty file to fill in, and what became of a file's rows."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from io import BytesIO
from typing import Any

from fastapi import Response

from services.alerts.domain import feed_words
from shared.contracts.alerts import AlertField, FeedMapping, Unit
from shared.contracts.labels import label
from shared.kernel.division import NATION
from shared.tabular.writing import Book, Format, streamed, write

F = AlertField
_NEEDED = frozenset({F.HAPPENED_ON, F.NAME, F.DOCUMENT_NUMBER, F.TYPE, F.DIVISION})
_LINES = {
    "n": "行号",
    "fate": "结果",
    "code": "原因代码",
    "field": "字段",
    "alert_id": "预警",
    "lead_id": "线索",
    "household_id": "户",
    "type": "预警类型",
    "happened_on": "日期",
    "amount": "金额(分)",
    "division": "行政区划代码",
}
"""What a line of CSV or JSON says of a row: codes, and amounts in 分."""
_SHEET = {
    "n": "行号",
    "fate": "结果",
    "detail": "原因",
    "field": "字段",
    "type": "预警种类",
    "happened_on": "日期",
    "amount": "金额(元)",
    "division": "行政区划代码",
    "alert_id": "预警",
    "lead_id": "线索",
    "household_id": "户",
}
"""What a workbook says of it: words, and amounts in 元."""
_EXAMPLE_NUMBER = "110101199003070000"
"""Its check character is wrong: an example that was left in the file is refused, nobody's alert."""
Row = Mapping[str, Any]


class Fillable(StrEnum):
    """What people fill in."""

    CSV = "csv"
    XLSX = "xlsx"


def columns(mapping: FeedMapping) -> list[dict[str, Any]]:
    """Each column that a file of the feed has: its title, and whether a row may leave it out."""
    return [
        {"field": field, "title": title, "required": _is_needed(mapping, field)}
        for field in AlertField
        if (title := mapping.columns.get(field)) is not None
    ]


def template(
    feed: str, mapping: FeedMapping, kind: Fillable, division: str, today: date
) -> Response:
    """The titles where the mapping looks for them, what each column takes, and one example."""
    shown = columns(mapping)
    lines = [
        *([[]] * (mapping.header_row - 1)),
        [one["title"] for one in shown],
        [_help(feed, mapping, one) for one in shown],
        [_example(feed, mapping, one["field"], division, today) for one in shown],
    ]
    first, *rest = (_numbered(line, len(shown)) for line in lines)
    file = BytesIO()
    write(Format(kind), first, rest, file, Book(sheet="预警", fillable=True))
    headers = {"Content-Disposition": f'attachment; filename="{feed}-template.{kind}"'}
    return Response(file.getvalue(), media_type=Format(kind).media_type, headers=headers)


def row(feed: str, kept: Row, language: str) -> dict[str, Any]:
    """A row of a file: its codes, and in words why it was refused."""
    detail = feed_words.reason(feed, kept.get("code"), kept.get("field"), language)
    return {**{name: kept.get(name) for name in _LINES}, "detail": detail or None}


def rows(kind: Format, feed: str, pages: AsyncIterator[Iterable[Row]]) -> AsyncIterator[bytes]:
    """A file's rows: in words for a workbook, in codes for machines."""
    if kind is not Format.XLSX:
        return streamed(kind, _LINES, _each(pages, _coded))
    shown = _each(pages, lambda kept: _worded(row(feed, kept, "zh")))
    return streamed(kind, _SHEET, shown, Book(sheet="逐行结果"))


async def _each(pages: AsyncIterator[Iterable[Row]], made: Any) -> AsyncIterator[Iterable[Row]]:
    async for page in pages:
        yield map(made, page)


def _coded(kept: Row) -> Row:
    return {name: kept.get(name) for name in _LINES}


def _worded(told: Row) -> Row:
    amount = told["amount"]
    return {
        **told,
        "fate": label("RowFate", told["fate"]),
        "field": label("AlertField", told["field"]),
        "type": label("AlertType", told["type"]),
        "amount": None if amount is None else Decimal(amount).scaleb(-2),
    }


def _is_needed(mapping: FeedMapping, field: F) -> bool:
    otherwise = {F.TYPE: mapping.type, F.DIVISION: mapping.division}
    return field in _NEEDED and otherwise.get(field) is None


def _help(feed: str, mapping: FeedMapping, column: Row) -> str:
    said = label("AlertHelp", column["field"])
    if column["field"] == F.TYPE:
        said = "填其中之一:" + "、".join(feed_words.kinds_of(feed))
    if column["field"] == F.AMOUNT:
        said += f";单位:{label('Unit', mapping.unit)}"
    return ("必填。" if column["required"] else "") + said + "(本行和示例行请删去)"


def _example(feed: str, mapping: FeedMapping, field: F, division: str, today: date) -> Any:
    return {
        F.EXTERNAL_ID: "BH-0001",
        F.TYPE: feed_words.kinds_of(feed)[0],
        F.HAPPENED_ON: today.isoformat(),
        F.PERIOD: f"{today:%Y-%m}",
        F.AMOUNT: "26000.00" if mapping.unit is Unit.YUAN else "2600000",
        F.DIVISION: "" if division == NATION else division,
        F.NAME: "示例",
        F.DOCUMENT_NUMBER: _EXAMPLE_NUMBER,
        F.DETAILS: "示例行,请删去",
    }[field]


def _numbered(line: Sequence[Any], width: int) -> dict[str, Any]:
    cells: Iterator[Any] = iter([*line, *([""] * (width - len(line)))])
    return {str(number): cell for number, cell in enumerate(cells)}


__all__ = ["Fillable", "columns", "row", "rows", "template"]
