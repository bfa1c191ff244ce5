"""Attempts to get round the rules over HTTP: each refused by its rule, the case as it was."""

import asyncio
from typing import Any

from shared.contracts.values import Risk
from shared.kernel.principal import Role
from shared.testing.access import acting
from shared.testing.casework import COUNTY, PEOPLE, PHOTO, TOWN, VILLAGE, World, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import (
    COMMITTEE,
    NOTICE,
    authorized,
    compared,
    findings,
    identified,
    income,
    meeting,
    named,
    register,
)

HARD: dict[str, Any] = {
    "hardship": True,
    "risks": ["ILLNESS"],
    "coping": {"can_cope": False},
}


def policy(version: str, on: str, **parameters: Any) -> dict[str, Any]:
    division = version.partition("/")[0]
    return {
        "version": version,
        "document": "鲁农发〔2023〕2号",
        "division": division,
        "effective_from": on,
        "parameters": {
            "monitoring_line": {"2023": 800_000},
            "former_poverty_standard": 400_000,
            **parameters,
        },
    }


async def opened(world: World, on: str = "2023-08-01") -> tuple[str, str]:
    """A case with its officers named, and the household's head."""
    home, people = await register(world, **household())
    case = await world.opened(home, on)
    await named(world, case)
    return case, people[0]


async def reviewed(world: World, case: str, head: str, yuan: int = 5_000) -> None:
    """From the authorisation to the town's review, on the day it is."""
    await authorized(world, case, head)
    found = findings(head, incomes=[income("WAGE", yuan)], **HARD)
    await world.does("village", f"/cases/{case}/verification", **found)
    await compared(world, case)
    act = meeting("IDENTIFY", "MARGINAL_AT_RISK")
    await world.does("village", f"/cases/{case}/deliberation", **act)
    await world.does("town", f"/cases/{case}/town-review", passed=True)


@rule("K7", "R119", "R28", "R29", "R120")
async def test_a_case_keeps_the_version_it_began_with_and_a_new_one_takes_the_new(
    world: World,
) -> None:
    case, head = await opened(world)
    later = policy("37/2023-2", "2023-08-10", monitoring_line={"2023": 900_000}, identify="12d")
    await world.does("province", "/policy", policy=later)
    assert (await world.get("county", "/policy", division=VILLAGE))["version"] == "37/2023-1"
    looser = policy("3701/2023-1", "2023-08-10")
    await world.refused("city", "/policy", "R29", "city-only-tightens", policy=looser)
    await world.day("2023-08-10")
    assert (await world.get("county", "/policy", division=VILLAGE))["version"] == "37/2023-2"
    calm = findings(head, incomes=[income("WAGE", 8_500)], late_reason="HOUSEHOLD_ABSENT")
    await world.does("village", f"/cases/{case}/verification", **calm)
    shown = await world.get("county", f"/cases/{case}")
    assert (shown["policy"], shown["advice"]["line"]) == ("37/2023-1", 800_000)
    assert [item["due_on"] for item in shown["deadlines"]] == ["2023-08-16"]
    other, head = await opened(world, on="2023-08-10")
    found = findings(head, incomes=[income("WAGE", 8_500)])
    await world.does("village", f"/cases/{other}/verification", **found)
    shown = await world.get("county", f"/cases/{other}")
    assert (shown["policy"], shown["advice"]["line"]) == ("37/2023-2", 900_000)
    assert [item["due_on"] for item in shown["deadlines"]] == ["2023-08-22"]


@rule("R29", "R120", "R56")
async def test_a_citys_version_binds_until_the_province_overtakes_it(world: World) -> None:
    own = policy("3701/2023-1", "2023-08-01", publicity="7d")
    await world.does("city", "/policy", policy=own)
    case, head = await opened(world)
    await reviewed(world, case, head)
    posted = await world.does("village", f"/cases/{case}/notice", **NOTICE)
    assert posted["events"][0]["data"]["last_day"] == "2023-08-08"
    await world.day("2023-08-08")
    close = f"/cases/{case}/notice/close"
    await world.refused("village", close, "R56", "publicity-not-complete")
    higher = policy("37/2023-2", "2023-08-09", monitoring_line={"2023": 850_000})
    await world.does("province", "/policy", policy=higher)
    await world.day("2023-08-09")
    in_force = await world.get("county", "/policy", division=VILLAGE)
    assert in_force["version"] == "37/2023-2"


@rule("R5", "R53", "R66", "R60")
async def test_who_may_not_and_what_is_changed_afterwards(world: World) -> None:
    case, head = await opened(world)
    alone = {"village_officer": "person:village", "town_officer": "person:village"}
    await world.refused("town", f"/cases/{case}/officers", "R5", "one-officer-twice", **alone)
    await reviewed(world, case, head)
    await world.does("village", f"/cases/{case}/notice", **NOTICE)
    # Objected to on the last day, upheld, found otherwise: everything from the home on is done
    # again, and hangs for five whole days again.
    await world.day("2023-08-06")
    raised = await world.does("village", f"/cases/{case}/objections", objection="收入不实")
    objection = raised["events"][0]["data"]["objection_id"]
    upheld = {"objection_id": objection, "upheld": True, "answer": "属实,重新核实"}
    await world.does("town", f"/cases/{case}/objections/answer", **upheld)
    await world.refused("village", f"/cases/{case}/notice/close", "R51", "out-of-order")
    again = findings(head, incomes=[income("WAGE", 7_900)], occurred_on="2023-08-06", **HARD)
    await world.does("village", f"/cases/{case}/verification", **again)
    act = meeting("IDENTIFY", "MARGINAL_AT_RISK")
    await world.does("village", f"/cases/{case}/deliberation", **act)
    await world.does("town", f"/cases/{case}/town-review", passed=True)
    anew = await world.does("village", f"/cases/{case}/notice", **{**NOTICE, "number": "公示2"})
    assert anew["events"][0]["data"]["last_day"] == "2023-08-11"
    approval = {"category": "MARGINAL_AT_RISK", **COMMITTEE}
    await world.day("2023-08-11")
    await world.refused(
        "committee", f"/cases/{case}/approval", "R56", "publicity-not-complete", **approval
    )
    await world.day("2023-08-12")
    await world.does("village", f"/cases/{case}/notice/close")
    # The town's officer is replaced, and comes back as the committee.
    other = {"village_officer": "person:village", "town_officer": "person:next"}
    successor = acting(Role.OFFICER, TOWN, "next")
    await world.client.post("/officers/me", json={}, headers=successor)
    await world.does("town", f"/cases/{case}/officers", **other)
    former = {**acting(Role.COMMITTEE, COUNTY, "town")}
    tried = await world.client.post(f"/cases/{case}/approval", json=approval, headers=former)
    assert (tried.status_code, tried.json()["rule"]) == (403, "R53")
    changed = {**approval, "category": "SEVERE_HARDSHIP"}
    refused = await world.post("committee", f"/cases/{case}/approval", changed)
    assert (refused.status_code, refused.json()["rule"]) == (422, "R10")
    own_date = {**approval, "identified_on": "2023-08-01"}
    refused = await world.post("committee", f"/cases/{case}/approval", own_date)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-field")
    assert (await world.get("county", f"/cases/{case}"))["status"] == "OPEN"
    await world.does("committee", f"/cases/{case}/approval", **approval)


async def test_two_officers_at_once_and_one_on_an_old_page(world: World) -> None:
    case, head = await opened(world)
    await reviewed(world, case, head)
    path = f"/cases/{case}/notice"
    answers = await asyncio.gather(*(world.post("village", path, NOTICE) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    lost = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (lost["rule"], lost["code"]) == ("R51", "already-done")
    shown = await world.get("county", f"/cases/{case}")
    assert [item["type"] for item in shown["history"]].count("NoticePosted") == 1
    old = {"If-Match": f'"{shown["version"] - 1}"'}
    objection = {"objection": "不符合条件"}
    stale = await world.post("village", f"/cases/{case}/objections", objection, old)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
    assert (await world.get("county", f"/cases/{case}"))["version"] == shown["version"]


@rule("R33", "R42", "R105")
async def test_a_lead_about_a_followed_household_opens_a_case_that_goes_on_instead(
    world: World,
) -> None:
    home, people = await register(world, **household())
    first = await world.opened(home, "2023-08-01")
    await named(world, first)
    calm = findings(people[0], incomes=[income("TRANSFER", 7_200)])
    await world.does("village", f"/cases/{first}/verification", **calm)
    await world.does("village", f"/cases/{first}/deliberation", **meeting("DECLINE"))
    await world.does("county", f"/cases/{first}/refusal", reason="BELOW_LINE_STABLE")
    assert (await world.get("county", f"/cases/{first}"))["tracked"] is True
    await world.day("2023-08-20")
    second = await world.opened(home, "2023-08-20", risks=(Risk.ACCIDENT,))
    assert second != first
    shown = await world.get("county", f"/cases/{first}")
    assert (shown["status"], shown["tracked"]) == ("NOT_IDENTIFIED", False)
    assert [item["kind"] for item in shown["deadlines"]] == ["tell-applicant"]
    assert shown["history"][-1]["type"] == "FollowingHandedOver"
    assert (await world.get("county", f"/cases/{second}"))["previous_case_id"] == first
    follow = await world.post("village", f"/cases/{first}/follow-up")
    assert (follow.status_code, follow.json()["rule"]) == (409, "R33")


@rule("R21", "R22")
async def test_an_urban_members_benefits_are_asked_about(world: World) -> None:
    home, people = await register(
        world, **household(person(), person("SPOUSE", hukou="COLLECTIVE"))
    )
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    path, body = f"/cases/{case}/verification", findings(people[0])
    await world.refused("village", path, "R22", "benefits-not-checked", **body)
    spouse = {"member_id": people[1], "labour": "ORDINARY", "hukou": "COLLECTIVE"}
    drawn = {**body, "members": [{**spouse, "benefits": ["EMPLOYEE_PENSION"]}]}
    receipt = await world.does("village", path, **drawn)
    assert receipt["events"][0]["data"]["counted"] == [people[0]]


@rule("R61")
async def test_a_meeting_says_who_of_the_town_was_there_and_what_is_odd(world: World) -> None:
    case, head = await opened(world)
    await authorized(world, case, head)
    found = findings(head, incomes=[income("WAGE", 5_000)], **HARD)
    await world.does("village", f"/cases/{case}/verification", **found)
    path, act = f"/cases/{case}/deliberation", meeting("IDENTIFY", "MARGINAL_AT_RISK")
    other = {**act, "form": "OTHER"}
    await world.refused("village", path, "R61", "note-required", **other)
    uneven = {**act, "against": 9}
    await world.refused("village", path, "R61", "votes-do-not-add-up", **uneven)
    thin = {**act, "due": 60, "note": "部分村民外出务工"}
    event = (await world.does("village", path, **thin))["events"][0]["data"]
    assert event["doubts"] == ["QUORUM", "NO_TOWN_OFFICER"]
    assert "minutes" not in event
    shown = await world.client.get(f"/cases/{case}", headers=PEOPLE["county"])
    assert "会议记录" not in shown.text


@rule("R65")
async def test_an_announcement_is_scanned_like_a_notice(world: World) -> None:
    home, people = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await identified(world, case, people[0])
    path, phone = f"/cases/{case}/announcement", {"objection_phone": "12317"}
    number = {**phone, "number": person()["document_number"]}
    await world.refused("county", path, "R65", "personal-number", **number)
    mobile = {"number": "章农公告1", "objection_phone": "13800001234"}
    refused = await world.post("county", path, mobile)
    assert (refused.status_code, refused.json()["field"]) == (422, "objection_phone")
    extra = {**phone, "number": "章农公告1", "health": "因病"}
    refused = await world.post("county", path, extra)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-field")
    await world.does("county", path, **phone, number="章农公告1")


async def test_no_identity_number_gets_into_an_event_as_a_papers_number(world: World) -> None:
    case, head = await opened(world)
    body = {**findings(head), "form_version": person()["document_number"]}
    refused = await world.post("village", f"/cases/{case}/verification", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "personal-number")
    assert refused.json()["field"] == "form_version"
    evidence = {"signer_id": head, "scope": ["BANK"], "evidence": ["not a hash"]}
    refused = await world.post("village", f"/cases/{case}/authorization", evidence)
    assert (refused.status_code, refused.json()["field"]) == (422, "evidence[0]")
    assert PHOTO not in refused.text
