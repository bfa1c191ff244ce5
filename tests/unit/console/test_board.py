"""The board's tables as people take them along."""

from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import openpyxl

from services.console import sheets
from services.console.pages.board import _kinds
from services.console.plots import Series, columns
from services.console.words import Words
from shared.tabular.writing import Format


def test_money_is_a_number_of_yuan_with_two_places() -> None:
    row = {"kind": "INDUSTRY", "fund": "BRIDGING", "filed": 2, "started": 1}
    visit: Any = SimpleNamespace(words=Words("zh"))
    lines = _kinds(visit, {"figures": {"measures": [{**row, "amount": 1_200_050, "paid": 0}]}})
    assert lines[0][2:] == (2, 1, Decimal("12000.50"), Decimal("0.00"))
    made = sheets.sheet(
        Format.XLSX, "measures-370114", ["措施", "资金来源", "1", "2", "3", "4"], lines
    )
    sheet = openpyxl.load_workbook(BytesIO(bytes(made.body))).worksheets[0]
    assert sheet.title == "measures-370114"
    assert [cell.value for cell in sheet[2]][2:] == [2, 1, 12000.5, 0]
    assert [cell.number_format for cell in sheet[2]][2:] == ["General"] * 2 + ["#,##0.00"] * 2


def test_a_plot_names_on_a_phone_as_many_months_as_can_be_read() -> None:
    months = [f"2023-{month:02d}" for month in range(1, 13)]
    wide, narrow = str(columns("逐月", months, [Series("识别", range(12))])).split("</svg>")[:2]
    assert all(f">{month}</text>" in wide for month in months)
    shown = [month for month in months if f">{month}</text>" in narrow]
    assert shown[-1] == "2023-12"
    assert len(shown) <= 5
