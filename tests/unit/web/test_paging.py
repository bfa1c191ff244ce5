"""Cursors: they go on where they stopped, and are refused where they do not belong."""

import base64
from datetime import date
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.paging import Cursors, Page, PageQuery
from shared.web.problem import Malformed

Key = tuple[date, UUID]
CURSORS: Cursors[Key] = Cursors(tuple[date, UUID])  # type: ignore[arg-type]
QUESTION = {"division": "370114", "state": None}


def rows(count: int) -> list[Key]:
    return [(date(2023, 8, 1), UUID(int=number)) for number in range(count)]


def cut(found: list[Key], limit: int) -> Page[Key]:
    return CURSORS.cut(found, PageQuery(limit, None), QUESTION, lambda row: row)


def test_the_first_page_starts_at_the_beginning() -> None:
    assert CURSORS.after(PageQuery(2, None), QUESTION) is None


def test_a_full_list_is_walked_by_its_cursors() -> None:
    page = cut(rows(3), 2)
    assert page.items == rows(2)
    assert CURSORS.after(PageQuery(2, page.next), QUESTION) == rows(2)[-1]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_last_page_has_no_cursor(count: int) -> None:
    page = cut(rows(count), 2)
    assert (page.items, page.next) == (rows(count), None)


def _packed(content: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


def test_a_cursor_of_another_question_is_refused() -> None:
    cursor = cut(rows(3), 2).next
    with pytest.raises(Malformed) as refused:
        CURSORS.after(PageQuery(2, cursor), {"division": "371721", "state": None})
    assert (refused.value.code, refused.value.field) == ("cursor-malformed", "cursor")


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!!", "中文", _packed([]), _packed({"a": 1}), _packed(["x", [1, 2]])]
)
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Malformed):
        CURSORS.after(PageQuery(2, cursor), QUESTION)


@given(st.text(max_size=50))
def test_any_text_is_refused_or_read(cursor: str) -> None:
    with pytest.raises(Malformed):
        CURSORS.after(PageQuery(2, cursor), QUESTION)


def test_a_key_of_the_wrong_type_is_refused() -> None:
    [digest, _] = orjson.loads(base64.urlsafe_b64decode(str(cut(rows(3), 2).next) + "=="))
    with pytest.raises(Malformed):
        CURSORS.after(PageQuery(2, _packed([digest, ["2023-08-01", "not a uuid"]])), QUESTION)
