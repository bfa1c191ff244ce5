"""The whole process is killed in the middle of the story and started again: nothing is lost."""

import io
import signal
import threading
from collections.abc import Callable
from datetime import date

import pytest
from rich.console import Console

from dixian.demo.screen import Json, Screen
from dixian.home import Home
from tests.end_to_end.system import System, must_be_exactly_once, running

MOMENTS = ("AlertReceived", "Deliberated", "Approved", "MeasureStarted", "RiskEliminated")
"""After the act that records one of these, the process dies."""


class Watching(Screen):
    """A screen that tells when an act was shown."""

    def __init__(self, told: Callable[[str], None]) -> None:
        super().__init__(Console(file=io.StringIO(), width=160))
        self._told = told

    def act(self, on: date, who: str, what: str, receipt: Json) -> None:
        super().act(on, who, what, receipt)
        for item in receipt["events"]:
            self._told(item["type"])


def test_killed_again_and_again_the_story_ends_with_every_event_once(home: Home) -> None:
    with running(home) as system:
        left = list(MOMENTS)

        def die_now(event: str) -> None:
            if left and event == left[0]:
                left.pop(0)
                assert system.end(signal.SIGKILL) == -signal.SIGKILL
                threading.Thread(target=system.start).start()

        story = system.tell(Watching(die_now))
        assert left == []
        assert story.case
        must_be_exactly_once(system)
        assert system.end(signal.SIGINT) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_data_stays(home: Home, number: signal.Signals) -> None:
    with running(home) as system:
        before = _registered(system)
        system.tell()
        assert system.end(number) == 0
        system.start()
        assert _registered(system) == before + 1
        must_be_exactly_once(system)


def _registered(system: System) -> int:
    [row] = system.rows("dixian_identification", "select count(*) as n from rm.household")
    return int(row["n"])
