"""One running system for the stories that leave it as they found it; fresh ones for the others."""

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from rich.console import Console

from dixian.demo.screen import Screen
from dixian.home import Home
from tests.end_to_end.system import System, running


@pytest.fixture
def home() -> Iterator[Home]:
    """Not below pytest's own directory, which other accounts cannot enter."""
    with TemporaryDirectory(prefix="dixian-", ignore_cleanup_errors=True) as directory:
        yield Home(Path(directory) / "var")


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The session's system."""
    with (
        TemporaryDirectory(prefix="dixian-", ignore_cleanup_errors=True) as directory,
        running(Home(Path(directory) / "var")) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def spare() -> Iterator[System]:
    """Another one, for tests that leave behind what nobody told: fuzz, new keys, erasures."""
    with (
        TemporaryDirectory(prefix="dixian-", ignore_cleanup_errors=True) as directory,
        running(Home(Path(directory) / "var")) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def silent() -> Screen:
    """A screen that nobody looks at."""
    return Screen(Console(file=io.StringIO(), width=160))
