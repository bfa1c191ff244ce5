"""Puts a service's access together: people by the issuer's tokens, machines by the table's keys."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from shared.web.auth import BearerAuthenticator
from shared.web.jwks import KeySet
from shared.web.machine_keys import Connected, MachineKeyVerifier, TableMachineKeys
from shared.web.settings import Mode, OidcSettings
from shared.web.tokens import TokenVerifier


class UnsafeAccess(RuntimeError):
    """The settings would let tokens travel or be verified unsafely in production."""


def open_access(
    oidc: OidcSettings,
    mode: Mode,
    reading: Callable[[], AbstractAsyncContextManager[Connected]],
) -> tuple[BearerAuthenticator, KeySet]:
    """The authenticator for ``create_app``, and the issuer's keys to ``check`` and ``close``.

    ``reading`` is ``Database.reading``. Raises ``UnsafeAccess`` for an issuer without TLS in
    production.
    """
    if mode is Mode.PRODUCTION and (oidc.allow_http or not oidc.issuer.startswith("https://")):
        raise UnsafeAccess("in production the issuer is reached by https; see DIXIAN_OIDC_ISSUER")
    keys = KeySet(oidc)
    machines = MachineKeyVerifier(TableMachineKeys(reading))
    return BearerAuthenticator(people=TokenVerifier(oidc, keys), machines=machines), keys
