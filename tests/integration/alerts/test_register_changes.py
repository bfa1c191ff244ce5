"""Households that move, split and merge under the leads about them."""

from datetime import timedelta
from uuid import UUID

from shared.contracts.identification import HouseholdIndexed, HouseholdSplitOff
from shared.contracts.members import IndexToken
from shared.contracts.values import Risk
from shared.kernel.ids import new_id
from shared.testing.decider import rule
from shared.vault.documents import parse_document
from tests.integration.alerts.conftest import TOWN, VILLAGE, Desk, document_number

OFFICER = f"officer:{TOWN}"
THERE = "370114001002"


async def indexed(desk: Desk, household: UUID, *numbers: str, division: str = VILLAGE) -> None:
    tokens = tuple(
        IndexToken(member_id=new_id(), token=token.hex())
        for number in numbers
        for token in desk.tools.index.tokens(parse_document(number))
    )
    event = HouseholdIndexed(household_id=household, division=division, key_id="1", tokens=tokens)
    await desk.hear(event, household)


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
