"""Who may approve, what departments do together, and what those above see of late and missed."""

from typing import Any

from services.identification.domain.clocks import ESCALATES_TO
from shared.kernel.principal import system
from shared.testing.casework import PEOPLE, PHOTO, World, household
from shared.testing.decider import rule
from tests.integration.identification.support import (
    NOTICE,
    authorized,
    compared,
    findings,
    income,
    meeting,
    named,
    register,
)

GRANT = {
    "holder": "person:county",
    "document": "章农委授〔2023〕1号",
    "valid_from": "2023-08-01",
    "valid_until": "2023-08-12",
}
BY_DELEGATION = {
    "category": "MARGINAL_AT_RISK",
    "authority": "DELEGATION",
    "document": GRANT["document"],
    "valid_from": GRANT["valid_from"],
    "valid_until": GRANT["valid_until"],
}


async def publicized(world: World, on: str = "2023-08-12") -> str:
    """A case whose publicity is over on ``on``."""
    home, people = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    await authorized(world, case, people[0])
    hard = {"hardship": True, "risks": ["ILLNESS"], "coping": {"can_cope": False}}
    found = findings(people[0], incomes=[income("WAGE", 5_000)], **hard)
    await world.does("village", f"/cases/{case}/verification", **found)
    await compared(world, case)
    act = meeting("IDENTIFY", "MARGINAL_AT_RISK")
    await world.does("village", f"/cases/{case}/deliberation", **act)
    await world.does("town", f"/cases/{case}/town-review", passed=True)
    await world.day("2023-08-06")
    await world.does("village", f"/cases/{case}/notice", **NOTICE)
    await world.day(on)
    await world.does("village", f"/cases/{case}/notice/close")
    return case


@rule("R53")
async def test_a_delegation_that_nobody_granted_approves_nothing(world: World) -> None:
    case = await publicized(world)
    await world.refused("county", f"/cases/{case}/approval", "R53", "forbidden", **BY_DELEGATION)
    shown = await world.get("county", f"/cases/{case}")
    assert shown["status"] == "OPEN"


@rule("R53")
async def test_a_delegation_holds_to_its_last_day_for_its_holder_alone(world: World) -> None:
    to_itself = {**GRANT, "holder": "person:committee"}
    await world.refused("committee", "/delegations", "R53", "forbidden", **to_itself)
    refused = await world.post("county", "/delegations", GRANT)
    assert refused.status_code == 403
    yesterday = {**GRANT, "valid_from": "2023-07-31"}
    await world.refused("committee", "/delegations", "R53", "delegation-period", **yesterday)
    granted = (await world.does("committee", "/delegations", **GRANT))["id"]
    case = await publicized(world)
    receipt = await world.does("county", f"/cases/{case}/approval", **BY_DELEGATION)
    approved = receipt["events"][0]["data"]
    assert (approved["approved_by"], approved["delegation_id"]) == ("person:county", granted)
    [listed] = (await world.get("county", "/delegations"))["items"]
    assert (listed["holder"], listed["valid_until"]) == ("person:county", "2023-08-12")


@rule("R53")
async def test_a_delegation_that_ran_out_or_was_taken_back_holds_no_more(world: World) -> None:
    granted = (await world.does("committee", "/delegations", **GRANT))["id"]
    case = await publicized(world, on="2023-08-13")
    await world.refused(
        "county", f"/cases/{case}/approval", "R53", "authority-not-valid", **BY_DELEGATION
    )
    away = {"note": "人员调整"}
    await world.refused(
        "committee",
        f"/delegations/{granted}/revocation",
        "K6",
        "reaches-back",
        **away,
        occurred_on="2023-08-12",
    )
    await world.does("committee", f"/delegations/{granted}/revocation", **away)
    await world.refused(
        "committee", f"/delegations/{granted}/revocation", "R53", "already-done", **away
    )
    longer = {**GRANT, "valid_from": "2023-08-13", "valid_until": "2023-08-31"}
    again = (await world.does("committee", "/delegations", **longer))["id"]
    await world.does("committee", f"/delegations/{again}/revocation", **away)
    asked = {**BY_DELEGATION, "valid_until": "2023-08-31"}
    await world.refused("county", f"/cases/{case}/approval", "R53", "forbidden", **asked)


MEETING = {
    "organisations": ["EXECUTIVE", "CIVIL_AFFAIRS", "MEDICAL_INSURANCE"],
    "subjects": ["DATA_SHARING", "ALERTS"],
    "minutes": "研判本月新增低保对象12户",
    "evidence": [PHOTO],
}


@rule("R6", "R45")
async def test_a_joint_meeting_is_recorded_with_its_minutes_in_the_vault(world: World) -> None:
    receipt = await world.does("county", "/joint-meetings", **MEETING)
    event = receipt["events"][0]
    assert event["type"] == "JointMeetingHeld"
    assert "minutes" not in event["data"]
    assert event["data"]["minutes_id"]
    alone = {**MEETING, "organisations": ["EXECUTIVE"]}
    assert (await world.post("county", "/joint-meetings", alone)).status_code == 422
    twice = {**MEETING, "organisations": ["EXECUTIVE", "EXECUTIVE"]}
    await world.refused("county", "/joint-meetings", "R45", "organisation-twice", **twice)
    assert (await world.post("town", "/joint-meetings", MEETING)).status_code == 403
    [listed] = (await world.get("city", "/coordination"))["items"]
    assert (listed["kind"], listed["division"]) == ("JointMeetingHeld", "370114")
    assert listed["data"]["organisations"] == MEETING["organisations"]


@rule("R13", "R47")
async def test_a_merging_of_policies_is_recorded_and_decides_nothing(world: World) -> None:
    merging = {
        "document": "章政发〔2023〕9号",
        "benefits": ["RURAL_DIBAO"],
        "effective_from": "2023-09-01",
        "note": "低保对象与监测对象共享产业奖补",
    }
    await world.does("county", "/policy-mergings", **merging)
    [listed] = (await world.get("county", "/coordination"))["items"]
    assert (listed["kind"], listed["data"]["document"]) == (
        "PolicyMergingRecorded",
        merging["document"],
    )
    assert (await world.get("county", "/cases", waiting=True))["items"] == []


@rule("R54", "R55", "K5", "K6")
async def test_what_is_missed_late_or_entered_late_is_seen_level_by_level(world: World) -> None:
    home, people = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    await world.day("2023-08-05")
    await world.application.tick(system("identification"))

    async def seen(who: str, **query: Any) -> list[dict[str, Any]]:
        rows = (await world.get(who, "/oversight/lapses", **query))["items"]
        assert [row["case_id"] for row in rows] in ([], [case])
        return [item for row in rows for item in row["lapses"]]

    [missed] = await seen("county", mine=True)
    assert (missed["kind"], missed["about"], missed["told_to"]) == ("MISSED", "verify", "370114")
    assert await seen("city", mine=True) == []
    await world.day("2023-08-09")
    await world.application.tick(system("identification"))
    assert [item["about"] for item in await seen("city", mine=True)] == ["verify"]
    await world.day("2023-08-14")
    await world.application.tick(system("identification"))
    assert [item["about"] for item in await seen("province", mine=True)] == ["verify"]
    late = findings(people[0], late_reason="HOUSEHOLD_ABSENT", occurred_on="2023-08-10")
    await world.does("village", f"/cases/{case}/verification", **late)
    found = [
        (item["kind"], item["about"], item.get("reason"), item.get("entered_on"))
        for item in await seen("city")
    ]
    assert found == [
        ("LATE", "Verified", "HOUSEHOLD_ABSENT", None),
        ("BACK_DATED", "Verified", None, "2023-08-14"),
        ("WARNED", "identify", None, None),
    ]
    assert [item["kind"] for item in await seen("county", kind="LATE")] == ["LATE"]
    history = (await world.get("county", f"/cases/{case}"))["history"]
    assert [item["type"] for item in history if item["back_dated"]] == ["Verified"]
    village = await world.client.get("/oversight/lapses", headers=PEOPLE["village"])
    assert village.status_code == 403
    assert set(ESCALATES_TO) >= {"verify", "identify"}
