"""``dixian import quarter`` and ``population``: what became of the rows, or why of none."""

import io
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from dixian.county_file import send
from dixian.errors import CannotStart

ANSWER = {
    "rows": 3,
    "changed": 1,
    "unchanged": 1,
    "wrong": 1,
    "errors": [{"row": 4, "field": "household_id", "code": "not-found", "detail": "no such one"}],
}


def sending(answer: httpx.Response, path: Path) -> str:
    asked: list[tuple[str, bytes]] = []

    def door(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, request.read()))
        return answer

    said = Console(file=io.StringIO(), width=120)
    with httpx.Client(transport=httpx.MockTransport(door), base_url="http://x") as client:
        send(client, said, "/comparisons/2023Q3", path)
    assert asked == [("/comparisons/2023Q3", path.read_bytes())]
    assert isinstance(said.file, io.StringIO)
    return said.file.getvalue()


def test_every_wrong_row_is_said(tmp_path: Path) -> None:
    path = tmp_path / "三季度.csv"
    path.write_text("household_id,benefit\n")
    said = sending(httpx.Response(200, json=ANSWER), path)
    assert "3 rows, 1 changed, 1 as they were, 1 wrong" in said
    assert "row 4: household_id no such one" in said


def test_a_file_that_is_refused_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "三季度.csv"
    path.write_text("x\n")
    problem = {"code": "quarter-not-begun", "detail": "the quarter 2099Q1 has not begun"}
    with pytest.raises(CannotStart, match="has not begun"):
        sending(httpx.Response(422, json=problem), path)
    with pytest.raises(CannotStart):
        sending(httpx.Response(200, json=ANSWER), tmp_path / "missing.csv")
