"""What a reader is told while a table is worked through."""

from collections.abc import AsyncIterator

import orjson

from services.console.pages.tables import Told


async def said(*lines: object) -> AsyncIterator[bytes]:
    for line in lines:
        yield orjson.dumps(line)


async def test_wrong_rows_are_told_as_they_come_and_now_and_then_how_far_it_is() -> None:
    error = {"row": 7, "field": "证件号码", "detail": "校验位不符"}
    wrong = {"rows": [7], "outcome": "refused", "errors": [error]}
    good = [{"rows": [n], "outcome": "registered"} for n in range(250)]
    told = Told(said(wrong, *good, {"summary": {"rows": 251}}))
    assert [notice async for notice in told.notices()] == [
        {"error": error},
        {"households": 100},
        {"households": 200},
    ]
    assert (told.summary, told.stopped) == ({"rows": 251}, "")


async def test_a_thousand_wrong_rows_are_listed_and_all_are_counted() -> None:
    wrong = {"rows": [1], "outcome": "refused", "errors": [{"row": 1, "detail": "有误"}]}
    told = Told(said(*[wrong] * 1200, {"stopped": {"detail": "行数过多"}}))
    notices = [notice async for notice in told.notices()]
    assert sum("error" in notice for notice in notices) == 1000
    assert (told.households, told.stopped, told.summary) == (1200, "行数过多", {})
