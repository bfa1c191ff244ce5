"""Which errors pass by themselves, which may after another try, and which need somebody to look."""

from enum import Enum

from shared.bus.port import BrokerUnavailable
from shared.policy.parameters import NoPolicy
from shared.store.event_store import ConcurrentAppend
from shared.store.outage import chain, is_contention, is_outage


class Fault(Enum):
    """What to do about an error."""

    OUTAGE = "outage"
    """Something everybody needs is away (database, network, disk): wait for it, however long."""
    CONTENTION = "contention"
    """Two transactions met, or what this builds on is still on its way on another partition: try
    again, a bounded number of times."""
    LASTING = "lasting"
    """Trying again would give the same: park the message."""


def classify(error: BaseException) -> Fault:
    """The kind of an error, looking through what wraps it (SQLAlchemy, ``raise ... from``)."""
    for link in chain(error):
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
    if isinstance(error, BrokerUnavailable) or is_outage(error):
        return Fault.OUTAGE
    return Fault.CONTENTION if is_contention(error) else None
