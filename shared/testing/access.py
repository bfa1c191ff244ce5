"""Callers for tests of HTTP: who they are stands in the token itself, and nobody checks."""

from fastapi import Request

from shared.kernel.principal import Principal, Role
from shared.web.auth import bearer


def acting(role: Role, division: str, name: str = "somebody") -> dict[str, str]:
    """The headers of a caller: ``acting(Role.OFFICER, "370114")``."""
    return {"Authorization": f"Bearer {name}:{role.value}:{division}"}


class TakenAtTheirWord:
    """An authenticator that believes the token that ``acting`` makes."""

    async def authenticate(self, request: Request) -> Principal:
        """The caller. Raises ``Unauthorized`` when there is no token."""
        name, role, division = bearer(request.headers.getlist("authorization")).split(":")
        return Principal(f"person:{name}", frozenset({Role(role)}), division)
