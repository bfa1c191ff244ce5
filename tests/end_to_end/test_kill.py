"""The whole process is killed in the middle of the story and started again: nothing is lost."""

import asyncio
import io
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count

from rich.console import Console

from dixian.demo.screen import Json, Screen
from dixian.home import Home
from tests.end_to_end.acts import register
from tests.end_to_end.counting import must_be_exactly_once, must_verify
from tests.end_to_end.system import System, running

SEED = 20230801
ACTS = 35
"""The demo's, at least."""
FATAL = sorted(random.Random(SEED).sample(range(1, ACTS), 4))
"""The process dies as soon as these were answered, counted from the first act."""


class Watching(Screen):
    """A screen that tells each act that it was shown."""

    def __init__(self, told: Callable[[], None]) -> None:
        super().__init__(Console(file=io.StringIO(), width=160))
        self._told = told

    def act(self, on: date, who: str, what: str, receipt: Json) -> None:
        super().act(on, who, what, receipt)
        self._told()


class Deaths:
    """Kills the system at given acts, and has it started again beside the story."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._starting: threading.Thread | None = None

    def die(self, *, with_postgres: bool) -> None:
        """Kill it; it comes back by itself while the story waits."""
        self.back()
        self._system.kill(with_postgres=with_postgres)
        self._starting = threading.Thread(target=self._system.start)
        self._starting.start()

    def back(self) -> None:
        """Wait until the last start is through."""
        if self._starting is not None:
            self._starting.join()
            assert self._system.runs, self._system.said


def test_killed_again_and_again_the_story_ends_with_every_event_once(home: Home) -> None:
    with running(home) as system:
        deaths, acts = Deaths(system), count(1)

        def die_now() -> None:
            if (act := next(acts)) in FATAL:
                deaths.die(with_postgres=FATAL.index(act) % 2 == 1)

        assert system.tell(Watching(die_now)).case
        assert next(acts) > max(FATAL), "every death was died"
        deaths.back()
        must_be_exactly_once(system)
        must_verify(system)


def test_killed_on_either_side_of_publishing_nothing_is_lost_or_counted_twice(home: Home) -> None:
    with running(home) as system, system.client() as client:
        with _held(system, "dixian_bus", "lock table bus.log in exclusive mode"):
            first = register(client)
            assert _published(system, first) == 0
            system.kill(with_postgres=True)
        system.start()
        must_be_exactly_once(system)
        assert _published(system, first) == 1
        with _held(system, "dixian_identification", "select from es.reader for update"):
            second = register(client)
            system.eventually("publishing", lambda: _published(system, second) or None)
            system.kill(with_postgres=True)
        system.start()
        must_be_exactly_once(system)
        assert _published(system, second) == 2, "again, because nobody knew that it was sent"


@contextmanager
def _held(system: System, database: str, statement: str) -> Iterator[None]:
    """Hold a lock in an open transaction, so that whoever needs it waits just there."""
    with asyncio.Runner() as runner:
        connection = runner.run(system.connect(database))
        runner.run(connection.execute(f"begin; {statement}"))
        try:
            yield
        finally:
            connection.terminate()
            runner.run(asyncio.sleep(0))


def _published(system: System, stream: str) -> int:
    """How often the bus has a stream's first event."""
    [row] = system.rows(
        "dixian_bus",
        "select count(*) as n from bus.log"
        " where headers->>'ce_subject' = $1 and headers->>'ce_sequence' = '1'",
        stream,
    )
    return int(row["n"])
