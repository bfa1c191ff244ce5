"""The embedded lane: ``dixian up``, the whole system in one process."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from dixian.home import Home
from dixian.provision import SERVICES
from shared.testing.ports import free_base
from tests.end_to_end.installation import Installation


class System(Installation):
    """``dixian up`` in a home of its own: started, killed, started again on the same data."""

    COMMAND = ("up",)
    UP = "Next, in another terminal"

    def kill(self, *, with_postgres: bool = False) -> None:
        """``kill -9``, for the database's processes too, which are else left orphans.

        All of them, and gone on return: a backend that outlives its postmaster by a moment could
        still commit what it was waiting to.
        """
        assert self.server.pid is not None
        postmaster = psutil.Process(self.server.pid)
        assert self.end(signal.SIGKILL) == -signal.SIGKILL
        if with_postgres:
            processes = [postmaster, *postmaster.children()]
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.eventually("the database's end", lambda: not any(map(_lives, processes)) or None)


@contextmanager
def running(home: Home) -> Iterator[System]:
    """A started system, gone afterwards."""
    system = System(home, free_base(range(2 + len(SERVICES)), spread=10))
    try:
        system.start()
        yield system
    finally:
        system.close()


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
