"""Signing in through OpenID Connect: the authorization-code flow with PKCE, by Authlib.

The access token is verified as the services verify it, so that the console knows a person by the
very claims that they will be judged by; it then lives in the encrypted session and nowhere else.
"""

import secrets
from typing import Any
from urllib.parse import urlsplit

import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from httpx2 import HTTPError
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.console.settings import ConsoleSettings
from shared.kernel.refusal import Refusal
from shared.web.auth import Verifier
from shared.web.settings import OidcSettings

log = structlog.get_logger("dixian.console.sign_in")
CALLBACK = "/signed-in"


class SignInFailed(Exception):
    """Nobody was signed in; the code says why."""


class SignIn:
    """The way in and out."""

    def __init__(self, settings: ConsoleSettings, oidc: OidcSettings, verifier: Verifier) -> None:
        self._settings, self._issuer, self._verifier = settings, oidc.issuer, verifier
        self._client = OAuth().register(
            "dixian",
            client_id=settings.client_id,
            server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
            authorize_url=settings.sign_in_url or None,
            client_kwargs={
                "scope": settings.scope,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "none",
                "trust_env": False,
            },
        )

    async def begin(self, request: Request, then: str) -> Response:
        """Send the browser to the issuer. Raises ``SignInFailed`` where that cannot be reached."""
        request.session["then"] = inside(then)
        redirect = self._settings.url.rstrip("/") + CALLBACK
        try:
            response: Response = await self._client.authorize_redirect(request, redirect)
        except (HTTPError, OAuthError) as error:
            raise SignInFailed(type(error).__name__) from error
        return response

    async def finish(self, request: Request) -> Response:
        """Take the issuer's answer: a session for whom it names. Raises ``SignInFailed``."""
        token = await self._token(request)
        try:
            who = await self._verifier.verify(token["access_token"])
        except Refusal as refusal:
            raise SignInFailed(refusal.code) from refusal
        claims = token.get("userinfo") or {}
        kept = {name: request.session[name] for name in ("language",) if name in request.session}
        then = inside(request.session.get("then", "/"))
        # A new session for a new person: nothing that somebody planted before survives.
        request.session.clear()
        request.session.update(
            kept,
            token=token["access_token"],
            until=int(token.get("expires_at") or claims.get("exp", 0)),
            subject=who.subject,
            roles=sorted(who.roles),
            division=who.division,
            name=str(claims.get("name") or who.subject)[:80],
            csrf=secrets.token_hex(16),
        )
        return RedirectResponse(then, status_code=303)

    async def _token(self, request: Request) -> dict[str, Any]:
        named = request.query_params.get("iss")
        if named is not None and named != self._issuer:
            raise SignInFailed("another-issuer")
        try:
            token: dict[str, Any] = await self._client.authorize_access_token(request)
        except (OAuthError, JoseError, HTTPError, ValueError) as error:
            log.info("nobody was signed in", reason=type(error).__name__)
            raise SignInFailed(type(error).__name__) from error
        return token


def inside(then: str) -> str:
    """A path of this console to go on to; ``/`` for anything that could lead elsewhere."""
    parts = urlsplit(then)
    fine = then.startswith("/") and not then.startswith(("//", "/\\")) and not parts.netloc
    return then if fine and not parts.scheme and "\\" not in then else "/"
