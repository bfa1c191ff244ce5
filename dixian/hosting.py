"""Runs services in one process: their HTTP servers and workers, from the first to a clean stop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn

from dixian.errors import CannotStart
from dixian.signals import until_signalled
from shared.web.service import Service, Worker

_DRAIN = 10
"""Seconds that requests under way get to finish when the system stops."""
_BACK_OFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY = 60.0
"""Seconds a worker must have run for its next fault to count as the first again."""

log = structlog.get_logger("dixian.hosting")


@dataclass(frozen=True)
class Hosted:
    """One service and which of its parts run here."""

    service: Service
    host: str
    port: int
    serves: bool = True
    """Answer the API; otherwise health and metrics only."""
    works: bool = True
    """Run the workers."""
    shared_port: bool = False
    """Several processes listen on the port and the kernel spreads the connections over them."""


class _Server(uvicorn.Server):
    """A server among several in one process: signals belong to the process, not to it."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop. ``CannotStart`` where uvicorn would leave the process."""
        try:
            await super().serve(sockets)
        except SystemExit as error:
            raise CannotStart("an application did not start; the log above says why") from error

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run_loop(program: Coroutine[Any, Any, None]) -> None:
    """Run a program to its end on the fastest event loop this machine has."""
    loop_factory = uvicorn.Config(app="", loop="auto", log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(program)


async def run(hosted: Sequence[Hosted], *, ready: Callable[[], None] = lambda: None) -> None:
    """Run everything until SIGINT or SIGTERM, then stop cleanly; a second signal cuts it short.

    ``ready`` is called once all listen. Raises ``CannotStart`` when a port is taken or an
    application does not start.
    """
    with until_signalled() as stop:
        async with hosting(hosted, stop):
            ready()
            await stop.wait()


@contextlib.asynccontextmanager
async def hosting(hosted: Sequence[Hosted], stop: asyncio.Event) -> AsyncIterator[None]:
    """Everything running inside the block; a server that dies by itself sets ``stop``."""
    async with contextlib.AsyncExitStack() as stack:
        sockets = [stack.enter_context(contextlib.closing(_listen(item))) for item in hosted]
        for item in hosted:
            await item.service.start()
            stack.push_async_callback(item.service.stop)
        workers = [
            asyncio.create_task(keep_running(item.service.name, worker))
            for item in hosted
            if item.works
            for worker in item.service.workers
        ]
        stack.push_async_callback(_cancel, workers)
        servers = [_server(item) for item in hosted]
        serving = [
            asyncio.create_task(server.serve(sockets=[listening]))
            for server, listening in zip(servers, sockets, strict=True)
        ]
        stack.push_async_callback(_drain, servers, serving)
        await _started(servers, serving)
        for task in serving:
            task.add_done_callback(lambda _task: stop.set())
        yield


async def keep_running(service: str, worker: Worker) -> None:
    """Run a worker for as long as the process lives: a fault is logged, and it begins anew.

    A database that restarts or a broker that is away is no reason to stop working for ever.
    """
    name = getattr(worker, "__qualname__", repr(worker))
    faults = 0
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await worker()
        except Exception:
            faults = 1 if loop.time() - began > _STEADY else faults + 1
            pause = _BACK_OFF[min(faults, len(_BACK_OFF)) - 1]
            log.exception("worker.failed", service=service, worker=name, again_in_s=pause)
            await asyncio.sleep(pause)
        else:
            return


def _listen(item: Hosted) -> socket.socket:
    """Bind before anything starts, so that a taken port is one clear sentence."""
    family = socket.AF_INET6 if ":" in item.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if item.shared_port:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((item.host, item.port))
    except OSError as error:
        listening.close()
        raise CannotStart(
            f"{item.service.name} cannot listen on {item.host}:{item.port} ({error.strerror}). "
            "Is another Dixian, or something else, running there?"
        ) from error
    listening.setblocking(False)
    return listening


def _server(item: Hosted) -> _Server:
    return _Server(
        uvicorn.Config(
            item.service.app if item.serves else only_health(item.service.app),
            log_config=None,
            access_log=False,
            server_header=False,
            # Who called is decided by the token; a forged X-Forwarded-For must not reach the log.
            proxy_headers=False,
            timeout_graceful_shutdown=_DRAIN,
        )
    )


def only_health(app: Any) -> Any:
    """The part of an application that a worker process shows: health and metrics."""

    async def limited(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith("/health/") or path == "/metrics":
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return limited


async def _started(servers: Sequence[_Server], serving: Sequence[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in serving:
            if task.done():
                await task
        await asyncio.sleep(0.01)


async def _drain(servers: Sequence[_Server], serving: Sequence[asyncio.Task[None]]) -> None:
    """Let requests under way finish; no new ones."""
    for server in servers:
        server.should_exit = True
    for outcome in await asyncio.gather(*serving, return_exceptions=True):
        if isinstance(outcome, BaseException):
            log.error("server.failed", exc_info=outcome)


async def _cancel(workers: Sequence[asyncio.Task[None]]) -> None:
    for task in workers:
        task.cancel()
    for outcome in await asyncio.gather(*workers, return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome
