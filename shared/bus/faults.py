"""Which errors pass by themselves, which may after another try, and which need somebody to look."""

from collections.abc import Iterator
from enum import Enum

import asyncpg

from shared.bus.port import BrokerUnavailable
from shared.policy.parameters import NoPolicy
from shared.store.event_store import ConcurrentAppend


class Fault(Enum):
    """What to do about an error."""

    OUTAGE = "outage"
    """Something everybody needs is away (database, network, disk): wait for it, however long."""
    CONTENTION = "contention"
    """Two transactions met, or what this builds on is still on its way on another partition: try
    again, a bounded number of times."""
    LASTING = "lasting"
    """Trying again would give the same: park the message."""


_OUTAGES = ("08", "53", "57P", "58", "25P03", "57014")
"""SQLSTATE prefixes: connection lost, out of disk/memory/connections, shutting down, I/O error,
idle transaction ended, statement cancelled."""
_CONTENTIONS = ("40", "55P03")
"""Serialization failure and deadlock; a lock not to be had."""


def classify(error: BaseException) -> Fault:
    """The kind of an error, looking through what wraps it (SQLAlchemy, ``raise ... from``)."""
    for link in _chain(error):
        kind = _kind(link)
        if kind is not None:
            return kind
    return Fault.LASTING


def back_off(attempt: int, *, first: float = 0.05, longest: float = 5.0) -> float:
    """Seconds to wait before try ``attempt`` + 1: doubling, up to ``longest``."""
    return float(min(longest, first * 2 ** min(attempt, 16)))


def _kind(error: BaseException) -> Fault | None:
    if isinstance(error, ConcurrentAppend | NoPolicy):
        return Fault.CONTENTION  # NoPolicy: the publication travels apart from what follows it
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return _of_state(state)
    if isinstance(error, BrokerUnavailable | ConnectionError | TimeoutError):
        return Fault.OUTAGE
    if isinstance(error, asyncpg.InterfaceError) and "clos" in str(error):
        return Fault.OUTAGE  # "connection is closed", "connection was closed in the middle..."
    if isinstance(error, asyncpg.InternalClientError):
        return Fault.OUTAGE  # what a connection says while the news of its end is coming in
    return None


def _of_state(state: str) -> Fault | None:
    if state.startswith(_OUTAGES):
        return Fault.OUTAGE
    if state.startswith(_CONTENTIONS):
        return Fault.CONTENTION
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    met: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in met:
        met.add(id(link))
        yield link
        link = link.__cause__ or getattr(link, "orig", None)
