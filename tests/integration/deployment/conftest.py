"""A server of the deployment tests' own: they stop, kill and reconfigure it."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dixian.home import Home
from dixian.postgres import Postgres


@pytest.fixture
def home() -> Iterator[Home]:
    """Not under pytest's own directory: every run that begins closes that to other accounts, and
    run by root the server has an account of its own."""
    with TemporaryDirectory(prefix="dixian-", ignore_cleanup_errors=True) as directory:
        yield Home(Path(directory) / "var")


@pytest.fixture
def postgres(home: Home) -> Iterator[Postgres]:
    server = Postgres(home)
    server.start()
    yield server
    server.stop()
