"""Pydantic's findings as field errors: every kind has a code, nothing is repeated."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.vault.documents import DocumentNumber
from shared.web.validation import field_error, field_path, problem_of


class Member(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=5)]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    members: Annotated[list[Member], Field(min_length=1, max_length=2)]
    code: Annotated[str, Field(pattern=r"^\d{6}$")] = "370114"
    count: Annotated[int, Field(ge=1, lt=10)] = 1
    kind: Literal["a", "b"] = "a"
    on: date = date(2023, 8, 1)
    id: UUID | None = None
    flag: bool = True
    number: DocumentNumber | None = None


GOOD: dict[str, Any] = {"members": [{"name": "张三"}]}


def found(data: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate(data)
    errors = [
        field_error({**error, "loc": ("body", *error["loc"])}) for error in caught.value.errors()
    ]
    return [(error.field, error.code, error.zh) for error in errors]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"members": None}, ("members", "wrong-type", "须为列表")),
        ({"members": []}, ("members", "too-few", "至少1项")),
        ({"members": [{"name": "a"}] * 3}, ("members", "too-many", "至多2项")),
        ({"members": [{}]}, ("members[0].name", "missing-field", "缺少该字段")),
        ({"members": ["x"]}, ("members[0]", "wrong-type", "须为对象")),
        ({"members": [{"name": ""}]}, ("members[0].name", "too-short", "至少1个字符")),
        ({"members": [{"name": "abcdef"}]}, ("members[0].name", "too-long", "至多5个字符")),
        ({"members": [{"name": 5}]}, ("members[0].name", "wrong-type", "须为文字")),
        ({"code": "x"}, ("code", "wrong-format", "格式不符合要求")),
        ({"count": 0}, ("count", "out-of-range", "须不小于1")),
        ({"count": 10}, ("count", "out-of-range", "须小于10")),
        ({"count": "x"}, ("count", "wrong-type", "须为整数")),
        ({"count": 1.5}, ("count", "wrong-type", "须为整数")),
        ({"kind": "c"}, ("kind", "not-allowed", "不在允许的取值之中")),
        ({"on": "yesterday"}, ("on", "wrong-type", "须为日期(年-月-日)")),
        ({"id": "x"}, ("id", "wrong-type", "须为 UUID")),
        ({"flag": "x"}, ("flag", "wrong-type", "须为 true 或 false")),
        ({"more": 1}, ("more", "unknown-field", "没有该字段")),
        ({"number": "37"}, ("number", "document-number-length", "证件号码应为18、20或22位")),
    ],
)
def test_each_mistake_has_its_code(change: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert found(GOOD | change) == [expected]


def test_several_mistakes_are_all_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate({"members": [], "count": 0})
    problem = problem_of(caught.value.errors())
    assert [error.field for error in problem.errors] == ["members", "count"]
    assert (problem.field, problem.code) == ("members", "too-few")


def test_a_field_named_like_a_person_is_not_repeated() -> None:
    assert found(GOOD | {"张三": 1}) == [("?", "unknown-field", "没有该字段")]
    assert found(GOOD | {"id370114199001011234": 1}) == [("?", "unknown-field", "没有该字段")]


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("body",), "body"),
        (("query", "limit"), "limit"),
        (("body", "members", 2, "name"), "members[2].name"),
        (("body", 0), "[0]"),
        ((), "body"),
    ],
)
def test_paths(location: tuple[str | int, ...], path: str) -> None:
    assert field_path(location) == path


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
SECRET = "秘密370114199001011234"


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Form.model_fields, ANYTHING)))
def test_whatever_is_sent_gets_an_answer_that_does_not_repeat_it(data: dict[str, Any]) -> None:
    try:
        Form.model_validate(data | {"extra": SECRET, SECRET: 1})
    except ValidationError as error:
        problem = problem_of(error.errors())
        shown = str(problem.as_json("zh", "r")) + str(problem.as_json("en", "r"))
        assert SECRET not in shown
