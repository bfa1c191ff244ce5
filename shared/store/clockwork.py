"""The worker that lets clocks speak: every stream with a clock due is asked, each by itself."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog

from shared.kernel.principal import Principal
from shared.store import idempotency
from shared.store.application import Application

_log = structlog.get_logger("dixian.clockwork")
_REMEMBER_ANSWERS = timedelta(days=30)
_LONGEST_REST = 900.0
_AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
"""What a database that stops, starts or cannot be reached answers with."""


@dataclass
class _Rest:
    """A stream that failed, or had nothing to say though due, is left alone for a while."""

    times: int
    until: float


class Clockwork:
    """One service's clock worker. Several may run: a clock speaks once all the same.

    ``failed`` is told of each stream that could not be asked; it is asked again later.
    """

    def __init__(
        self,
        application: Application,
        principal: Principal,
        *,
        failed: Callable[[Exception], None] = lambda _error: None,
        page: int = 200,
        rest: float = 5.0,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._application, self._principal = application, principal
        self._failed = failed
        self._page, self._rest = page, rest
        self._monotonic = monotonic or (lambda: asyncio.get_running_loop().time())
        self._resting: dict[UUID, _Rest] = {}
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """Look at once: the calendar was moved."""
        self._resting.clear()
        self._poked.set()

    async def run(self, stop: asyncio.Event, interval: float = 5.0) -> None:
        """Ask what is due, every ``interval`` seconds, until ``stop``; through every outage."""
        while not stop.is_set():
            try:
                while await self.round() and not stop.is_set():
                    pass
                await self._forget_old_answers()
            except _AWAY as error:
                _log.warning("clockwork.database-away", error=repr(error))
            except Exception:
                _log.exception("clockwork.fault")
            await self._pause(stop, interval)

    async def round(self) -> int:
        """Ask every stream that is due, once each. Returns how many had something to say."""
        asked: set[UUID] = set()
        spoke = 0
        while due := await self._application.due(self._page, besides=asked | self._left_alone()):
            for category, stream_id in due:
                asked.add(stream_id)
                spoke += await self._ask(category, stream_id)
        return spoke

    async def _ask(self, category: str, stream_id: UUID) -> bool:
        try:
            spoke = await self._application.tick_stream(category, stream_id, self._principal)
        except Exception as error:  # one stream's fault is no other's: it is told, and comes later
            rest = self._put_to_rest(stream_id)
            self._failed(error)
            _log.exception(
                "clockwork.stream-failed",
                service=self._application.service,
                category=category,
                stream_id=str(stream_id),
                times=rest.times,
            )
            return False
        if spoke:
            self._resting.pop(stream_id, None)
        else:
            self._put_to_rest(stream_id)
        return spoke

    def _put_to_rest(self, stream_id: UUID) -> _Rest:
        times = self._resting[stream_id].times + 1 if stream_id in self._resting else 1
        length = min(self._rest * 2 ** (times - 1), _LONGEST_REST)
        self._resting[stream_id] = _Rest(times, self._monotonic() + length)
        return self._resting[stream_id]

    def _left_alone(self) -> set[UUID]:
        now = self._monotonic()
        return {stream_id for stream_id, rest in self._resting.items() if rest.until > now}

    async def _forget_old_answers(self) -> None:
        async with self._application.database.reading() as tx:
            await idempotency.forget(tx.raw, _REMEMBER_ANSWERS)

    async def _pause(self, stop: asyncio.Event, interval: float) -> None:
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._poked.wait())]
        try:
            await asyncio.wait(waits, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            for task in waits:
                with suppress(asyncio.CancelledError):
                    await task
        self._poked.clear()


async def run(
    application: Application, principal: Principal, stop: asyncio.Event, interval: float = 5.0
) -> None:
    """Run a clock worker until ``stop``."""
    await Clockwork(application, principal).run(stop, interval)
