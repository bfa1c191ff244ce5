"""How a connection to PostgreSQL is opened, and how either end finds out that the other is gone.

A machine that loses its power says nothing. Without what is set here the client waits for an answer
for a quarter of an hour or for ever, and the server keeps a vanished client's locks for two hours:
the relay's among them, for which another one stands by.
"""

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    Base = asyncpg.Connection[Any]
else:
    Base = asyncpg.Connection

PATIENCE = 15.0
"""Seconds that opening a connection may take."""
_IDLE, _INTERVAL, _COUNT = 20, 5, 4
"""Seconds of silence before the other end is asked, seconds between askings, askings."""
_GONE = 1000 * (_IDLE + _INTERVAL * _COUNT)
"""Milliseconds after which what was sent must have been acknowledged."""
_SERVERS_END: Mapping[str, str] = {
    "tcp_keepalives_idle": str(_IDLE),
    "tcp_keepalives_interval": str(_INTERVAL),
    "tcp_keepalives_count": str(_COUNT),
    "tcp_user_timeout": str(_GONE),
    # Also while a statement runs or waits for a lock.
    "client_connection_check_interval": "10000",
}


class NotCommitted(Exception):
    """A statement of the transaction had failed, and that was passed over: nothing is recorded."""


class Watched(Base):
    """A connection whose socket asks, when all is quiet, whether anybody is there."""

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        watch(transport.get_extra_info("socket"))

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """The statement's status. Raises ``NotCommitted`` where a COMMIT rolled back in silence."""
        status: str = await super().execute(query, *args, **options)
        if status == "ROLLBACK" and query.upper().startswith("COMMIT"):
            raise NotCommitted
        return status


def watch(ours: Any) -> None:
    """Have the kernel end a TCP connection whose other end is gone."""
    if ours is None or ours.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE),
        ("TCP_KEEPINTVL", _INTERVAL),
        ("TCP_KEEPCNT", _COUNT),
        ("TCP_USER_TIMEOUT", _GONE),
    ):
        if hasattr(socket, name):  # Linux has them all
            ours.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def connect(
    url: str, server_settings: Mapping[str, str] | None = None
) -> "asyncpg.Connection[Any]":
    """Open a connection to the database at ``url`` (SQLAlchemy's form or libpq's).

    The driver reads the address itself, as libpq would: TLS (``sslmode``, ``sslrootcert``,
    ``sslcert``, ``sslkey``) and the password file are named there or in PostgreSQL's own variables.
    Raises ``OSError`` (``TimeoutError`` after ``PATIENCE``) or ``asyncpg.PostgresError``.
    """
    scheme, separator, rest = url.partition("://")
    made: asyncpg.Connection[Any] = await asyncpg.connect(
        scheme.partition("+")[0] + separator + rest,
        timeout=PATIENCE,
        connection_class=Watched,
        server_settings={**_SERVERS_END, **(server_settings or {})},
    )
    return made
