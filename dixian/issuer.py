"""The demo's own OpenID Connect issuer. It refuses to be made in production mode.

Discovery, keys, the authorization-code flow with PKCE behind a page that lists the demo's people,
and a password grant so that ``curl`` can fetch a token. Everybody's password is ``demo``.
"""

import base64
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from dixian.issuer_keys import SigningKey
from dixian.people import PASSWORD, Person, person
from dixian.sign_in import sign_in_page
from shared.kernel.bounded import BoundedCache
from shared.web.settings import Mode

CLIENT = "console"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LARGEST_FORM = 16 * 1024
_CODE_LIFE = 60.0
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class IssuerSettings(BaseSettings):
    """The embedded issuer."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_ISSUER_", extra="ignore")

    url: str = "http://127.0.0.1:8100"
    """``DIXIAN_ISSUER_URL``: its identifier, and where it is reached."""
    key_file: Path = Path("var/issuer/key.pem")
    """``DIXIAN_ISSUER_KEY_FILE``: its signing key, made on the first start."""
    audience: str = "dixian"
    """``DIXIAN_ISSUER_AUDIENCE``: the ``aud`` of its access tokens."""
    token_life: int = Field(8 * 3600, gt=0)
    """``DIXIAN_ISSUER_TOKEN_LIFE``: seconds; a working day, so that a demo is not interrupted."""


class RefusedInProduction(RuntimeError):
    """The embedded issuer was asked for in production mode, where people come from a real one."""


class OAuthRefusal(Exception):
    """An OAuth error answer (RFC 6749 §5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description = error, description

    @property
    def response(self) -> Response:
        """The answer."""
        content = {"error": self.error, "error_description": self.description}
        return JSONResponse(content, status_code=400, headers=_NO_STORE)


@dataclass(frozen=True)
class Grant:
    """A code that was handed out and not yet redeemed."""

    person: Person
    redirect_uri: str
    challenge: str
    nonce: str


def create_issuer(
    settings: IssuerSettings,
    mode: Mode,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Starlette:
    """The issuer's ASGI application. Raises ``RefusedInProduction``."""
    if mode is not Mode.DEMO:
        raise RefusedInProduction("the embedded issuer serves demos only; set DIXIAN_OIDC_ISSUER")
    issuer = Issuer(settings, SigningKey.load_or_create(settings.key_file), now)
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", issuer.discovery),
            Route("/jwks.json", issuer.jwks),
            Route("/authorize", issuer.ask, methods=["GET"]),
            Route("/authorize", issuer.sign_in, methods=["POST"]),
            Route("/token", issuer.token, methods=["POST"]),
        ],
        exception_handlers={OAuthRefusal: _refused},
    )


class Issuer:
    """The endpoints."""

    def __init__(
        self, settings: IssuerSettings, key: SigningKey, now: Callable[[], datetime]
    ) -> None:
        self._settings, self._key, self._now = settings, key, now
        self._grants: BoundedCache[str, Grant] = BoundedCache(size=1024, ttl=_CODE_LIFE)

    async def discovery(self, _request: Request) -> Response:
        """OpenID Connect Discovery 1.0."""
        url = self._settings.url.rstrip("/")
        return JSONResponse(
            {
                "issuer": self._settings.url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "jwks_uri": f"{url}/jwks.json",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "password"],
                "code_challenge_methods_supported": ["S256"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": ["openid", "profile"],
                "claims_supported": ["sub", "name", "roles", "division"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def jwks(self, _request: Request) -> Response:
        """The public key."""
        return JSONResponse({"keys": [self._key.public]})

    async def ask(self, request: Request) -> Response:
        """The sign-in page."""
        asked = dict(request.query_params)
        _must_be_a_request(asked)
        origin = urlsplit(asked["redirect_uri"])
        return _page(sign_in_page(asked), form_to=f"{origin.scheme}://{origin.netloc}")

    async def sign_in(self, request: Request) -> Response:
        """The page's answer: a code for whom was chosen."""
        asked = await _form(request)
        _must_be_a_request(asked)
        chosen = person(asked.get("username", ""))
        if chosen is None:
            raise OAuthRefusal("access_denied", "nobody was chosen")
        code = secrets.token_urlsafe(32)
        self._grants.put(
            code,
            Grant(chosen, asked["redirect_uri"], asked["code_challenge"], asked.get("nonce", "")),
        )
        answer = {"code": code, "state": asked.get("state", ""), "iss": self._settings.url}
        return RedirectResponse(
            f"{asked['redirect_uri']}?{urlencode(answer)}", status_code=303, headers=_NO_STORE
        )

    async def token(self, request: Request) -> Response:
        """A token for a code, or for a name and the demo's password."""
        asked = await _form(request)
        kind = asked.get("grant_type", "password")
        if kind == "authorization_code":
            grant = self._redeem(asked)
            return self._answer(grant.person, grant.nonce)
        if kind == "password":
            return self._answer(_by_password(asked), "")
        raise OAuthRefusal("unsupported_grant_type", "authorization_code or password")

    def _redeem(self, asked: Mapping[str, str]) -> Grant:
        code = asked.get("code", "")
        grant = self._grants.get(code)
        self._grants.forget(code)
        verifier = asked.get("code_verifier", "")
        fits = (
            grant is not None
            and asked.get("client_id") == CLIENT
            and asked.get("redirect_uri") == grant.redirect_uri
            and hmac.compare_digest(_challenge(verifier), grant.challenge.encode())
        )
        if grant is None or not fits:
            raise OAuthRefusal("invalid_grant", "the code is unknown, used, late or not yours")
        return grant

    def _answer(self, whom: Person, nonce: str) -> Response:
        return JSONResponse(
            {
                "access_token": self.access_token(whom),
                "id_token": self._signed({**self._claims(whom, CLIENT), "nonce": nonce}, "JWT"),
                "token_type": "Bearer",
                "expires_in": self._settings.token_life,
                "scope": "openid profile",
            },
            headers=_NO_STORE,
        )

    def access_token(self, whom: Person) -> str:
        """A token that the services take."""
        claims = self._claims(whom, self._settings.audience) | {"client_id": CLIENT}
        return self._signed(claims | {"jti": secrets.token_hex(8)}, "at+jwt")

    def _claims(self, whom: Person, audience: str) -> dict[str, Any]:
        now = int(self._now().timestamp())
        return {
            "iss": self._settings.url,
            "sub": whom.username,
            "aud": audience,
            "iat": now,
            "exp": now + self._settings.token_life,
            "roles": [whom.role.value],
            "division": whom.division,
            "name": whom.post,
        }

    def _signed(self, claims: dict[str, Any], kind: str) -> str:
        headers = {"kid": self._key.kid, "typ": kind}
        return jwt.encode(claims, self._key.private, algorithm="ES256", headers=headers)


def _by_password(asked: Mapping[str, str]) -> Person:
    whom = person(asked.get("username", ""))
    if whom is None or asked.get("password") != PASSWORD:
        raise OAuthRefusal("invalid_grant", "no such person, or not the demo's password")
    return whom


def _must_be_a_request(asked: Mapping[str, str]) -> None:
    """Refuse anything but our console's PKCE request back to this machine."""
    # Checked before all else: an answer is only ever sent to a place that we trust.
    target = urlsplit(asked.get("redirect_uri", ""))
    if target.scheme not in {"http", "https"} or target.hostname not in _LOOPBACK:
        raise OAuthRefusal("invalid_request", "redirect_uri must be on this machine")
    if target.query or target.fragment or asked.get("client_id") != CLIENT:
        raise OAuthRefusal("invalid_request", f"client_id must be {CLIENT}")
    if asked.get("response_type") != "code":
        raise OAuthRefusal("unsupported_response_type", "code")
    if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
        raise OAuthRefusal("invalid_request", "PKCE with S256 is required")


def _challenge(verifier: str) -> bytes:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=")


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise OAuthRefusal("invalid_request", "the form is too large")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _page(html: tuple[str, str], *, form_to: str) -> Response:
    content, style_nonce = html
    policy = (
        f"default-src 'none'; style-src 'nonce-{style_nonce}'; form-action 'self' {form_to};"
        " frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {**_NO_STORE, "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(content, headers=headers)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthRefusal)
    return error.response
