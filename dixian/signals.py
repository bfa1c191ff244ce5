"""SIGINT and SIGTERM as an event, for programs that stop in order."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def until_signalled() -> Iterator[asyncio.Event]:
    """An event that the first signal sets; the second cancels the task that is in the block."""
    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    assert running is not None
    stop = asyncio.Event()

    def caught() -> None:
        if stop.is_set():
            running.cancel()
        stop.set()

    for number in _NUMBERS:
        loop.add_signal_handler(number, caught)
    try:
        yield stop
    finally:
        for number in _NUMBERS:
            loop.remove_signal_handler(number)
