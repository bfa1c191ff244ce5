"""The demo's machines are let in: their keys, known to everybody, stored in demo mode alone."""

import asyncpg

from dixian.people import MACHINES
from shared.web.machine_keys import store


async def let_in(owner_url: str) -> None:
    """Store the demo's keys in the alerts database; storing them again changes nothing."""
    connection = await asyncpg.connect(owner_url)
    try:
        for machine in MACHINES:
            await store(connection, machine.key)
    finally:
        await connection.close()
