"""Work that is done once each calendar day."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

from shared.store.application import Application

_LOOK_EVERY = 60.0
"""Seconds between two looks at the calendar."""


async def daily(application: Application, work: Callable[[Application], Awaitable[object]]) -> None:
    """Do ``work`` once each calendar day of the service's clock, until cancelled.

    After a restart it is done once more: the work must be harmless when repeated.
    """
    done: date | None = None
    while True:
        today = (await application.database.clock()).today()
        if today != done:
            await work(application)
            done = today
        await asyncio.sleep(_LOOK_EVERY)
