"""A server of the deployment tests' own: they stop, kill and reconfigure it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dixian.home import Home
from dixian.postgres import Postgres


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "var")


@pytest.fixture
def postgres(home: Home) -> Iterator[Postgres]:
    server = Postgres(home)
    server.start()
    yield server
    server.stop()
