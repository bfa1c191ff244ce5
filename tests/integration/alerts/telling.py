"""A postman in a process of its own, to be killed: ``python -m`` this, a writer's URL, a folder."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from services.alerts.postman import Postman
from shared.bus.connection import connector
from shared.kernel.clock import ShiftedClock
from shared.store.database import Database
from shared.vault.settings import VaultSettings, open_vault
from shared.web.outbound import Guard, Outbound, OutboundSettings
from shared.web.settings import Mode


async def tell(url: str, keys: Path) -> None:
    """Tell hotlines how their orders go on, until killed."""
    vault, _ = open_vault(
        VaultSettings(master_key_file=keys / "master.json", index_key_file=keys / "index.json")
    )
    settings = OutboundSettings()
    await Postman(
        Database(url, clock=ShiftedClock(timedelta())),
        connector(url, server_settings={"search_path": "rm, public"}),
        vault,
        Outbound(Guard(Mode.DEMO, settings), settings),
    ).run()


if __name__ == "__main__":
    asyncio.run(tell(sys.argv[1], Path(sys.argv[2])))
