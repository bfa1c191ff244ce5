"""Where no policy is in force a lead waits, and goes on when the province has published (R28)."""

from collections.abc import AsyncIterator

import pytest

from services.identification.reactions import CURES
from shared.evidence.room import EvidenceRoom
from shared.kernel.refusal import Refusal
from shared.policy.divisions import Divisions
from shared.testing.casework import POLICY, World, household
from shared.testing.databases import Urls
from shared.testing.decider import rule
from tests.integration.identification.conftest import worked
from tests.integration.identification.support import register


@pytest.fixture
async def unpublished(urls: Urls, divisions: Divisions, room: EvidenceRoom) -> AsyncIterator[World]:
    async with worked(urls, divisions, room, published=False) as made:
        yield made


@rule("R28")
async def test_a_lead_before_the_first_policy_opens_its_case_once_there_is_one(
    unpublished: World,
) -> None:
    world = unpublished
    home, _ = await register(world, **household())
    before = await _cure(world)
    with pytest.raises(Refusal) as refused:
        await world.lead(home, "2023-08-01")
    assert (refused.value.rule, refused.value.code) == ("R28", "no-policy-in-force")
    await world.day("2023-08-03")
    await world.does("province", "/policy", policy=POLICY | {"effective_from": "2023-08-03"})
    assert await _cure(world) != before, "what is parked is tried again"
    await world.lead(home, "2023-08-01")
    shown = await world.get("county", f"/households/{home}")
    case = await world.get("county", f"/cases/{shown['cases'][0]['id']}")
    due = {item["kind"]: item["due_on"] for item in case["deadlines"]}
    assert due["identify"] == "2023-08-16", "the clocks run from the discovery all the same (R54)"
    assert case["policy"] == POLICY["version"]


async def _cure(world: World) -> object:
    async with world.database.reading() as tx:
        return await CURES["refused:R28"](tx)
