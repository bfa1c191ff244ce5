"""The read models made anew from the events are the ones that were there."""

from typing import Any

from services.identification.handlers import AGGREGATES, SERVICE
from services.identification.read_models.tables import metadata
from services.identification.read_models.views import VIEWS
from shared.kernel.principal import system
from shared.store.database import Database
from shared.store.rebuild import rebuild
from shared.testing.casework import World, household
from shared.testing.databases import Urls
from tests.integration.identification.support import identified, register


async def contents(database: Database) -> dict[str, set[str]]:
    """Every row of every read model and clock, as text."""
    tables = [f"rm.{table.name}" for table in metadata.sorted_tables] + ["es.deadline"]
    async with database.reading() as tx:
        found: dict[str, set[str]] = {}
        for name in tables:
            rows: list[Any] = await tx.raw.fetch(f"select t::text as row from {name} t")
            found[name] = {row["row"] for row in rows}
    return found


async def test_a_rebuild_changes_nothing(world: World, urls: Urls) -> None:
    home, [head] = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await identified(world, case, head)
    other, _ = await register(world, **household())
    await world.opened(other, "2023-08-01")
    await world.day("2023-08-20")
    await world.application.tick(system(SERVICE))
    await world.post("county", "/detectors/run")
    before = await contents(world.database)
    await world.database.close()
    await rebuild(urls.owner, SERVICE, AGGREGATES, VIEWS)
    assert await contents(world.database) == before
    assert all(before[name] for name in ("rm.household_case", "rm.work_item", "es.deadline"))
