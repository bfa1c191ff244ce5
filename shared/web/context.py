"""What a request says besides its body: who, why, which version it saw, and which try it is."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import Depends, Request

from shared.kernel.event import Cause
from shared.kernel.ids import named_id
from shared.kernel.principal import Principal
from shared.web.middleware import route_of
from shared.web.problem import Malformed
from shared.web.routing import reads_headers

_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
_ETAG = re.compile(r'^"([0-9]{1,9})"$')


@dataclass(frozen=True)
class RequestContext:
    """Everything of a request that the way through a command needs, except the command."""

    principal: Principal
    cause: Cause
    idempotency_key: str | None
    """``Idempotency-Key``: 1 to 255 printable ASCII characters."""
    route: str
    """Method and path template: ``POST /cases/{case_id}/approval``."""
    fingerprint: bytes
    """SHA-256 of the method, actual path, canonical query and body: 32 bytes."""
    expected_version: int | None
    """``If-Match: "7"`` → 7."""


@reads_headers(
    Idempotency_Key="Makes repeating this request harmless: the same key gives the same answer and"
    " no second effect. 1–255 printable ASCII characters.",
    If_Match='The version you saw, as in `ETag`: `"7"`. Refused when anybody acted since.',
)
async def request_context(request: Request) -> RequestContext:
    """The dependency. Raises ``Malformed`` for a header that cannot be read."""
    route = f"{request.method} {route_of(request.scope)}"
    return RequestContext(
        principal=request.state.principal,
        cause=cause_of(request),
        idempotency_key=idempotency_key_of(request.headers.get("idempotency-key")),
        route=route,
        fingerprint=fingerprint(
            request.method,
            request.scope["path"],
            request.scope["query_string"],
            await request.body(),
        ),
        expected_version=expected_version_of(request.headers.get("if-match")),
    )


Ctx = Annotated[RequestContext, Depends(request_context)]
"""A handler's parameter: ``ctx: Ctx``."""


def cause_of(request: Request) -> Cause:
    """The cause of whatever this request brings about: its id, and its place in the trace."""
    asked = request_uuid(request.state.request_id)
    return Cause(correlation_id=asked, causation_id=asked, traceparent=request.state.traceparent)


def request_uuid(request_id: str) -> UUID:
    """The request's id as a UUID; one that is not a UUID gives a derived one, always the same."""
    try:
        return UUID(request_id)
    except ValueError:
        return named_id("request", request_id)


def idempotency_key_of(header: str | None) -> str | None:
    """The key, with the quotes of a structured-field string taken off. Raises ``Malformed``."""
    if header is None:
        return None
    quoted = len(header) >= 2 and header[0] == header[-1] == '"'
    key = header[1:-1] if quoted else header
    if not _KEY.match(key):
        raise Malformed(
            code="idempotency-key-malformed",
            zh="幂等键须为1至255个可见ASCII字符",
            en="an idempotency key has 1 to 255 printable ASCII characters",
            field="Idempotency-Key",
        )
    return key


def expected_version_of(header: str | None) -> int | None:
    """``"7"`` → 7. Raises ``Malformed`` for ``*``, a weak tag, a list, or no tag of ours."""
    if header is None:
        return None
    match = _ETAG.match(header.strip())
    if match is None:
        raise Malformed(
            code="if-match-malformed",
            zh='If-Match 须为带引号的版本号,例如 "7"',
            en='If-Match must be a quoted version, such as "7"',
            field="If-Match",
        )
    return int(match[1])


def etag(version: int) -> str:
    """7 → ``"7"``."""
    return f'"{version}"'


def fingerprint(method: str, path: str, query: bytes, body: bytes) -> bytes:
    """What makes two requests the same: each part with its length, so that none runs into the next.

    The order of query parameters does not matter; the body counts byte for byte.
    """
    pairs = sorted(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    digest = sha256()
    for part in (method.encode(), path.encode(), urlencode(pairs).encode(), body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
