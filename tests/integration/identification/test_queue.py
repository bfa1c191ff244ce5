"""The queue: what is whose to do, how it is done, what of it is asked; and how it is read."""

import json
from datetime import date
from typing import Any, TypeAlias

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from services.identification.read_models.queue import QueueFilter, QueueKey, queue_query
from shared.contracts.values import LeadSource, Risk
from shared.kernel.division import Level
from shared.kernel.ids import new_id
from shared.testing.casework import COUNTY, PEOPLE, TOWN, VILLAGE, World, household
from shared.testing.databases import Urls
from shared.testing.decider import rule
from tests.integration.identification.support import named, register

Connection: TypeAlias = "asyncpg.Connection[Any]"
TODAY = date(2023, 8, 1)


async def steps(world: World, who: str, **asked: Any) -> list[tuple[str, str]]:
    rows = (await world.get(who, "/cases", **asked))["items"]
    return [(row["case_id"], row["step"]) for row in rows]


@rule("R5", "R55")
async def test_a_row_says_how_it_is_done_and_what_it_needs(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    [row] = (await world.get("town", "/cases"))["items"]
    assert (row["step"], row["label"], row["rule"]) == ("officers", "明确专人", "R5")
    assert row["act"] == "POST /cases/{case_id}/officers"
    assert row["needs"] == ["village_officer", "town_officer"]
    await named(world, case)
    await world.day("2023-08-06")
    rows = {row["step"]: row for row in (await world.get("village", "/cases"))["items"]}
    verification = rows["verification"]
    assert (verification["overdue"], verification["days_late"]) == (True, 2)
    assert verification["needs"] == [
        *("form_version", "signer_id", "late_reason"),
        *("incomes", "expenses", "gaps", "watch", "coping"),
    ]
    assert verification["officers"] == ["person:town", "person:village"]
    assert rows["authorization"]["needs"] == ["signer_id", "scope", "evidence"]


@rule("R1", "R113")
async def test_the_queue_is_asked_for_by_place_channel_officer_and_clock(world: World) -> None:
    first, _ = await register(world, **household())
    second, _ = await register(world, **household())
    early = await world.opened(first, "2023-07-20", source=LeadSource.HOTLINE)
    late = await world.opened(
        second, "2023-08-01", source=LeadSource.DEPARTMENT_ALERT, risks=(Risk.ACCIDENT,)
    )
    both = [(early, "officers"), (late, "officers")]
    assert await steps(world, "town") == both
    assert await steps(world, "city", division=VILLAGE) == both
    assert await steps(world, "town", source="HOTLINE") == [(early, "officers")]
    assert await steps(world, "town", overdue=True) == [(early, "officers")], (
        "the visit waits for it"
    )
    assert await steps(world, "town", due_by="2023-08-03") == [(early, "officers")]
    assert await steps(world, "town", household_id=second) == [(late, "officers")]
    assert await steps(world, "town", green_channel=True) == []
    assert await steps(world, "town", priority=1) == []
    assert await steps(world, "town", step="approval") == []
    assert await steps(world, "village", named=True) == []
    await named(world, early)
    assert {case for case, _ in await steps(world, "village", named=True)} == {early}
    outside = await world.client.get(
        "/cases", params={"division": "371721"}, headers=PEOPLE["county"]
    )
    assert (outside.status_code, outside.json()["rule"]) == (403, "R1")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"step": "dancing"}, "step"),
        ({"level": "MOON"}, "level"),
        ({"priority": 9}, "priority"),
        ({"due_by": "tomorrow"}, "due_by"),
        ({"division": "abc"}, "division"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_its_field(
    world: World, asked: dict[str, Any], field: str
) -> None:
    answer = await world.client.get("/cases", params=asked, headers=PEOPLE["county"])
    assert (answer.status_code, answer.json()["field"]) == (422, field)


# -- how it is read ---------------------------------------------------------------------------

_SEED = """
insert into rm.work_item
    (stream_id, step, level, household_id, division, county, priority, ready_on, due_on, clock,
     source, green_channel, officers)
select gen_random_uuid(), 'approval', 3, gen_random_uuid(),
       '370114' || (100 + i % 20)::text || (200 + i / 20 % 25)::text, '370114', 1 + i % 3,
       date '2023-07-01', date '2023-08-01' + (i % 30)::int, '', 'HOTLINE', false, '{}'
  from generate_series(1, 10000) i
"""


async def test_a_page_is_read_from_an_index_and_never_sorted(urls: Urls) -> None:
    connection = await asyncpg.connect(urls.owner)
    await connection.execute(_SEED)
    await connection.execute(_SEED.replace("370114", "371721"))
    await connection.execute("analyze rm.work_item")
    for division, level, index in (
        (COUNTY, Level.COUNTY, "work_item_queue"),
        (TOWN, Level.TOWN, "work_item_queue"),
        (VILLAGE, None, "work_item_village"),
        ("3701", None, "work_item_order"),
        ("CN", None, "work_item_order"),
    ):
        for after in (None, QueueKey(2, TODAY, new_id(), "approval", 3)):
            wanted = QueueFilter(level=level)
            query = queue_query(division, wanted, today=TODAY, after=after, limit=51)
            nodes = await plan(connection, query)
            kinds = {node["Node Type"] for node in nodes}
            assert kinds.isdisjoint({"Seq Scan", "Sort", "Bitmap Heap Scan"}), (division, kinds)
            assert {node["Index Name"] for node in nodes if "Index Name" in node} == {index}
    await connection.close()


async def plan(connection: Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    """Every node of the plan."""
    text = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    await connection.execute("set search_path = rm")
    found = json.loads(await connection.fetchval(f"explain (format json) {text}"))
    nodes, waiting = [], [found[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting += node.get("Plans", [])
    return nodes
