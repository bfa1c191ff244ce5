"""Ports for systems that tests start as processes of their own."""

import random
import socket
from collections.abc import Iterable

_RANGE = (20_000, 32_000)
"""Below the ports that the kernel hands out by itself."""


def free_base(numbers: Iterable[int], *, spread: int) -> int:
    """A port, a multiple of ``spread``, from which on those with these ``numbers`` are free.

    Any such port: while a system is down its ports are free, and another run of the tests on this
    machine that always took the lowest would move in. ``AssertionError`` when there is none.
    """
    bases, wanted = range(*_RANGE, spread), tuple(numbers)
    for base in random.sample(bases, len(bases)):
        if all(_free(base + number) for number in wanted):
            return base
    raise AssertionError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
