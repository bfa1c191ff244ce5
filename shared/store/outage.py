"""Which errors say that something everybody needs is away, and nothing about what was asked of it.

HTTP answers them with 503, and the bus waits for them to pass.
"""

import errno
import socket
from collections.abc import Iterator

import asyncpg

_OUTAGES = ("08", "53", "57P", "58", "25P03", "57014")
"""SQLSTATE prefixes: connection lost, out of disk/memory/connections, shutting down, I/O error,
idle transaction ended, statement cancelled."""
_CONTENTIONS = ("40", "55P03")
"""Serialization failure and deadlock; a lock not to be had."""
_SYSTEM_ERRORS = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        errno.EADDRNOTAVAIL,  # every port towards the server is in use
    }
)
"""Disk full or broken, file handles or memory used up, network down."""


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps (SQLAlchemy's ``orig``, ``raise ... from``)."""
    met: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in met:
        met.add(id(link))
        yield link
        link = link.__cause__ or getattr(link, "orig", None)


def state_of(error: BaseException) -> str | None:
    """The SQLSTATE of this very error."""
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None


def is_outage(error: BaseException) -> bool:
    """Whether this very error, not what it wraps, is one that passes by itself."""
    state = state_of(error)
    if state is not None:
        return state.startswith(_OUTAGES)
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return True
    if isinstance(error, OSError):
        # Without a number it is the event loop's: every address of a host refused it.
        return error.errno in _SYSTEM_ERRORS or (type(error) is OSError and error.errno is None)
    if isinstance(error, asyncpg.InterfaceError) and "clos" in str(error):
        return True  # "connection is closed", "connection was closed in the middle..."
    # What a connection says while the news of its end is coming in.
    return isinstance(error, asyncpg.InternalClientError)


def is_contention(error: BaseException) -> bool:
    """Whether two transactions met, and this one was the victim: another try may well succeed."""
    return any((state_of(link) or "").startswith(_CONTENTIONS) for link in chain(error))
