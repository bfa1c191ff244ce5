"""The composition root: settings → the console's ASGI application."""

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from services.console.api import Services
from services.console.door import Door
from services.console.look import Look
from services.console.pages import routes
from services.console.session import KeyFault, Sealer, Sessions, load_or_create_key
from services.console.settings import ConsoleSettings
from services.console.sign_in import SignIn
from shared.kernel.principal import Principal
from shared.policy.divisions import Divisions
from shared.telemetry.metrics import Metrics
from shared.web.app import create_app
from shared.web.jwks import KeySet
from shared.web.problem import Unauthorized
from shared.web.service import Service
from shared.web.settings import Mode, OidcSettings, WebSettings
from shared.web.tokens import TokenVerifier

NAME = "console"


class _Nobody:
    """The console takes no bearer token: people come with a session."""

    async def authenticate(self, _request: Request) -> Principal:
        raise Unauthorized("no-token", "请登录", "sign in")


def create(settings: ConsoleSettings, web: WebSettings, oidc: OidcSettings) -> Service:
    """The console, made and not yet started."""
    services = Services(settings, demo=web.mode is Mode.DEMO)
    keys = KeySet(oidc)
    look = Look(Divisions.load())
    door = Door(settings, services, look, SignIn(settings, oidc, TokenVerifier(oidc, keys)))

    async def closed() -> None:
        await services.close()
        await keys.close()

    app = _app(settings, web, door)
    return Service(NAME, app, workers=(services.learn,), closed=closed)


def _app(settings: ConsoleSettings, web: WebSettings, door: Door) -> FastAPI:
    app = create_app(
        service=NAME,
        title="Dixian console",
        settings=web,
        routers=(),
        authenticator=_Nobody(),
        metrics=Metrics(),
        larger_bodies={"/": settings.largest_upload},
    )
    app.router.routes.extend(routes(door))

    async def nothing_there(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return await door.nothing_there(request, status)

    app.add_exception_handler(HTTPException, nothing_there)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    sealer = Sealer(load_or_create_key(settings.key_file))
    app.add_middleware(Sessions, sealer=sealer, secure=settings.secure)
    return app


__all__ = ["NAME", "KeyFault", "create"]
