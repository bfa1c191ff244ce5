"""Posts to addresses that others have named, and to no address that is not theirs to name (SSRF).

The installation's settings decide. In production an address is ``https`` and every address its name
stands for is a public one, or lies in a network that ``DIXIAN_WEBHOOK_NETWORKS`` lists, such as the
government's own. In demo mode ``http`` and this machine are allowed too. What was checked is what
is connected to: the name is looked up once a try. Redirections are not followed, proxies of the
environment not used, and nothing of an answer is read but its status.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from socket import SOCK_STREAM, gaierror
from urllib.parse import SplitResult, urlsplit

import httpx
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kernel.refusal import Invalid
from shared.web.settings import Mode

Address = IPv4Address | IPv6Address
_PORTS = {"https": 443, "http": 80}


class OutboundSettings(BaseSettings):
    """Where this installation may post to."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_WEBHOOK_", extra="ignore")

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """``DIXIAN_WEBHOOK_NETWORKS``: JSON; networks that are not public and yet allowed."""
    ca_file: Path | None = None
    """``DIXIAN_WEBHOOK_CA_FILE``: certificates of authorities to trust besides the usual ones."""
    timeout: float = Field(15, gt=0, le=60)
    """``DIXIAN_WEBHOOK_TIMEOUT``: seconds a receiver may take, from the look-up to its answer."""


class NotAllowed(Invalid):
    """The address is not one that this installation posts to."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(code="address-not-allowed", zh=zh, en=en, field="url")


@dataclass(frozen=True)
class Answer:
    """What came of a post: a status, or a code for why there is none."""

    status: int | None
    error: str = ""
    retry_after: timedelta = timedelta()


class Guard:
    """Says which addresses are allowed."""

    def __init__(self, mode: Mode, settings: OutboundSettings) -> None:
        self._demo, self._networks = mode is Mode.DEMO, settings.networks

    def must_allow(self, url: str) -> SplitResult:
        """The parts of an address; what its name stands for is looked at when it is used.

        Raises ``NotAllowed``.
        """
        parts = _parts(url)
        if parts.scheme != "https" and not (self._demo and parts.scheme == "http"):
            raise NotAllowed("回调地址须为 https", "the address must be https")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise NotAllowed(
                "回调地址不得含用户名、密码或片段", "no user, password or fragment in the address"
            )
        literal = _literal(parts.hostname or "")
        if literal is not None and not self.allows(literal):
            raise _not_public()
        return parts

    def allows(self, address: Address) -> bool:
        """Whether this installation may connect there."""
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        if any(address in network for network in self._networks):
            return True
        if address.is_loopback:
            return self._demo
        return address.is_global and not address.is_multicast

    async def resolve(self, parts: SplitResult) -> str:
        """An address to connect to. Raises ``NotAllowed`` if any of the name's is not allowed."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(parts.hostname, _port(parts), type=SOCK_STREAM)
        addresses = [ip_address(str(item[4][0]).partition("%")[0]) for item in found]
        if not all(self.allows(address) for address in addresses):
            raise _not_public()
        return str(addresses[0])


class Outbound:
    """Posts; one a process. ``close`` it."""

    def __init__(self, guard: Guard, settings: OutboundSettings) -> None:
        self.guard, self._timeout = guard, settings.timeout
        trusted = ssl.create_default_context()
        if settings.ca_file is not None:
            trusted.load_verify_locations(settings.ca_file)
        self._client = httpx.AsyncClient(
            verify=trusted, trust_env=False, follow_redirects=False, timeout=settings.timeout
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post and say what came of it. Never raises for what the other side does or is."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(self.guard.must_allow(url), body, headers)
        except NotAllowed as refused:
            return Answer(None, refused.code)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, "timeout")
        except gaierror:
            return Answer(None, "name-not-found")
        except httpx.ConnectError as error:
            return Answer(None, "tls" if "CERTIFICATE" in str(error).upper() else "unreachable")
        except (httpx.HTTPError, OSError):
            return Answer(None, "broken-off")

    async def _post(self, parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> Answer:
        address = await self.guard.resolve(parts)
        request = self._client.build_request(
            "POST",
            _with_host(parts, address),
            content=body,
            headers={**headers, "Host": parts.netloc, "Accept-Encoding": "identity"},
            # The certificate is the name's, wherever its address leads.
            extensions={"sni_hostname": parts.hostname or ""},
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return Answer(response.status_code, "", _retry_after(response.headers.get("retry-after")))

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        complete = False
    if not complete or not url.isascii() or any(letter <= " " for letter in url):
        raise NotAllowed("回调地址格式不正确", "this is no address")
    return parts


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _with_host(parts: SplitResult, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=f"{host}:{_port(parts)}").geturl()


def _not_public() -> NotAllowed:
    return NotAllowed(
        "该回调地址不在允许的网络内", "the address is not in a network that is allowed"
    )


def _retry_after(header: str | None) -> timedelta:
    """``120`` or a date. Anything else asks for nothing."""
    if header is None:
        return timedelta()
    if header.isascii() and header.isdigit():
        return timedelta(seconds=min(int(header[:9]), 10**8))
    try:
        return max(timedelta(), parsedate_to_datetime(header) - datetime.now(UTC))
    except (ValueError, TypeError):
        return timedelta()
