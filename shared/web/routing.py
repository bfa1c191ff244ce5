"""Routes that know who may call them, and read a body strictly.

Every route declares ``require(permission)`` or ``public()``; one that declares neither cannot be
made. Before a byte of the body is parsed the caller is known and allowed.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Depends, FastAPI, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.kernel.division import Level
from shared.kernel.principal import Permission, Principal, Role
from shared.kernel.refusal import Refusal
from shared.web.problem import Malformed, TooManyRequests, UnsupportedMedia

F = TypeVar("F", bound=Callable[..., Any])
Answer = Callable[[Request], Coroutine[Any, Any, Response]]
_NEVER_TEXT = ("\x00", "�")


@dataclass(frozen=True)
class Require:
    """The dependency that carries a route's permission. The route enforces it, not FastAPI."""

    permission: Permission

    async def __call__(self, request: Request) -> Principal:
        """The caller, known and allowed by now."""
        principal: Principal = request.state.principal
        return principal


@dataclass(frozen=True)
class Public:
    """The dependency that says, in so many words, that a route asks for no token."""

    async def __call__(self) -> None:
        """Nothing to do."""


def require(permission: Permission) -> Any:
    """``dependencies=[require(Approve.permission)]``; as a parameter it gives the principal."""
    return Depends(Require(permission))


def public() -> Any:
    """``dependencies=[public()]``: for a route that must answer the unknown."""
    return Depends(Public())


class UndeclaredRoute(TypeError):
    """A route says neither who may call it nor that everybody may."""


class Route(APIRoute):
    """FastAPI's route, behind the caller's permission and a strict reading of the body.

    An endpoint with a ``read`` reads its request itself, in a fraction of FastAPI's time; what it
    cannot read goes FastAPI's way, which knows how to say what is wrong.
    """

    guard: Require | Public

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, with what must come before it."""
        guard = self.guard = _guard_of(self)
        _drop_from_solving(self.dependant)
        answer = _read_first(self.endpoint, super().get_route_handler())
        takes_json = _takes_json(self)
        permission = guard.permission if isinstance(guard, Require) else None
        self.openapi_extra = _documented(permission, self) | (self.openapi_extra or {})

        async def handle(request: Request) -> Response:
            _refuse_strange_text(request)
            if permission is not None:
                principal = await request.app.state.authenticator.authenticate(request)
                request.state.principal = principal
                await _must_be_within_quota(request, principal)
                permission.require(principal)
            if takes_json:
                request = StrictRequest(request.scope, request.receive)
                await request.json()
            return await answer(request)

        return handle


def _read_first(endpoint: Any, otherwise: Answer) -> Answer:
    read: Callable[[Request], Awaitable[Mapping[str, Any]]] | None
    read = getattr(endpoint, "read", None)
    if read is None:
        return otherwise

    async def answer(request: Request) -> Response:
        try:
            arguments = await read(request)
        except ValueError:  # pydantic's ValidationError is one
            return await otherwise(request)
        made: Response = await endpoint(**arguments)
        return made

    return answer


class Router(APIRouter):
    """A router whose routes are ``Route``. Every service's ``http.py`` starts with one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=Route, **options)


async def _must_be_within_quota(request: Request, principal: Principal) -> None:
    """Count the request; whoever asks too often is refused before anything of it is read."""
    limiter = request.app.state.limiter
    if limiter is None:
        return
    standing = request.state.standing = await limiter.admit(principal)
    if standing is not None and not standing.admitted:
        raise TooManyRequests(standing.resets_in)


class StrictRequest(Request):
    """Reads JSON as RFC 8259 with nothing left to taste: UTF-8, no duplicate keys, no NaN."""

    async def json(self) -> Any:
        """The body's value; ``None`` for no body. Raises ``Malformed`` or ``UnsupportedMedia``."""
        if not hasattr(self, "_json"):
            body = await self.body()
            if body:
                _must_be_json(self.headers.get("content-type", ""))
            self._json = parse_json(body) if body else None
        return self._json


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. Raises ``Malformed`` with a code of its own for each defect."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(
            "invalid-utf8",
            f"请求体第{error.start}字节不是有效的UTF-8",
            f"the body is not UTF-8 at byte {error.start}",
        ) from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _malformed(
            "malformed-json",
            f"请求体不是有效的JSON:第{error.lineno}行第{error.colno}列",
            f"the body is not JSON: line {error.lineno}, column {error.colno}",
        ) from None
    except RecursionError:
        raise _malformed(
            "json-too-deep", "请求体嵌套过深", "the body is nested too deeply"
        ) from None
    except ValueError:
        # The only other ValueError of the parser: an integer of more than 4,300 digits.
        raise _malformed("malformed-json", "数字过长", "a number has too many digits") from None
    if "\\u" in text:
        _refuse_unstorable(value)
    return value


@dataclass(frozen=True)
class Access:
    """One line of the access table: who may call a route."""

    method: str
    path: str
    permission: Permission | None
    """``None`` for a public route."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles in the order of their definition."""
        held = self.permission.roles if self.permission else frozenset()
        return tuple(role for role in Role if role in held)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels, the lowest first."""
        return tuple(sorted(self.permission.levels)) if self.permission else ()


def access_table(app: FastAPI) -> list[Access]:
    """Every route of an application with its permission, for ``docs/access.md`` and its test."""
    lines = []
    for route in app.routes:
        if isinstance(route, Route):
            permission = route.guard.permission if isinstance(route.guard, Require) else None
            lines += [Access(method, route.path, permission) for method in _methods_of(route)]
    return lines


def _guard_of(route: APIRoute) -> Require | Public:
    guards = [
        item.call for item in _flat(route.dependant) if isinstance(item.call, Require | Public)
    ]
    if len(guards) != 1:
        raise UndeclaredRoute(
            f"{_methods_of(route)} {route.path}: needs exactly one of require(…) and public()"
        )
    return guards[0]


def _methods_of(route: APIRoute) -> list[str]:
    return sorted(route.methods or ())


def _flat(dependant: Dependant) -> Iterable[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _flat(inner)


def _takes_json(route: APIRoute) -> bool:
    field = route.body_field
    return field is not None and not isinstance(field.field_info, params.Form)


def _drop_from_solving(dependant: Dependant) -> None:
    """Take the guards off what FastAPI solves for each request: the route has enforced them."""
    dependant.dependencies = [
        item
        for item in dependant.dependencies
        if item.name is not None or not isinstance(item.call, Require | Public)
    ]


def _documented(permission: Permission | None, route: APIRoute) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    headers = [header for item in _flat(route.dependant) for header in _headers_of(item.call)]
    if headers:
        shown["parameters"] = headers
    if permission is None:
        return shown
    return shown | {
        "security": [{"person": []}, {"machineKey": []}],
        "x-roles": sorted(permission.roles),
        "x-levels": [level.name for level in sorted(permission.levels)],
    }


def _headers_of(dependency: Any) -> list[dict[str, Any]]:
    """The header parameters that a dependency reads by itself; see ``reads_headers``."""
    return getattr(dependency, "openapi_headers", [])


def reads_headers(**described: str) -> Callable[[F], F]:
    """Say which optional headers a dependency reads, for the OpenAPI document.

    FastAPI's own ``Header`` parameters cost some 20 µs a request each; these cost nothing.
    """

    def mark(dependency: F) -> F:
        dependency.openapi_headers = [  # type: ignore[attr-defined]  # a note on a function
            {
                "name": name.replace("_", "-"),
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": text,
            }
            for name, text in described.items()
        ]
        return dependency

    return mark


def _must_be_json(content_type: str) -> None:
    if content_type == "application/json":
        return
    header = Message()
    header["content-type"] = content_type or "application/octet-stream"
    subtype = header.get_content_subtype()
    charset = header.get_content_charset("utf-8")
    is_json = header.get_content_maintype() == "application" and (
        subtype == "json" or subtype.endswith("+json")
    )
    if not is_json or charset != "utf-8":
        raise UnsupportedMedia


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _malformed(
            "duplicate-key",
            "同一对象中有重复的字段名",
            "an object has the same field name twice",
        )
    return made


def _no_constant(_name: str) -> Any:
    raise _malformed(
        "malformed-json", "NaN、Infinity不是有效的JSON", "NaN and Infinity are not JSON"
    )


def _refuse_unstorable(value: Any) -> None:
    """Refuse U+0000 and lone surrogates: escapes that JSON allows and no database can hold."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _malformed(
                "unstorable-text",
                "文字中含有无法保存的字符(U+0000或不成对的代理码)",
                "a string holds U+0000 or half a surrogate pair",
            )
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item)


def _refuse_strange_text(request: Request) -> None:
    """Refuse U+0000 and broken UTF-8 in the path and the query."""
    path: str = request.scope["path"]
    query: bytes = request.scope["query_string"]
    strange = any(letter in path for letter in _NEVER_TEXT)
    if b"%" in query and not strange:
        try:
            strange = "\x00" in unquote_to_bytes(query).decode("utf-8")
        except UnicodeDecodeError:
            strange = True
    if strange:
        raise _malformed(
            "invalid-url",
            "网址中含有无效字符",
            "the URL holds a character that is not valid text",
        )


def _malformed(code: str, zh: str, en: str) -> Refusal:
    return Malformed(code=code, zh=zh, en=en)
