"""A PostgreSQL of a benchmark's own, with the settings that `make run` gives its server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.testing.postgres import EmbeddedPostgres

_SHIPPED = "shared_buffers = '256MB'\nmax_wal_size = '2GB'\n"


@contextmanager
def shipped(place: Path) -> Iterator[EmbeddedPostgres]:
    """The server whose files lie in ``place``, made there if it is not yet."""
    settings = place / "postgresql.auto.conf"
    if not settings.exists() or settings.read_text() != _SHIPPED:
        with EmbeddedPostgres(place):
            settings.write_text(_SHIPPED)
    with EmbeddedPostgres(place) as server:
        yield server
