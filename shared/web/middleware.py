"""What happens around every request, in plain ASGI: ids, trace, limits, log, metrics, faults."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import UUID

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel.ids import new_id
from shared.telemetry import trace
from shared.telemetry.metrics import Metrics
from shared.web.problem import FAULT, Problem
from shared.web.rate_limit import Standing

_SANE_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")
_LONG_NUMBER = re.compile(r"\d{7}")
_QUIET = ("/health", "/metrics")
_CLIENT_GONE = 499

SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
TLS_HEADERS: Mapping[str, str] = {"Strict-Transport-Security": "max-age=31536000"}

log = structlog.get_logger("dixian.http")


@dataclass
class Exchange:
    """One request and what has become of it so far."""

    request_id: str
    trace: trace.Trace
    started: float = field(default_factory=perf_counter)
    status: int = 0
    sent_bytes: int = 0
    responding: bool = False


class Observed:
    """Gives the request its id and trace; answers faults; writes the log line and the metrics.

    The path is logged and counted as its template: a raw path may hold anything.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        metrics: Metrics,
        headers: Mapping[str, str],
        fault: Callable[[Exception], Problem] = lambda _error: FAULT,
    ) -> None:
        self._app, self._service, self._metrics, self._fault = app, service, metrics, fault
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        exchange = Exchange(
            request_id(headers.get("x-request-id")),
            trace.continue_from(headers.get("traceparent")),
        )
        scope.setdefault("state", {}).update(
            request_id=exchange.request_id, traceparent=exchange.trace.traceparent
        )
        with structlog.contextvars.bound_contextvars(
            service=self._service,
            request_id=exchange.request_id,
            trace_id=exchange.trace.trace_id,
        ):
            try:
                await self._answer(scope, receive, self._watched(scope, exchange, send), exchange)
            finally:
                self._account(scope, exchange)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            # In the middle of what they sent; nobody is there to hear an answer.
            return
        except Exception as error:
            log.exception("fault", method=scope["method"], route=route_of(scope))
            self._metrics.faults.labels(type(error).__name__).inc()
            if exchange.responding:
                # Half an answer is out: only a broken connection can say that it is not whole.
                raise
            await self._fault(error).response(scope)(scope, receive, send)

    def _watched(self, scope: Scope, exchange: Exchange, send: Send) -> Send:
        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.responding, exchange.status = True, message["status"]
                self._add_headers(message, exchange, scope["state"].get("standing"))
            elif message["type"] == "http.response.body":
                exchange.sent_bytes += len(message.get("body", b""))
            await send(message)

        return watched

    def _add_headers(self, message: Message, exchange: Exchange, standing: Standing | None) -> None:
        present = {name.lower() for name, _ in message.get("headers", ())}
        added = [(name, value) for name, value in self._headers if name not in present]
        message["headers"] = [
            *message.get("headers", ()),
            *added,
            *(standing.headers if standing is not None else ()),
            (b"x-request-id", exchange.request_id.encode()),
        ]

    def _account(self, scope: Scope, exchange: Exchange) -> None:
        seconds = perf_counter() - exchange.started
        method, route = method_of(scope), route_of(scope)
        status = exchange.status or _CLIENT_GONE
        self._metrics.http_requests.labels(method, route, str(status)).inc()
        self._metrics.http_seconds.labels(method, route).observe(seconds)
        write = log.debug if route.startswith(_QUIET) else log.info
        write(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            bytes=exchange.sent_bytes,
            **_caller(scope),
        )


class BodyLimit:
    """Refuses a body over the limit: by its declared length at once, else while it is read.

    ``larger`` maps a path's beginning to a limit of its own, for routes that take files.
    """

    def __init__(self, app: ASGIApp, *, limit: int, larger: Mapping[str, int]) -> None:
        self._app, self._limit = app, limit
        self._larger = tuple(larger.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_for(scope["path"])
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            response = body_too_large(limit).response(scope)
            MutableHeaders(raw=response.raw_headers)["Connection"] = "close"
            await response(scope, receive, send)
            return
        await self._app(scope, _limited(receive, limit), send)

    def _limit_for(self, path: str) -> int:
        for beginning, limit in self._larger:
            if path.startswith(beginning):
                return limit
        return self._limit


class BodyTooLarge(HTTPException):
    """Raised where the body is read. An ``HTTPException``, because FastAPI lets only those pass."""

    def __init__(self, limit: int) -> None:
        super().__init__(413)
        self.limit = limit


def body_too_large(limit: int) -> Problem:
    """The 413 answer."""
    return Problem(
        status=413,
        code="body-too-large",
        zh=f"请求体超过上限{limit}字节",
        en=f"the body is over the limit of {limit} bytes",
    )


def request_id(header: str | None) -> str:
    """The caller's ``X-Request-ID`` when it is sane, else a new UUIDv7.

    A UUID is sane; so is another short token without a long run of digits, which could be a phone
    or document number.
    """
    if header is not None:
        try:
            return str(UUID(header))
        except ValueError:
            if _SANE_ID.match(header) and not _LONG_NUMBER.search(header):
                return header
    return str(new_id())


def route_of(scope: Scope) -> str:
    """The template of the matched route, or ``unmatched``."""
    template = getattr(scope.get("route"), "path_format", None)
    if template is None and "endpoint" in scope and not scope.get("path_params"):
        # A plain route of Starlette's, without parameters: its path is its template.
        template = scope["path"]
    return template or "unmatched"


def method_of(scope: Scope) -> str:
    """The method; ``OTHER`` for a made-up one, which must not become a metric's label."""
    method: str = scope["method"]
    return method if method in _METHODS else "OTHER"


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _caller(scope: Scope) -> dict[str, Any]:
    principal = scope["state"].get("principal")
    client = scope.get("client")
    known = {"client": client[0]} if client else {}
    if principal is None:
        return known
    return {**known, "actor": principal.subject, "division": principal.division}


def _limited(receive: Receive, limit: int) -> Receive:
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise BodyTooLarge(limit)
        return message

    return limited
