"""Households that move, split and merge under the leads about them."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.alerts.reactions import Reactions
from shared.contracts.identification import (
    HouseholdIndexed,
    HouseholdRegistered,
    HouseholdSplitOff,
    Member,
)
from shared.contracts.members import IndexToken
from shared.contracts.values import History, Labour, Risk
from shared.kernel.event import Event
from shared.kernel.ids import new_id
from shared.testing.decider import rule
from shared.vault.documents import parse_document
from tests.integration.alerts.conftest import TOWN, VILLAGE, Desk, document_number

OFFICER = f"officer:{TOWN}"
THERE = "370114001002"


def registered(household: UUID) -> HouseholdRegistered:
    return HouseholdRegistered(
        household_id=household,
        division=VILLAGE,
        residence=VILLAGE,
        history=History.ORDINARY,
        relocated=False,
        members=(Member(member_id=new_id(), labour=Labour.ORDINARY, hukou="RURAL"),),
    )


def index_of(
    desk: Desk, household: UUID, *numbers: str, division: str = VILLAGE
) -> HouseholdIndexed:
    tokens = tuple(
        IndexToken(member_id=new_id(), token=token.hex())
        for number in numbers
        for token in desk.tools.index.tokens(parse_document(number))
    )
    return HouseholdIndexed(household_id=household, division=division, key_id="1", tokens=tokens)


async def indexed(desk: Desk, household: UUID, *numbers: str, division: str = VILLAGE) -> None:
    await desk.hear(index_of(desk, household, *numbers, division=division), household)


async def declared(desk: Desk, number: str) -> str:
    body = {
        "source": "CADRE_SCREENING",
        "division": VILLAGE,
        "person": {"name": "赵六", "document_number": number},
        "risks": ["ACCIDENT"],
    }
    answer = await desk.done("/leads", body, OFFICER)
    return str(answer["id"])


async def test_a_lead_that_two_households_shared_is_the_one_s_that_keeps_the_number(
    desk: Desk,
) -> None:
    number = document_number()
    home, twin = await desk.household(number), await desk.household(number)
    lead = await declared(desk, number)
    assert await desk.events("LeadMatched") == []
    # The twin is merged into another household and gives its numbers up.
    await indexed(desk, twin)
    [matched] = await desk.events("LeadMatched")
    assert (matched["lead_id"], matched["household_id"]) == (lead, str(home))


@rule("R24")
async def test_the_next_lead_is_the_new_village_s(desk: Desk) -> None:
    number = document_number()
    home = await desk.household(number)
    await indexed(desk, home, number, division=THERE)
    await declared(desk, number)
    [reported] = await desk.events("RiskReported")
    assert (reported["household_id"], reported["division"]) == (str(home), THERE)


@rule("R42")
async def test_who_leaves_a_household_with_a_case_brings_a_lead_along(desk: Desk) -> None:
    await desk.app.database.move_clock(timedelta())
    away = new_id()
    split = HouseholdSplitOff(household_id=away, division=VILLAGE, from_household_id=new_id())
    await desk.hear(split, away)
    assert await desk.events("RiskReported") == []
    with_case = split.model_copy(update={"case_id": new_id(), "risks": (Risk.ILLNESS,)})
    for _ in range(2):
        await desk.hear(with_case, away)
    [reported] = await desk.events("RiskReported")
    assert (reported["household_id"], reported["source"]) == (str(away), "CADRE_SCREENING")
    assert reported["risks"] == ["ILLNESS"]


@pytest.mark.parametrize("at_once", [True, False])
@rule("R24", "R25")
async def test_a_file_of_households_is_known_at_once_as_one_by_one(
    desk: Desk, *, at_once: bool
) -> None:
    known, moved, twice, given_up = (document_number(n) for n in range(2, 6))
    leads = [await declared(desk, number) for number in (known, moved, twice, given_up)]
    homes = [new_id() for _ in range(4)]
    told: list[tuple[UUID, Event]] = []
    for home, number in zip(homes, (known, moved, twice, twice), strict=True):
        told += [(home, registered(home)), (home, index_of(desk, home, number))]
    # One moves, and one has its number put right, in the same breath.
    told.insert(4, (homes[1], index_of(desk, homes[1], moved, division=THERE)))
    told.append((homes[3], index_of(desk, homes[3], given_up)))
    await desk.hear_run(told, run=Reactions(desk.app).register() if at_once else None)
    matched = {item["lead_id"]: item["household_id"] for item in await desk.events("LeadMatched")}
    expected = [homes[0], homes[1], homes[2], homes[3]]
    assert matched == {lead: str(home) for lead, home in zip(leads, expected, strict=True)}
    async with desk.app.database.reading() as tx:
        places = await tx.raw.fetch("select household_id, division from matching.household")
        tokens = await tx.raw.fetch("select household_id, token from matching.token")
    assert dict(map(tuple, places)) == dict.fromkeys(homes, VILLAGE) | {homes[1]: THERE}
    assert sorted(map(tuple, tokens)) == sorted(
        (home, token)
        for home, number in zip(homes, (known, moved, twice, given_up), strict=True)
        for token in desk.tools.index.tokens(parse_document(number))
    )
