"""``dixian republish``: after the bus was lost, everything is published again, seen once."""

import asyncpg
from rich.console import Console

from dixian.errors import CannotStart
from dixian.provision import SERVICES
from dixian.settings import DatabaseSettings
from shared.bus.connection import closed, connector
from shared.bus.republish import RelayRuns, begin_anew


async def republish(console: Console) -> None:
    """Set every service's relay and consumers back to the beginning.

    Needs each service's ``DIXIAN_…_DATABASE_URL``. Raises ``CannotStart`` while a worker runs.
    """
    settings = DatabaseSettings()
    for service in SERVICES:
        try:
            connection = await connector(settings.writer(service))()
        except (OSError, asyncpg.PostgresError) as error:
            raise CannotStart(f"The database of {service} does not answer: {error}") from error
        try:
            events = await begin_anew(connection)
        except RelayRuns:
            raise CannotStart(
                f"A worker of {service} is running. Stop every worker first: one that runs goes on "
                "from where it is."
            ) from None
        finally:
            await closed(connection)
        console.print(f"{service}: {events:,} events will be published again")
