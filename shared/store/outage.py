"""Which errors say that the database is away, and nothing about what was asked of it."""

from collections.abc import Iterator

import asyncpg

_OUTAGES = ("08", "53", "57P", "58", "25P03", "57014")
"""SQLSTATE prefixes: connection lost, out of disk/memory/connections, shutting down, I/O error,
idle transaction ended, statement cancelled."""


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
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, asyncpg.InterfaceError) and "clos" in str(error):
        return True  # "connection is closed", "connection was closed in the middle..."
    # What a connection says while the news of its end is coming in.
    return isinstance(error, asyncpg.InternalClientError)
