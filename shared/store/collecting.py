"""Python's collector, held back while a great many objects are made that hold no cycle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 100_000
"""How many objects are made before the collector looks at them; usually 700."""


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """For work that makes hundreds of thousands: looking through them took up to a third of it."""
    usual = gc.get_threshold()
    gc.set_threshold(_YOUNG, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
