"""The four services, as a signed-in person reaches them: over HTTP, with that person's token.

A refusal comes back as ``Refused`` with the problem it is; a service that does not answer is
``Away``. Who may do what is read from the services' own OpenAPI documents, so that it is declared
once: where the command is.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from services.console.settings import ConsoleSettings
from shared.kernel.division import Level
from shared.kernel.principal import Permission, Principal, Role

Json = Any
SERVICES = ("alerts", "identification", "assistance", "audit")
NO_POLICY = "no-policy-in-force"
_REMEMBERED = 300.0
"""Seconds for which who-may-do-what is taken as read."""
_PAUSE = 0.5
_LONG = 1800.0
"""Seconds that a service may take over a file."""
_IDLE = 2.0
"""Seconds after which an unused connection is closed; the services close theirs after five."""
_LEGAL_ZONE = ZoneInfo("Asia/Shanghai")


class Refused(Exception):
    """A service said no: RFC 9457's members are in ``problem``."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}")
        self.status, self.problem = status, problem

    @property
    def code(self) -> str:
        """The stable code."""
        return str(self.problem.get("code", ""))


class Away(Exception):
    """A service does not answer; nothing is known of what was sent."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status: int
    body: Json
    headers: httpx.Headers
    content: bytes = b""


@dataclass
class Known:
    """Who may call what, of one service, as its own document says."""

    access: Mapping[tuple[str, str], Permission]
    bodies: Mapping[tuple[str, str], frozenset[str]]
    """The fields that each route's body requires."""
    read_at: float


@dataclass
class Services:
    """The connections to the services; one for the whole console."""

    settings: ConsoleSettings
    demo: bool = False
    """Whether the business day is the demo's, which can be moved."""
    http: httpx.AsyncClient = field(init=False)
    declared: dict[tuple[str, str], Json] = field(default_factory=dict)
    """Declarations that do not change, such as a procedure."""
    _known: dict[str, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Given up before the services close it: a request must not meet a connection that is going.
        limits = httpx.Limits(
            max_connections=200, max_keepalive_connections=50, keepalive_expiry=_IDLE
        )
        # No proxy from the environment: the services stand inside the government network.
        self.http = httpx.AsyncClient(
            timeout=self.settings.patience, limits=limits, trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        **options: Any,
    ) -> Answer:
        """One request. Raises ``Refused`` for an error answer, ``Away`` when none comes."""
        url = self.settings.url_of(service) + path
        repeatable = method == "GET" or ("Idempotency-Key" in headers and "content" not in options)
        try:
            answer = await self.http.request(method, url, headers=headers, **options)
        except httpx.TransportError as error:
            if not repeatable or isinstance(error, httpx.TimeoutException):
                raise Away(service) from error
            answer = await self._again(service, method, url, headers=headers, **options)
        if answer.is_error:
            raise Refused(answer.status_code, _problem_of(answer))
        return Answer(answer.status_code, _body_of(answer), answer.headers, answer.content)

    async def begin(
        self, service: str, path: str, *, headers: Mapping[str, str], **options: Any
    ) -> AsyncIterator[bytes]:
        """The lines of an answer, as they come, to a ``POST`` that has begun well.

        Raises ``Refused``, ``Away``; once it has begun, httpx's ``TransportError`` on the way.
        """
        url = self.settings.url_of(service) + path
        asked = self.http.build_request("POST", url, headers=headers, timeout=self.long, **options)
        try:
            answer = await self.http.send(asked, stream=True)
        except httpx.TransportError as error:
            raise Away(service) from error
        if answer.is_error:
            await answer.aread()
            raise Refused(answer.status_code, _problem_of(answer))
        return _lines_of(answer)

    @property
    def long(self) -> httpx.Timeout:
        """For a file: the service reads the whole of it before it answers."""
        return httpx.Timeout(self.settings.patience, read=_LONG)

    async def _again(self, service: str, method: str, url: str, **options: Any) -> httpx.Response:
        """Once more, where that is harmless: a service that was just restarted is up again."""
        try:
            return await self.http.request(method, url, **options)
        except httpx.TransportError as error:
            raise Away(service) from error

    async def permission(self, service: str, method: str, path: str) -> Permission | None:
        """Who may call a route (by its template); ``None`` where the service has no such route."""
        return (await self._documented(service)).access.get((method, path))

    async def requires(self, service: str, path: str) -> frozenset[str]:
        """The fields that the body of a ``POST`` must have."""
        return (await self._documented(service)).bodies.get(("POST", path), frozenset())

    async def learn(self) -> None:
        """Read what may be done before the first page asks; each service as soon as it is up."""
        waiting = set(SERVICES)
        while waiting:
            for service in sorted(waiting):
                try:
                    await self._documented(service)
                    waiting.discard(service)
                except (Away, Refused):
                    await asyncio.sleep(_PAUSE)

    async def _documented(self, service: str) -> Known:
        known = self._known.get(service)
        if known is None or monotonic() - known.read_at > _REMEMBERED:
            document = (await self.call(service, "GET", "/openapi.json", headers={})).body
            known = Known(_access_of(document), _bodies_of(document), monotonic())
            self._known[service] = known
        return known

    async def today(self, token: str) -> date:
        """The business day: today in Asia/Shanghai, or the demo's."""
        if not self.demo:
            return datetime.now(_LEGAL_ZONE).date()
        headers = {"Authorization": f"Bearer {token}"}
        shown = await self.call("identification", "GET", "/demo/clock", headers=headers)
        return date.fromisoformat(shown.body["today"])


def _body_of(answer: httpx.Response) -> Json:
    kind = answer.headers.get("content-type", "")
    return answer.json() if "json" in kind and answer.content else None


def _problem_of(answer: httpx.Response) -> dict[str, Any]:
    body = _body_of(answer)
    return body if isinstance(body, dict) else {"code": f"http-{answer.status_code}"}


async def _lines_of(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Line by line; the connection is given back whatever becomes of the reader."""
    try:
        async for line in answer.aiter_lines():
            if line:
                yield line.encode()
    finally:
        await answer.aclose()


def _access_of(document: Mapping[str, Any]) -> dict[tuple[str, str], Permission]:
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict):
                roles = frozenset(map(Role, operation.get("x-roles", ())))
                levels = frozenset(Level[name] for name in operation.get("x-levels", ()))
                found[method.upper(), path] = Permission(roles, levels)
    return found


def _bodies_of(document: Mapping[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    schemas = document.get("components", {}).get("schemas", {})
    found = {}
    for path, methods in document["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        name = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        body = schemas.get(name.rpartition("/")[2], {})
        found["POST", path] = frozenset(body.get("required", ()))
    return found


@dataclass
class Api:
    """The services for one signed-in person and one page."""

    services: Services
    token: str
    principal: Principal
    language: str
    request_id: str = ""

    async def get(self, service: str, path: str, **params: Any) -> Json:
        """The JSON of a question. Raises ``Refused``, ``Away``."""
        return (await self.fetch(service, path, **params)).body

    async def fetch(self, service: str, path: str, **params: Any) -> Answer:
        """The whole answer to a question; parameters that are ``None`` are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return await self.services.call(service, "GET", path, headers=self._headers(), params=given)

    async def fixed(self, service: str, path: str) -> Json:
        """The JSON of something that is the same for everybody and for as long as both run."""
        known = self.services.declared.get((service, path))
        if known is None:
            known = self.services.declared[service, path] = await self.get(service, path)
        return known

    async def maybe(self, service: str, path: str, **params: Any) -> Json | None:
        """The JSON of a question; ``None`` where there is no such thing or it is not for them.

        Neither is there what a policy has to say first (R28).
        """
        try:
            return await self.get(service, path, **params)
        except Refused as refused:
            if refused.status in {403, 404} or refused.code == NO_POLICY:
                return None
            raise

    async def act(
        self,
        service: str,
        path: str,
        body: Json,
        *,
        key: str | None = None,
        version: int | None = None,
        **options: Any,
    ) -> Answer:
        """Ask for an act: ``key`` makes repeating it harmless, ``version`` is what was seen."""
        headers = self._headers()
        if key is not None:
            headers["Idempotency-Key"] = key
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        if body is not None:
            options["json"] = body
        return await self.services.call(service, "POST", path, headers=headers, **options)

    async def begin(self, service: str, path: str, **options: Any) -> AsyncIterator[bytes]:
        """Send a file, and read the answer's lines while it is worked through."""
        return await self.services.begin(service, path, headers=self._headers(), **options)

    async def delete(self, service: str, path: str) -> None:
        """Drop something."""
        await self.services.call(service, "DELETE", path, headers=self._headers())

    async def may(self, service: str, path: str, method: str = "POST") -> bool:
        """Whether this person's post allows a route (by its template)."""
        permission = await self.services.permission(service, method, path)
        return permission is not None and permission.allows(self.principal)

    async def together(self, **questions: Any) -> dict[str, Any]:
        """Answers to questions asked at the same time, by name."""
        answers = await asyncio.gather(*questions.values())
        return dict(zip(questions, answers, strict=True))

    def _headers(self) -> dict[str, str]:
        made = {"Authorization": f"Bearer {self.token}", "Accept-Language": self.language}
        if self.request_id:
            made["X-Request-ID"] = self.request_id
        return made
