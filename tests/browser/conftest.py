"""Chromium, and one system filled by the tour, for every test in a browser.

Without a Chromium these tests cannot run: that is said loudly, and with ``REQUIRE_BROWSER=1``, as
CI has it, it is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, sync_playwright

from dixian.demo.tour import fill
from dixian.home import Home
from tests.browser.people import Office
from tests.end_to_end.system import System, running

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
"""Nothing of the browser's own on the network; root has no sandbox."""


def chromium() -> str | None:
    """The system's browser; ``CHROMIUM`` names another."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser.

    While it is open Playwright's event loop stands still in this thread, and no other test could
    run one: it is closed when this room is left.
    """
    program = chromium()
    if program is None:
        said = "NO CHROMIUM: nothing was clicked through. Install `chromium`, or set CHROMIUM."
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def tour() -> Iterator[System]:
    """A system that the tour has filled."""
    with (
        TemporaryDirectory(prefix="dixian-", ignore_cleanup_errors=True) as directory,
        running(Home(Path(directory) / "var")) as system,
    ):
        with system.client() as client:
            fill(client)
        yield system


@pytest.fixture(scope="package")
def office(browser: Browser, tour: System) -> Iterator[Office]:
    """Everybody at their browsers."""
    made = Office(browser, tour)
    yield made
    made.close()
