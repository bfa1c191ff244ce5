"""A worker in a process of its own, to be killed: ``python -m`` this, a writer's URL, a folder."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from services.alerts.feed_work import FeedWorker, Sizes
from services.alerts.handlers import Tools, application
from shared.kernel.clock import ShiftedClock
from shared.policy.divisions import Divisions
from shared.store.database import Database
from shared.vault.settings import VaultSettings, open_vault


async def compare(url: str, keys: Path) -> None:
    """Compare the next file, a hundred rows a block."""
    vault, index = open_vault(
        VaultSettings(master_key_file=keys / "master.json", index_key_file=keys / "index.json")
    )
    database = Database(url, clock=ShiftedClock(timedelta()))
    tools = Tools(vault, index, Divisions.load())
    worker = FeedWorker(application(database, tools), tools, sizes=Sizes(100, 100))
    await worker.once()
    worker.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(compare(sys.argv[1], Path(sys.argv[2])))
