"""What a cell means, and what it cannot mean."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tabular import cells
from shared.tabular.faults import BadCell
from shared.tabular.table import Cell, Flaw, Number


def refused(read: Callable[[Cell], Any], cell: Cell) -> str:
    with pytest.raises(BadCell) as found:
        read(cell)
    assert found.value.zh
    return found.value.code


@pytest.mark.parametrize(
    "written",
    [
        "2023-08-01",
        "2023-8-1",
        "2023/8/1",
        "2023/08/01",
        "2023.8.1",
        "20230801",
        "2023年8月1日",
        "2023年08月01日",
        "2023-08-01 00:00:00",
        " 2023-08-01 ",
        "\uff12\uff10\uff12\uff13-08-01",
        Number("20230801"),
        date(2023, 8, 1),
        datetime(2023, 8, 1, 13, 5),  # noqa: DTZ001
    ],
)
def test_a_day_in_every_way_offices_write_it(written: Cell) -> None:
    assert cells.day(written) == date(2023, 8, 1)


@pytest.mark.parametrize("wrong", ["", "2023-02-30", "1/8/2023", "2023-8", "8月1日", "20231301"])
def test_what_is_no_day(wrong: str) -> None:
    assert refused(cells.day, wrong) == "not-a-date"


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("12345.67", 1_234_567),
        ("12,345.6", 1_234_560),
        ("¥12,345.67元", 1_234_567),
        ("12345", 1_234_500),
        ("-3.05", -305),
        ("0.10", 10),
        ("5.1000", 510),
        ("12.5", 1250),
        (Number("12345.669999999999"), 1_234_567),
        (Number("1E+4"), 1_000_000),
    ],
)
def test_an_amount_in_yuan_is_kept_in_fen(written: Cell, amount: int) -> None:
    assert cells.fen(written) == amount


@pytest.mark.parametrize("wrong", ["", "一万", "1.234", "1,23", "1e4", "--1", Number("1.234")])
def test_what_is_no_amount(wrong: Cell) -> None:
    assert refused(cells.fen, wrong) in {"not-an-amount", "digits-lost"}


@given(st.integers(min_value=-(10**14), max_value=10**14))
def test_every_amount_survives_being_written(amount: int) -> None:
    yuan = Decimal(amount) / 100
    assert cells.fen(f"{yuan:.2f}") == amount
    assert cells.fen(f"{yuan:,.2f}") == amount


@pytest.mark.parametrize(
    "typed", ["3.70181E+17", "3.7018119650308E17", Number("370181196503080017"), Number("3.7E+17")]
)
def test_a_document_number_that_became_a_number_is_refused(typed: Cell) -> None:
    assert refused(cells.text, typed) == "digits-lost"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(Number("370114001"), "370114001"), (Number("3.70114E+5"), "370114"), (" 甲 ", "甲")],
)
def test_a_short_code_typed_as_a_number_is_text(cell: Cell, shown: str) -> None:
    assert cells.text(cell) == shown


@pytest.mark.parametrize("read", [cells.text, cells.day, cells.fen, cells.whole, cells.flag])
@pytest.mark.parametrize("flaw", list(Flaw))
def test_a_cell_without_a_value_of_its_own_says_why(
    read: Callable[[Cell], Any], flaw: Flaw
) -> None:
    assert refused(read, flaw).startswith("cell-")


def test_yes_no_and_whole_numbers() -> None:
    assert [cells.flag(cell) for cell in ("是", "No", True, Number("1"))] == [
        True,
        False,
        True,
        True,
    ]
    assert refused(cells.flag, "或许") == "not-yes-or-no"
    assert cells.whole("1,024") == 1024
    assert refused(cells.whole, "1.5") == "not-a-whole-number"
    assert cells.text("x") == "x"
    assert refused(cells.text, True) == "text-expected"
