"""Makes a service's application: every service's ``main.py`` calls ``create_app``."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import asyncpg
import sqlalchemy.exc
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.kernel.refusal import Refusal
from shared.store.outage import chain, is_contention, is_outage
from shared.telemetry.metrics import Metrics
from shared.vault.master_key import KeysUnavailable
from shared.web import openapi
from shared.web.auth import Authenticator
from shared.web.health import Check, Numbers, health_router
from shared.web.middleware import (
    SECURITY_HEADERS,
    TLS_HEADERS,
    BodyLimit,
    BodyTooLarge,
    Observed,
    body_too_large,
)
from shared.web.problem import DATABASE_DOWN, FAULT, KEYS_AWAY, Problem
from shared.web.rate_limit import RateLimiter
from shared.web.routing import Router
from shared.web.settings import Mode, WebSettings
from shared.web.validation import problem_of

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_DATABASE_IS_DOWN: tuple[type[Exception], ...] = (
    asyncpg.InterfaceError,
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.TimeoutError,
)
_NOTHING_SPECIAL: Mapping[int, tuple[str, str, str]] = {
    404: ("no-such-route", "没有这个网址", "there is no such URL"),
    405: ("method-not-allowed", "该网址不支持此请求方法", "this URL does not take this method"),
}


def create_app(
    *,
    service: str,
    title: str,
    settings: WebSettings,
    routers: Sequence[Router],
    authenticator: Authenticator,
    metrics: Metrics,
    checks: Sequence[Check] = (),
    numbers: Numbers | None = None,
    lifespan: Lifespan | None = None,
    larger_bodies: Mapping[str, int] | None = None,
    limiter: RateLimiter | None = None,
    version: str = "0.1.0",
) -> FastAPI:
    """The ASGI application of ``service``.

    ``checks`` are what ``/health/ready`` asks; ``numbers`` gives the reconciliation of ``/health``;
    ``larger_bodies`` maps beginnings of paths to body limits of their own, in bytes; without a
    ``limiter`` callers may ask as often as they like.
    """
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        # Nothing of a page that loads scripts from elsewhere; the document itself is served.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.authenticator = authenticator
    app.state.metrics = metrics
    app.state.limiter = limiter
    health = health_router(
        service=service, checks=checks, registry=metrics.registry, numbers=numbers
    )
    for router in (*routers, health):
        # Added flat: an included router would be matched twice for every request.
        app.router.routes.extend(router.routes)
    _answer_problems(app)
    _wrap(app, service, settings, metrics, larger_bodies or {})
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]  # FastAPI's own way
    return app


def _wrap(
    app: FastAPI,
    service: str,
    settings: WebSettings,
    metrics: Metrics,
    larger_bodies: Mapping[str, int],
) -> None:
    """The middlewares, the innermost first."""
    tls = TLS_HEADERS if settings.mode is Mode.PRODUCTION else {}
    app.add_middleware(BodyLimit, limit=settings.body_limit, larger=larger_bodies)
    app.add_middleware(
        Observed,
        service=service,
        metrics=metrics,
        headers={**SECURITY_HEADERS, **tls},
        fault=fault_of,
    )


def fault_of(error: Exception) -> Problem:
    """The answer to anything that is not a refusal: 503 when it passes by itself, else 500."""
    if isinstance(error, KeysUnavailable):
        return KEYS_AWAY
    lost = getattr(error, "connection_invalidated", False) or isinstance(error, _DATABASE_IS_DOWN)
    passes = lost or is_contention(error) or any(map(is_outage, chain(error)))
    return DATABASE_DOWN if passes else FAULT


def _answer_problems(app: FastAPI) -> None:
    async def refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return _answer(request, Problem.of(error))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _answer(request, problem_of(error.errors()))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _answer(request, _http_problem(request, error))

    app.add_exception_handler(Refusal, refusal)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _answer(request: Request, problem: Problem) -> Response:
    request.app.state.metrics.refusals.labels(problem.code, problem.rule).inc()
    return problem.response(request.scope)


def _http_problem(request: Request, error: HTTPException) -> Problem:
    if isinstance(error, BodyTooLarge):
        return body_too_large(error.limit)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods_at(request))
    code, zh, en = _NOTHING_SPECIAL.get(
        error.status_code, (f"http-{error.status_code}", "请求未予受理", "the request was refused")
    )
    return Problem(error.status_code, code, zh, en, headers=headers)


def _methods_at(request: Request) -> list[str]:
    methods: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)
