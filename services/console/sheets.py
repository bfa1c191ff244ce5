"""Tables to take along: XLSX or CSV, every text a text, so that no cell ever becomes a formula."""

import csv
from collections.abc import Sequence
from datetime import date
from io import BytesIO, StringIO
from typing import Any

import xlsxwriter
from starlette.responses import Response

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = Sequence[Any]


def sheet(kind: str, name: str, header: Sequence[str], rows: Sequence[Row]) -> Response:
    """The table as a file: ``xlsx`` or ``csv``."""
    content = _xlsx(header, rows) if kind == "xlsx" else _csv(header, rows)
    media = _XLSX if kind == "xlsx" else "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(content, media_type=media, headers=headers)


def _xlsx(header: Sequence[str], rows: Sequence[Row]) -> bytes:
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        page = book.add_worksheet()
        for number, row in enumerate([header, *rows]):
            for column, value in enumerate(row):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    page.write_number(number, column, value)
                else:
                    page.write_string(number, column, _text(value))
    return file.getvalue()


def _csv(header: Sequence[str], rows: Sequence[Row]) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text)
    for row in [header, *rows]:
        writer.writerow([_safe(value) for value in row])
    # The mark at the beginning tells spreadsheets that the rest is UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _safe(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_STARTS_A_FORMULA):
        return f"'{value}"
    return _text(value) if not isinstance(value, int | float) else value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)
