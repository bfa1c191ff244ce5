"""Turns pydantic's findings into field errors: a stable code, words in two languages, no values."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.web.problem import FieldError, Problem

_SHOWABLE_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")
_LONG_NUMBER = re.compile(r"\d{7}")
_SHOWN_AT_MOST = 50
_PLACES = frozenset({"body", "query", "path", "header", "cookie"})

# pydantic's type → (code, Chinese, English). ``{…}`` are limits set by the model, never the input.
_WORDS: Mapping[str, tuple[str, str, str]] = {
    "missing": ("missing-field", "缺少该字段", "this field is required"),
    "extra_forbidden": ("unknown-field", "没有该字段", "there is no such field"),
    "literal_error": ("not-allowed", "不在允许的取值之中", "not one of the allowed values"),
    "enum": ("not-allowed", "不在允许的取值之中", "not one of the allowed values"),
    "string_pattern_mismatch": ("wrong-format", "格式不符合要求", "not in the required format"),
    "string_too_short": (
        "too-short",
        "至少{min_length}个字符",
        "at least {min_length} characters",
    ),
    "string_too_long": ("too-long", "至多{max_length}个字符", "at most {max_length} characters"),
    "too_short": ("too-few", "至少{min_length}项", "at least {min_length} items"),
    "too_long": ("too-many", "至多{max_length}项", "at most {max_length} items"),
    "greater_than": ("out-of-range", "须大于{gt}", "must be greater than {gt}"),
    "greater_than_equal": ("out-of-range", "须不小于{ge}", "must be at least {ge}"),
    "less_than": ("out-of-range", "须小于{lt}", "must be less than {lt}"),
    "less_than_equal": ("out-of-range", "须不大于{le}", "must be at most {le}"),
    "union_tag_invalid": ("not-allowed", "不在允许的取值之中", "not one of the allowed values"),
    "union_tag_not_found": (
        "missing-field",
        "缺少类别字段",
        "the field that names the kind is missing",
    ),
    "value_error": ("invalid-value", "内容不符合要求", "the content is not acceptable"),
    "assertion_error": ("invalid-value", "内容不符合要求", "the content is not acceptable"),
    "frozen_field": ("not-allowed", "该字段不可更改", "this field cannot be changed"),
}
_WRONG_TYPE = ("wrong-type", "类型不正确", "wrong type")
_INVALID = ("invalid-value", "内容不符合要求", "the content is not acceptable")
_KINDS = {
    "string": ("须为文字", "must be a string"),
    "int": ("须为整数", "must be an integer"),
    "float": ("须为数字", "must be a number"),
    "decimal": ("须为数字", "must be a number"),
    "bool": ("须为 true 或 false", "must be true or false"),
    "date": ("须为日期(年-月-日)", "must be a date (YYYY-MM-DD)"),
    "datetime": ("须为日期时间(ISO 8601)", "must be a date-time (ISO 8601)"),
    "uuid": ("须为 UUID", "must be a UUID"),
    "list": ("须为列表", "must be a list"),
    "tuple": ("须为列表", "must be a list"),
    "set": ("须为列表", "must be a list"),
    "dict": ("须为对象", "must be an object"),
    "model": ("须为对象", "must be an object"),
    "dataclass": ("须为对象", "must be an object"),
    "none": ("须为空", "must be null"),
}


def problem_of(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """One problem for all that is wrong: the first in front, every one in ``errors``.

    ``errors`` is what ``ValidationError.errors()`` gives, with FastAPI's ``loc``. At most 50 are
    listed.
    """
    found = [field_error(error) for error in errors[:_SHOWN_AT_MOST]]
    first = found[0]
    return Problem(
        status=422,
        code=first.code,
        zh=f"{first.field}: {first.zh}",
        en=f"{first.field}: {first.en}",
        rule=first.rule,
        field=first.field,
        errors=found if len(found) > 1 else (),
    )


def field_error(error: Mapping[str, Any]) -> FieldError:
    """One finding. A ``PydanticCustomError`` may bring ``zh`` and ``rule`` in its context."""
    kind: str = error["type"]
    context: Mapping[str, Any] = error.get("ctx") or {}
    path = field_path(error["loc"])
    if "zh" in context:
        return FieldError(
            path, kind.replace("_", "-"), context["zh"], error["msg"], context.get("rule", "")
        )
    code, zh, en = _words(kind, context)
    if code == "missing-field" and path == "body":
        return FieldError(path, "missing-body", "缺少请求体", "a body is required")
    return FieldError(path, code, zh, en)


def field_path(location: Sequence[str | int]) -> str:
    """``("body", "members", 0, "name")`` → ``members[0].name``.

    A name that the caller made up is shown only if it looks like a field's name; anything else
    could be a person's.
    """
    parts = list(location)
    place = str(parts.pop(0)) if parts and parts[0] in _PLACES else ""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{_showable(part)}" if path else _showable(part)
    return path or place or "body"


def _showable(name: str) -> str:
    if _SHOWABLE_NAME.match(name) and not _LONG_NUMBER.search(name):
        return name
    return "?"


def _words(kind: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    if kind in _WORDS:
        code, zh, en = _WORDS[kind]
        return code, zh.format_map(context), en.format_map(context)
    subject, _, aspect = kind.partition("_")
    if aspect.startswith(("type", "parsing", "from_", "attributes_type", "instance")):
        zh, en = _KINDS.get(subject, _WRONG_TYPE[1:])
        return _WRONG_TYPE[0], zh, en
    return _INVALID
