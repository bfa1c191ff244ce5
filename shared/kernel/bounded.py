"""A cache that stays small and forgets: at most so many entries, each for at most so long."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Least recently used first out; an entry older than ``ttl`` seconds is not given out."""

    def __init__(self, *, size: int, ttl: float, elapsed: Callable[[], float] = monotonic) -> None:
        self._size, self._ttl, self._elapsed = size, ttl, elapsed
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, or ``None`` when it was never put, was pushed out, or is too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        ends, value = entry
        if self._elapsed() >= ends:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V, *, ttl: float | None = None) -> None:
        """Keep a value, for ``ttl`` seconds where that is shorter than the cache's own."""
        life = self._ttl if ttl is None else min(ttl, self._ttl)
        self._entries[key] = (self._elapsed() + life, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def forget(self, key: K) -> None:
        """Drop one entry, if it is there."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
