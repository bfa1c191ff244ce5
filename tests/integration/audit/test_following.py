"""Saved searches are their owner's or their role's; a stream tells each entry once, in order."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import orjson
import pytest

from services.audit.http.following import follow
from services.audit.http.service import Audit
from services.audit.log.append import LogWriter
from services.audit.read_models import access, searches
from services.audit.read_models.access import Reading
from services.audit.read_models.searches import NameTaken
from services.audit.read_models.trail import Filter, Place
from shared.kernel.clock import SystemClock
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import NotFound
from shared.store.database import Database
from tests.integration.audit.support import Stopped, append, entry, history, identified

PROVINCE = Principal("p", frozenset({Role.INSPECTOR}), "37")
COUNTY = Principal("c", frozenset({Role.INSPECTOR}), "370102")
OFFICER = Principal("o", frozenset({Role.OFFICER}), "370102")
ELSEWHERE = Principal("e", frozenset({Role.INSPECTOR}), "36")


async def names(database: Database, asker: Principal) -> list[str]:
    async with database.reading() as tx:
        return [row["name"] for row in await searches.visible(tx.raw, asker)]


async def test_searches_are_shared_by_role_and_downwards(
    database: Database, clock: Stopped
) -> None:
    asked = Filter(type="Approved", actor="p-1")
    async with database.reading() as tx:
        mine = await searches.save(
            tx.raw, PROVINCE, "mine", asked, shared_with=None, now=clock.now()
        )
        for owner, name in ((PROVINCE, "ours"), (COUNTY, "theirs")):
            await searches.save(
                tx.raw, owner, name, Filter(), shared_with=Role.INSPECTOR, now=clock.now()
            )
        with pytest.raises(NameTaken):
            await searches.save(tx.raw, PROVINCE, "mine", asked, shared_with=None, now=clock.now())
    assert await names(database, PROVINCE) == ["mine", "ours"]
    assert await names(database, COUNTY) == ["ours", "theirs"]
    assert await names(database, OFFICER) == []
    assert await names(database, ELSEWHERE) == []
    async with database.reading() as tx:
        [first, _] = await searches.visible(tx.raw, PROVINCE)
        assert Filter.model_validate(first["query"]) == asked
        for owner, search in ((COUNTY, mine), (PROVINCE, uuid4())):
            with pytest.raises(NotFound):
                await searches.forget(tx.raw, owner, search)
        await searches.forget(tx.raw, PROVINCE, mine)
    assert await names(database, PROVINCE) == ["ours"]


async def taken(events: AsyncIterator[bytes], count: int) -> list[bytes]:
    """The next entries; comments that keep the line open are left out."""
    found: list[bytes] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            line = await anext(events)
            found += [] if line.startswith(b":") else [line]
    return found


async def test_a_stream_goes_on_where_it_was(
    database: Database, writer: LogWriter, clock: Stopped
) -> None:
    await append(database, writer, history(3, 2))
    audit = Audit(database, None, None, None, None, SystemClock())  # type: ignore[arg-type]
    reading = Reading(COUNTY, "GET /stream", {}, "request")
    events = follow(audit, reading, Filter(actor="p-1"), Place(0, 0), rest=0.01)
    first = await taken(events, 2)
    assert [line.split(b"\n")[0] for line in first] == [b"id: 1.1", b"id: 1.4"]
    data = first[0].split(b"data: ")[1]
    assert orjson.loads(data)["event_id"] == str(entry(1, 1).event_id)
    waiting = asyncio.create_task(taken(events, 1))
    await append(database, writer, [entry(1, 3), entry(2, 3)])
    assert await waiting == await again(audit, reading)
    async with database.reading() as tx:
        seen = await access.of_household(tx, identified("household", 1), after=None, limit=9)
    assert [item["route"] for item in seen] == ["GET /stream"] * 3


async def again(audit: Audit, reading: Reading) -> list[bytes]:
    """The same entry, asked for after the one before it."""
    return await taken(follow(audit, reading, Filter(actor="p-1"), Place(1, 4), rest=0.01), 1)
