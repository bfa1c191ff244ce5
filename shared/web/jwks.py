"""The keys of an OpenID Connect issuer: found by discovery, cached, read again when they rotate."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import structlog

from shared.kernel.refusal import Unavailable
from shared.web.settings import OidcSettings

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""The signatures that are accepted. Symmetric ones and ``none`` are not among them, by design."""

_LARGEST_DOCUMENT = 256 * 1024
_SMALLEST_RSA_BITS = 2048
_WITHOUT_KEYS = 1.0
"""Seconds between two attempts while no key is known at all."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

log = structlog.get_logger("dixian.oidc")


class IssuerFault(Exception):
    """The issuer cannot be reached, or what it answers cannot be used."""


class KeySet:
    """An issuer's signing keys by ``kid``. One reading at a time, however many ask.

    Known keys serve for ``keys_stale`` seconds while the issuer is down; an unknown ``kid`` causes
    at most one reading per ``refetch_interval``.
    """

    def __init__(
        self,
        settings: OidcSettings,
        *,
        client: httpx.AsyncClient | None = None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._settings, self._elapsed = settings, elapsed
        # No proxy from the environment: the issuer stands inside the government network.
        self._client = client or httpx.AsyncClient(timeout=5, trust_env=False)
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._reading = asyncio.Lock()

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of that id; with no id, the only key there is. ``None`` when there is none.

        Raises ``Unavailable`` when no usable keys are known and the issuer cannot be read.
        """
        if self._age() > self._settings.keys_max_age:
            await self._refresh(self._read_at)
        key = self._pick(kid)
        if key is None and kid is not None and self._may_try():
            await self._refresh(self._read_at)
            key = self._pick(kid)
        return key

    async def close(self) -> None:
        """Close the connection to the issuer."""
        await self._client.aclose()

    async def check(self) -> None:
        """For readiness: raises ``Unavailable`` when tokens cannot be verified."""
        await self.find(None)

    def _pick(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is not None:
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    def _age(self) -> float:
        return float("inf") if self._read_at is None else self._elapsed() - self._read_at

    def _may_try(self) -> bool:
        if self._tried_at is None:
            return True
        interval = _WITHOUT_KEYS if self._read_at is None else self._settings.refetch_interval
        return self._elapsed() - self._tried_at >= interval

    async def _refresh(self, seen: float | None) -> None:
        async with self._reading:
            if self._read_at != seen:
                return
            if self._may_try():
                await self._read()
        if self._age() > self._settings.keys_max_age + self._settings.keys_stale:
            raise Unavailable(
                "issuer-unavailable",
                "统一身份认证暂时不可用,请稍后再试",
                "the identity provider is unavailable; try again later",
            )

    async def _read(self) -> None:
        self._tried_at = self._elapsed()
        try:
            self._keys = await self._fetch()
            self._read_at = self._elapsed()
        except (IssuerFault, httpx.HTTPError) as error:
            log.warning("issuer keys not read", issuer=self._settings.issuer, reason=str(error))

    async def _fetch(self) -> dict[str, jwt.PyJWK]:
        issuer = self._settings.issuer
        found = await self._document(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise IssuerFault("the discovery document names another issuer")
        document = await self._document(str(found.get("jwks_uri", "")))
        keys = usable_keys(document)
        if not keys:
            raise IssuerFault("the issuer publishes no key that can be used")
        return keys

    async def _document(self, url: str) -> dict[str, Any]:
        parts = urlsplit(url)
        loopback = (parts.hostname or "") in _LOOPBACK
        if parts.scheme != "https" and not (loopback or self._settings.allow_http):
            raise IssuerFault("the issuer is not reached by https")
        response = await self._client.get(url, headers={"Accept": "application/json"})
        if response.status_code != httpx.codes.OK:
            raise IssuerFault(f"the issuer answered {response.status_code}")
        if len(response.content) > _LARGEST_DOCUMENT:
            raise IssuerFault("the issuer's document is too large")
        try:
            document = response.json()
        except ValueError:
            raise IssuerFault("the issuer's document is not JSON") from None
        if not isinstance(document, dict):
            raise IssuerFault("the issuer's document is not an object")
        return document


def usable_keys(document: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    """The keys of a JWK set that may sign tokens, by ``kid`` (``""`` for a key without one).

    Left out: keys for encryption, symmetric keys, RSA under 2048 bits, other curves.
    """
    usable = {}
    entries = document.get("keys")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK.from_dict(entry)
        except jwt.PyJWTError:
            continue
        if key.algorithm_name in ALGORITHMS and _is_strong(key):
            usable[str(entry.get("kid", ""))] = key
    return usable


def _is_strong(key: jwt.PyJWK) -> bool:
    return key.key_type != "RSA" or key.key.key_size >= _SMALLEST_RSA_BITS
