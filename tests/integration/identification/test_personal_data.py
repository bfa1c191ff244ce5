"""A household's personal data as a whole: indexed by a new key, and destroyed for good."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.identification.indexing import reindex
from shared.contracts.audit import (
    CorrectionAuthorized,
    CorrectionKind,
    CorrectionReason,
    Target,
)
from shared.kernel.refusal import Refusal
from shared.testing.casework import World, document, household, person
from shared.testing.decider import rule
from shared.vault.blind_index import BlindIndex
from shared.vault.keyring import KeyRing
from tests.integration.identification.support import register


async def tokens(world: World) -> dict[str, set[str]]:
    """The versions that each household's tokens are by."""
    async with world.database.reading() as tx:
        rows = await tx.raw.fetch("select stream_id, left(token, 2) as v from rm.household_token")
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(str(row["stream_id"]), set()).add(row["v"])
    return found


async def recorded(world: World, type_: str) -> int:
    async with world.database.reading() as tx:
        return int(await tx.raw.fetchval("select count(*) from es.event where type = $1", type_))


async def test_everybody_is_indexed_by_a_new_key_and_nobody_is_missed_meanwhile(
    world: World, index: BlindIndex, index_keys: Path
) -> None:
    known = document()
    first, _ = await register(world, **household(person(document_number=known), person("CHILD")))
    second, _ = await register(world, **household())
    ring = KeyRing.load(index_keys).rotated(index_keys)
    assert await tokens(world) == {first: {"01"}, second: {"01"}}

    # Before a household is reached, and after: a number that is taken is taken.
    again = household(person(document_number=known))
    await world.refused("village", "/households", "R25", "document-registered", **again)
    third, _ = await register(world, **household())
    assert (await tokens(world))[third] == {"01", "02"}
    assert [await reindex(world.application, index, limit=1) for _ in range(3)] == [1, 1, 0]
    assert await tokens(world) == {home: {"01", "02"} for home in (first, second, third)}
    await world.refused("village", "/households", "R25", "document-registered", **again)

    ring.without(index_keys, "1")
    await world.refused("village", "/households", "R25", "document-registered", **again)
    fourth, _ = await register(world, **household())
    assert (await tokens(world))[fourth] == {"02"}
    assert await reindex(world.application, index) == 0
    assert await recorded(world, "HouseholdIndexed") == 6


async def test_who_stays_is_indexed_anew_though_somebody_came_under_the_new_key(
    world: World, index: BlindIndex, index_keys: Path
) -> None:
    home, [head] = await register(world, **household())
    KeyRing.load(index_keys).rotated(index_keys)
    await world.does("village", f"/households/{home}/revision", added=[person("CHILD")])
    assert await reindex(world.application, index) == 1
    async with world.database.reading() as tx:
        rows = await tx.raw.fetch(
            "select left(token, 2) as v from rm.household_token where member_id = $1", UUID(head)
        )
    assert {row["v"] for row in rows} == {"01", "02"}


async def erased(world: World, home: str, version: int) -> None:
    """An erasure of this household has passed every gate."""
    event = CorrectionAuthorized(
        correction_id=uuid4(),
        city="3701",
        kind=CorrectionKind.ERASURE,
        targets=(Target(service="identification", stream_id=UUID(home), version=version),),
        reason=CorrectionReason.RETENTION_ENDED,
        filing="国乡振函〔2023〕1号",
        content_sha256="0" * 64,
    )
    await world.hears(event, key=event.correction_id, on="2023-08-01")


def look(member: str) -> dict[str, Any]:
    return {"purpose": "VERIFICATION", "records": [member], "fields": ["name"]}


@rule("R107", "R108", "R109")
async def test_a_household_s_people_are_unreadable_once_the_gates_say_so(world: World) -> None:
    number = document()
    home, [head] = await register(world, **household(person(document_number=number)))
    other, _ = await register(world, **household())
    assert (await world.post("village", f"/households/{home}/reveal", look(head))).is_success
    await erased(world, home, version=2)

    shown = await world.get("village", f"/households/{home}")
    assert (shown["home"], shown["members"][0]["person"]) == (None, None)
    assert shown["version"] == 4
    answer = await world.post("village", f"/households/{home}/reveal", look(head))
    assert (answer.status_code, answer.json()["code"]) == (410, "personal-data-destroyed")
    path = f"/households/{home}/revision"
    await world.refused("village", path, "R109", "personal-data-erased", added=[person("CHILD")])
    assert set(await tokens(world)) == {other}
    # Nobody is matched with them any more: whoever comes again is registered anew.
    await register(world, **household(person(document_number=number)))
    await erased(world, home, version=2)
    assert await recorded(world, "PersonalDataErased") == 1


@rule("R107", "R109")
async def test_nothing_is_destroyed_of_a_household_that_moved_or_is_helped(world: World) -> None:
    home, [head] = await register(world, **household())
    await erased(world, home, version=1)
    await world.opened(home, "2023-08-01")
    with pytest.raises(Refusal) as refused:
        await erased(world, home, version=2)
    assert refused.value.code == "active-case"
    assert (await world.post("village", f"/households/{home}/reveal", look(head))).is_success
