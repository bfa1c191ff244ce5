"""The embedded lane: ``dixian up``, the whole system in one process."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from dixian.home import Home
from dixian.provision import SERVICES
from tests.end_to_end.installation import Installation, free_base


class System(Installation):
    """``dixian up`` in a home of its own: started, killed, started again on the same data."""

    COMMAND = ("up",)
    UP = "Next, in another terminal"

    def kill(self, *, with_postgres: bool = False) -> None:
        """``kill -9``, for the database's postmaster too, which is else left an orphan."""
        postmaster = self.server.pid
        assert postmaster is not None
        assert self.end(signal.SIGKILL) == -signal.SIGKILL
        if with_postgres:
            psutil.Process(postmaster).kill()


@contextmanager
def running(home: Home) -> Iterator[System]:
    """A started system, gone afterwards."""
    system = System(home, free_base(range(1 + len(SERVICES)), first=21_000, spread=10))
    try:
        system.start()
        yield system
    finally:
        system.close()
