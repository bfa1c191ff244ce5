"""Sessions in encrypted cookies: nothing is kept on the server, and any replica can read them.

AES-256-GCM over compressed JSON. A session holds a person's access token, which can be longer than
one cookie may be: it is cut into as many as it needs.
"""

import base64
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from time import time
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LIFE = 12 * 3600
"""Seconds a session lasts at most; the token in it may end sooner."""
_PIECE = 3500
_MOST_PIECES = 6
_NONCE = 12
Session = dict[str, Any]


class KeyFault(RuntimeError):
    """The key file cannot be used."""


def load_or_create_key(path: Path) -> bytes:
    """The 32 bytes in a file only its owner can read; made where there is none."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(32))
    key = path.read_bytes()
    if len(key) != 32:
        raise KeyFault(f"{path} must hold exactly 32 bytes")
    return key


class Sealer:
    """Turns a session into text that tells nobody anything, and back."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, session: Session) -> str:
        """The session as text for cookies."""
        plain = zlib.compress(orjson.dumps({"until": int(time()) + LIFE, "session": session}))
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, plain, b"dixian console session")
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, text: str) -> Session:
        """The session; an empty one for anything that is not ours, was changed or is too old."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            nonce, rest = sealed[:_NONCE], sealed[_NONCE:]
            plain = self._cipher.decrypt(nonce, rest, b"dixian console session")
            content = orjson.loads(zlib.decompress(plain))
        except (ValueError, InvalidTag, zlib.error):
            return {}
        session: Session = content["session"] if content["until"] > time() else {}
        return session


class Sessions:
    """ASGI: ``scope["session"]`` is read from the cookies, and written back where it changed."""

    def __init__(self, app: ASGIApp, *, sealer: Sealer, secure: bool) -> None:
        self._app, self._sealer, self._secure = app, sealer, secure
        # The prefix has browsers refuse the cookie from anywhere but this very host, over TLS.
        self._name = "__Host-dixian" if secure else "dixian"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cookies = HTTPConnection(scope).cookies
        session = scope["session"] = self._sealer.open(self._joined(cookies))
        before = orjson.dumps(session)

        async def with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start" and orjson.dumps(session) != before:
                self._write(MutableHeaders(scope=message), session, cookies)
            await send(message)

        await self._app(scope, receive, with_cookies)

    def _joined(self, cookies: Mapping[str, str]) -> str:
        return "".join(cookies.get(self._piece(n), "") for n in range(_MOST_PIECES))

    def _piece(self, number: int) -> str:
        return f"{self._name}{number}"

    def _write(self, headers: MutableHeaders, session: Session, had: Mapping[str, str]) -> None:
        text = self._sealer.seal(session) if session else ""
        pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
        if len(pieces) > _MOST_PIECES:
            raise ValueError("the session is too large for cookies")
        tail = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self._secure else "")
        for number, piece in enumerate(pieces):
            headers.append("Set-Cookie", f"{self._piece(number)}={piece}; Max-Age={LIFE}{tail}")
        for number in range(len(pieces), _MOST_PIECES):
            if self._piece(number) in had:
                headers.append("Set-Cookie", f"{self._piece(number)}=; Max-Age=0{tail}")
