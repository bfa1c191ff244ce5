"""The demo, as a person runs it, on the embedded lane; and what it leaves behind."""

import signal
from datetime import date

from dixian.demo.reports import leads, policy, register
from dixian.demo.screen import Screen
from dixian.demo.tell import begin
from dixian.home import Home
from tests.end_to_end.counting import must_be_exactly_once, must_verify
from tests.end_to_end.system import System, running

SHOWN = (
    "CASE_OPENED",
    "JOINED_TO_CASE",
    "R56 · 指南第34问",
    "R78 · 指南第20问",
    "R93 · 指南第27问",
    "RiskEliminated",
    "包含证明已在本机验证",
    "R107 · 指南第40问",
    "CorrectionAuthorized",
    "回退的证明已在本机验证",
    "每个事件恰好一次",
)
"""What a person has seen when the demo is over."""


def test_the_demo_walks_a_household_to_the_end_and_proves_it(system: System) -> None:
    done = system.command("demo")
    assert done.returncode == 0, done.stdout
    for words in SHOWN:
        assert words in done.stdout
    must_be_exactly_once(system)


def test_it_can_be_told_again_and_the_export_verifies(system: System) -> None:
    before = _households(system)
    assert system.command("demo").returncode == 0
    assert _households(system) == before + 1
    must_be_exactly_once(system)
    must_verify(system)


def test_a_family_that_is_in_the_register_already_makes_room_for_another(
    system: System, silent: Screen
) -> None:
    with system.client() as client, system.client() as other:
        first, second = begin(client, silent), begin(other, silent)
        register(first)
        second.people = first.people
        register(second)
    assert second.household != first.household
    assert not {item.number for item in first.people} & {item.number for item in second.people}


def test_it_is_told_in_a_year_of_which_there_is_no_notice_yet(home: Home, silent: Screen) -> None:
    """The hotline's clocks need that year's working days, and the next one's."""
    with running(home) as system, system.client() as client:
        client.move_clock(date(2031, 12, 20))
        story = begin(client, silent)
        for chapter in (policy, register, leads):
            chapter(story)
        order = client.get("county-officer", "alerts", f"/orders/{story.order}")
    assert order["handle_by"] == "2031-12-26"


def test_it_stops_cleanly_and_the_data_stays(home: Home) -> None:
    with running(home) as system:
        told = system.tell()
        households = _households(system)
        for number in (signal.SIGINT, signal.SIGTERM):
            assert system.end(number) == 0
            assert system.server.pid is None, "the database ended with it"
            assert system.said.endswith("Stopped; the data stays. Start again with make run.\n")
            system.start()
            assert _households(system) == households
            with system.client() as client:
                assert client.today() == told.today
        must_be_exactly_once(system)


def _households(system: System) -> int:
    [row] = system.rows("dixian_identification", "select count(*) as n from rm.household")
    return int(row["n"])
