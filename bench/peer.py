"""The recorder of the ``eventsourcing`` library, writing rows of one size to the same server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from bench.rounds import Round


class Peer(AbstractContextManager["Peer"]):
    """Its datastore with one connection a client; its own table, made by itself."""

    def __init__(self, url: str, clients: int) -> None:
        parts = urlsplit(url)
        self._clients = clients
        self._datastore = PostgresDatastore(
            dbname=parts.path.lstrip("/"),
            host=parse_qs(parts.query)["host"][0],
            port=str(parts.port or 5432),
            user=parts.username or "",
            password="",
            pool_size=clients,
            max_waiting=clients,
        )
        self._recorder = PostgresApplicationRecorder(self._datastore, events_table_name="peer")
        self._recorder.create_table()
        self._threads = ThreadPoolExecutor(clients)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown()
        self._datastore.close()

    def inserting(self, count: int, state: bytes) -> Round:
        """``count`` events, each the first of its stream, over all clients."""
        each = count // self._clients

        def client() -> None:
            for _ in range(each):
                self._recorder.insert_events([StoredEvent(uuid4(), 1, "bench:Opened", state)])

        async def work() -> int:
            loop = asyncio.get_running_loop()
            clients: list[Any] = [
                loop.run_in_executor(self._threads, client) for _ in range(self._clients)
            ]
            await asyncio.gather(*clients)
            return each * self._clients

        return work
