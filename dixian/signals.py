"""Ctrl-C, SIGTERM and a closed terminal as an event, for programs that stop in order."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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

    # A shell lets background jobs ignore SIGINT, yet who sends one means us; `nohup` means it.
    nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    handled = [number for number in _NUMBERS if number != signal.SIGHUP or not nohup]
    for number in handled:
        loop.add_signal_handler(number, caught)
    try:
        yield stop
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
