"""Coming in and going out: signing in and out, the language, and the files that pages refer to."""

from collections.abc import Sequence
from contextlib import suppress
from secrets import token_urlsafe
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.console.api import Away, Refused
from services.console.door import Door
from services.console.look import Html
from services.console.sign_in import CALLBACK, SignInFailed, inside
from services.console.visit import Visit


def routes(door: Door) -> Sequence[BaseRoute]:
    """The routes of somebody who is not signed in yet, and of leaving."""
    own = urlsplit(door.settings.url)

    async def sign_in(request: Request) -> Response:
        then = request.query_params.get("then", "/")
        if request.url.netloc != own.netloc:
            # The session's cookie and the issuer's answer belong to one address.
            return RedirectResponse(f"{door.settings.url}{inside(then)}", status_code=303)
        try:
            return await door.sign_in.begin(request, then)
        except SignInFailed as failed:
            return _again(door, request, str(failed))

    async def signed_in(request: Request) -> Response:
        try:
            response = await door.sign_in.finish(request)
        except SignInFailed as failed:
            return _again(door, request, str(failed))
        await _known(door, request)
        return response

    async def language(request: Request) -> Response:
        request.session["language"] = "en" if request.path_params["code"] == "en" else "zh"
        return RedirectResponse(inside(request.query_params.get("then", "/")), status_code=303)

    async def signed_out(request: Request) -> Response:
        return Html(door.look.plain("signed_out.html", door.words(request), then="/"))

    return (
        Route("/sign-in", sign_in, methods=["GET"]),
        Route(CALLBACK, signed_in, methods=["GET"]),
        Route("/signed-out", signed_out, methods=["GET"]),
        Route("/language/{code}", language, methods=["GET"]),
        Route("/static/{name}", door.look.asset, methods=["GET"]),
        door.post("/sign-out", sign_out),
    )


async def _known(door: Door, request: Request) -> None:
    """Who works in a village or town can be chosen from now on; signing in hangs on nothing."""
    api = door.api_of(request)
    with suppress(Away, Refused):
        if await api.may("identification", "/officers/me"):
            await api.act("identification", "/officers/me", {}, key=token_urlsafe(18))


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    visit.request.session.clear()
    return RedirectResponse("/signed-out", status_code=303)


def _again(door: Door, request: Request, why: str) -> Response:
    page = door.look.plain("signed_out.html", door.words(request), then="/", failed=why)
    return Html(page, 401)
