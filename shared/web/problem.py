"""Problem details (RFC 9457): the one shape of every refusal and fault, in Chinese or English.

Nothing the caller sent is ever repeated in an answer: it may be personal data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any, ClassVar

import orjson
from starlette.responses import Response
from starlette.types import Scope

from shared.kernel.refusal import Refusal, Unavailable
from shared.policy.rules import cite, question_of

MEDIA_TYPE = "application/problem+json"
DEFAULT_LANGUAGE = "zh"

_TITLES: Mapping[int, tuple[str, str]] = {
    400: ("请求格式有误", "Malformed request"),
    401: ("凭证缺失或无效", "Not authenticated"),
    403: ("无权办理", "Not allowed"),
    404: ("不存在", "Not found"),
    405: ("不支持该请求方法", "Method not allowed"),
    406: ("无法按要求的格式答复", "Not acceptable"),
    408: ("请求超时", "Request timeout"),
    409: ("当前不能办理", "Not possible now"),
    410: ("已不存在", "Gone"),
    412: ("版本已更新", "Stale version"),
    413: ("请求体过大", "Body too large"),
    415: ("不支持的内容类型", "Unsupported media type"),
    422: ("不予办理", "Refused"),
    429: ("请求过于频繁", "Too many requests"),
    500: ("系统故障", "Fault"),
    503: ("暂时不可用", "Unavailable"),
}


class Unauthorized(Refusal):
    """No credentials, or credentials that prove nothing."""

    status: ClassVar[int] = 401

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(code=code, zh=zh, en=en, field="Authorization")

    @property
    def challenge(self) -> str:
        """The ``WWW-Authenticate`` header (RFC 6750): no error code where nothing was presented."""
        if self.code == "no-token":
            return 'Bearer realm="dixian"'
        return f'Bearer realm="dixian", error="invalid_token", error_description="{self.en}"'


class Malformed(Refusal):
    """The request cannot be read, whatever it meant."""

    status: ClassVar[int] = 400


class UnsupportedMedia(Refusal):
    """The body is of a kind that this route does not take."""

    status: ClassVar[int] = 415

    def __init__(self) -> None:
        super().__init__(
            code="unsupported-media-type",
            zh="请求体须为 application/json(UTF-8)",
            en="the body must be application/json in UTF-8",
            field="Content-Type",
        )


class TooManyRequests(Refusal):
    """The caller asks faster than it may."""

    status: ClassVar[int] = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            code="too-many-requests",
            zh=f"请求过于频繁,请{retry_after}秒后再试",
            en=f"too many requests; try again in {retry_after} s",
        )
        self.retry_after = retry_after


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field."""

    field: str
    code: str
    zh: str
    en: str
    rule: str = ""

    @classmethod
    def of(cls, refusal: Refusal) -> "FieldError":
        """The error that a refusal is, in a list of several."""
        return cls(refusal.field or "", refusal.code, refusal.zh, refusal.en, refusal.rule)

    def as_json(self, language: str) -> dict[str, Any]:
        """The item of ``errors``."""
        shown: dict[str, Any] = {"field": self.field, "code": self.code}
        if self.rule:
            shown["rule"] = self.rule
        shown["detail"] = self.zh if language == "zh" else self.en
        return shown


@dataclass(frozen=True)
class Problem:
    """One problem, before it is put into a language."""

    status: int
    code: str
    zh: str
    en: str
    rule: str = ""
    field: str | None = None
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = made_by(default_factory=dict)

    @classmethod
    def of(cls, refusal: Refusal) -> "Problem":
        """The problem that a refusal is."""
        headers: dict[str, str] = {}
        if isinstance(refusal, Unauthorized):
            headers["WWW-Authenticate"] = refusal.challenge
        if isinstance(refusal, TooManyRequests | Unavailable):
            headers["Retry-After"] = str(refusal.retry_after)
        return cls(
            status=refusal.status,
            code=refusal.code,
            zh=refusal.zh,
            en=refusal.en,
            rule=refusal.rule,
            field=refusal.field,
            headers=headers,
        )

    def as_json(self, language: str, request_id: str) -> dict[str, Any]:
        """The members of the problem, absent ones left out."""
        zh_title, en_title = _TITLES.get(self.status, _TITLES[500])
        detail = self.zh if language == "zh" else self.en
        members = {
            "type": f"/problems/{self.code}",
            "title": zh_title if language == "zh" else en_title,
            "status": self.status,
            "detail": f"{cite(self.rule, language)}: {detail}" if self.rule else detail,
            "instance": f"/requests/{request_id}",
            "code": self.code,
            "field": self.field,
            "rule": self.rule or None,
            "question": question_of(self.rule) if self.rule else None,
            "request_id": request_id,
            "errors": [item.as_json(language) for item in self.errors] or None,
        }
        return {name: value for name, value in members.items() if value is not None}

    def response(self, scope: Scope) -> Response:
        """The answer to the request of ``scope``, in the language it prefers."""
        language = language_of(scope)
        request_id = scope.get("state", {}).get("request_id", "")
        return Response(
            orjson.dumps(self.as_json(language, request_id)),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers={
                **self.headers,
                "Content-Language": "zh-CN" if language == "zh" else "en",
                "Vary": "Accept-Language",
            },
        )


FAULT = Problem(
    status=500,
    code="fault",
    zh="系统内部故障,本次请求未办理;请向运维人员提供请求编号",
    en="an internal fault; give the request id to the operators",
)
DATABASE_DOWN = Problem(
    status=503,
    code="database-unavailable",
    zh="数据库暂时不可用,请稍后再试",
    en="the database is unavailable; try again later",
    headers={"Retry-After": "5"},
)


def language_of(scope: Scope) -> str:
    """``zh`` or ``en``, whichever ``Accept-Language`` prefers; ``zh`` when it says neither."""
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for name, value in scope.get("headers", ()):
        if name == b"accept-language":
            for language, quality in _ranges(value.decode("latin-1")):
                if quality > best_quality:
                    best, best_quality = language, quality
    return best


def _ranges(header: str) -> list[tuple[str, float]]:
    ranges = []
    for part in header.split(",")[:20]:
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in {"zh", "en"}:
            ranges.append((language, _quality(parameter)))
    return ranges


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
