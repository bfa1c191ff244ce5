"""Who calls: a person with an OpenID Connect token, or a machine with a key of ours.

Whatever proves who somebody is ends as one ``Principal``; nothing behind the door knows the
difference.
"""

from typing import Annotated, Protocol

from fastapi import Depends, Request

from shared.kernel.principal import Principal
from shared.web.problem import Unauthorized

_SCHEME = "bearer"
_LONGEST = 8192

MACHINE_PREFIX = "dxk_"


class Authenticator(Protocol):
    """Finds out who a request comes from."""

    async def authenticate(self, request: Request) -> Principal:
        """The caller. Raises ``Unauthorized``, or ``Unavailable`` when nobody can tell now."""
        ...


class Verifier(Protocol):
    """Checks one kind of bearer credential."""

    async def verify(self, credential: str) -> Principal:
        """The principal it proves. Raises ``Unauthorized``."""
        ...


class BearerAuthenticator:
    """Tells a machine key from a token by its prefix, and hands each to its verifier."""

    def __init__(self, *, people: Verifier, machines: Verifier) -> None:
        self._people, self._machines = people, machines

    async def authenticate(self, request: Request) -> Principal:
        """The caller of a request with exactly one ``Authorization: Bearer`` header."""
        credential = bearer(request.headers.getlist("authorization"))
        if credential.startswith(MACHINE_PREFIX):
            return await self._machines.verify(credential)
        return await self._people.verify(credential)


def bearer(headers: list[str]) -> str:
    """The credential of the one ``Authorization`` header. Raises ``Unauthorized``."""
    if not headers:
        raise Unauthorized("no-token", "请先登录或提供密钥", "a bearer token or key is required")
    scheme, _, credential = headers[0].partition(" ")
    credential = credential.strip()
    if len(headers) > 1 or scheme.lower() != _SCHEME or not 0 < len(credential) <= _LONGEST:
        raise Unauthorized(
            "token-malformed", "凭证格式不正确", "the Authorization header is not one bearer token"
        )
    return credential


async def principal(request: Request) -> Principal:
    """The caller of a route that requires a permission."""
    known: Principal = request.state.principal
    return known


Caller = Annotated[Principal, Depends(principal)]
"""A handler's parameter: ``caller: Caller``."""
