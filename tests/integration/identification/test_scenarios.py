"""The worked examples over HTTP, on a real PostgreSQL."""

from shared.contracts.values import Risk
from shared.testing.casework import VILLAGE, World, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import (
    COMMITTEE,
    NO_GAPS,
    NOTICE,
    authorized,
    bill,
    compared,
    findings,
    income,
    meeting,
    named,
    register,
)


@rule("R51", "R52", "R54", "R55", "R56", "R57", "R61", "R62", "R63", "R8", "R17", "K2")
async def test_1_a_household_on_dialysis(world: World) -> None:
    home, people = await register(
        world,
        **household(
            person(),
            person("SPOUSE"),
            person("CHILD", "NONE"),
            person("CHILD", "NONE"),
            history="FORMERLY_POOR",
        ),
    )
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    await authorized(world, case, people[0])

    await world.day("2023-08-03")
    verified = await world.does(
        "village",
        f"/cases/{case}/verification",
        **findings(
            people[0],
            incomes=[
                income("WAGE", 24_000),
                income("OPERATING", 10_000),
                income("OPERATING_COST", 6_000),
                income("TRANSFER", 3_000),
            ],
            expenses=[bill(50_000, 32_000)],
            risks=["ILLNESS"],
            hardship=True,
            shock="ILLNESS",
            income_stable=False,
            coping={"can_cope": False},
        ),
    )
    found = verified["events"][0]["data"]
    assert found["accounts"]["net"] == 3_100_000
    assert found["accounts"]["per_capita_net"] == 775_000
    assert found["accounts"]["spent"] == 1_800_000
    assert (found["advice"]["row"], found["advice"]["suggestion"]) == (3, "UNSTABLE_EXIT")
    await compared(world, case)

    await world.day("2023-08-05")
    await world.does(
        "village", f"/cases/{case}/deliberation", **meeting("IDENTIFY", "UNSTABLE_EXIT")
    )
    await world.day("2023-08-06")
    await world.does("town", f"/cases/{case}/town-review", passed=True)
    await world.does("village", f"/cases/{case}/notice", **NOTICE)

    await world.day("2023-08-11")
    approval = {"category": "UNSTABLE_EXIT", **COMMITTEE}
    await world.refused(
        "committee", f"/cases/{case}/approval", "R56", "publicity-not-complete", **approval
    )
    await world.day("2023-08-12")
    await world.does("village", f"/cases/{case}/notice/close")
    receipt = await world.does("committee", f"/cases/{case}/approval", **approval)
    approved = receipt["events"][0]["data"]
    assert approved["identified_on"] == "2023-08-12"
    assert approved["late_reason"] is None
    assert approved["departs_from_advice"] is False
    assert [item["due_on"] for item in approved["deadlines"]] == ["2023-08-22"]

    await world.does(
        "county",
        f"/cases/{case}/announcement",
        number="章丘区公告2023-1",
        objection_phone="12317",
    )
    await world.does("county", f"/cases/{case}/national-entry", receipt="GJ-2023-0001")
    shown = await world.get("county", f"/cases/{case}")
    assert shown["status"] == "IDENTIFIED"
    assert all(step["done"] for step in shown["steps"])
    assert shown["deadlines"] == []


@rule("R30", "R33", "R67")
async def test_3_two_elders_with_a_pension(world: World) -> None:
    home, people = await register(
        world, **household(person(labour="NONE"), person("SPOUSE", "NONE"))
    )
    case = await world.opened(home, "2023-08-01", risks=())
    await named(world, case)
    await world.day("2023-08-03")
    await world.does(
        "town",
        f"/cases/{case}/verification",
        **findings(people[0], incomes=[income("TRANSFER", 14_400)]),
    )
    refusal = {"reason": "BELOW_LINE_STABLE"}
    await world.refused("county", f"/cases/{case}/refusal", "R30", "not-deliberated", **refusal)
    await world.does("village", f"/cases/{case}/deliberation", **meeting("DECLINE"))
    receipt = await world.does("county", f"/cases/{case}/refusal", **refusal)
    declined = receipt["events"][0]["data"]
    assert (declined["reason"], declined["tracked"]) == ("BELOW_LINE_STABLE", True)
    assert {item["kind"]: item["due_on"] for item in declined["deadlines"]} == {
        "tell-applicant": "2023-08-08",
        "follow-up": "2023-09-03",
    }
    await world.does("village", f"/cases/{case}/telling", about="REFUSAL")
    await world.day("2023-09-01")
    await world.does("village", f"/cases/{case}/follow-up")
    assert (await world.get("town", f"/cases/{case}"))["tracked"] is False


@rule("R37", "R38", "R41", "R18", "R10")
async def test_4_a_crash(world: World) -> None:
    home, people = await register(
        world, **household(*[person()], *[person("CHILD", "NONE") for _ in range(3)])
    )
    case = await world.opened(home, "2023-08-01", risks=(Risk.ACCIDENT,))
    await named(world, case)
    body = findings(
        people[0],
        incomes=[income("WAGE", 60_000)],
        claims=[
            {"source": "BASIC_INSURANCE", "amount": 14_000_000},
            {"source": "COMMERCIAL_INSURANCE", "amount": 2_000_000},
        ],
        expenses=[bill(260_000, 140_000)],
        hardship=True,
        shock="ACCIDENT",
        risks=["ACCIDENT"],
        coping={"can_cope": False},
    )
    path = f"/cases/{case}/verification"
    await world.refused("village", path, "R37", "medical-cover-is-no-claim", **body)
    body["claims"] = body["claims"][1:]
    found = (await world.does("village", path, **body))["events"][0]["data"]
    accounts = found["accounts"]
    assert accounts["expenses"][0]["amount"] == 12_000_000
    assert accounts["reference_per_capita"] == -1_000_000
    assert accounts["per_capita_net"] == 1_500_000
    assert (found["advice"]["row"], found["advice"]["suggestion"]) == (6, "SEVERE_HARDSHIP")
    assert found["advice"]["offer_green_channel"] is True


@rule("R43")
async def test_9_dibao_is_no_reason(world: World) -> None:
    home, people = await register(world, **household(person(benefits=["RURAL_DIBAO"])))
    case = await world.opened(home, "2023-08-01", risks=(Risk.UNSTABLE_EMPLOYMENT,))
    await named(world, case)
    await world.does(
        "village",
        f"/cases/{case}/verification",
        **findings(
            people[0],
            incomes=[income("TRANSFER", 6_500)],
            hardship=True,
            risks=["UNSTABLE_EMPLOYMENT"],
            coping={"can_cope": False},
        ),
    )
    await world.does(
        "village", f"/cases/{case}/deliberation", **meeting("IDENTIFY", "MARGINAL_AT_RISK")
    )
    await world.refused(
        "county", f"/cases/{case}/refusal", "R43", "dibao-is-no-reason", reason="HAS_DIBAO"
    )


@rule("R64", "R68", "R69", "R71", "R72", "K3")
async def test_10_a_fire(world: World) -> None:
    await world.day("2023-01-31")
    home, people = await register(world, **household())
    case = await world.opened(home, "2023-01-31", risks=(Risk.DISASTER,))
    await named(world, case)
    channel = f"/cases/{case}/green-channel"
    entry = {"cause": "DISASTER", "facts": "房屋烧毁"}
    await world.does("village", f"{channel}/confirmation", cause="DISASTER")
    await world.refused("county", f"{channel}/entry", "R69", "not-confirmed", **entry)
    await world.does("town", f"{channel}/confirmation", cause="DISASTER")
    entered = (await world.does("county", f"{channel}/entry", **entry))["events"][0]["data"]
    assert {item["kind"]: item["due_on"] for item in entered["deadlines"]} == {
        "green-channel": "2023-02-28",
        "identify": "2023-02-28",
        "tell-entry": "2023-02-05",
    }
    await authorized(world, case, people[0])
    await compared(world, case)
    await world.day("2023-02-10")
    late = {"late_reason": "DISASTER"}
    await world.does(
        "village",
        f"/cases/{case}/verification",
        **findings(
            people[0],
            incomes=[income("WAGE", 20_000)],
            hardship=True,
            shock="DISASTER",
            risks=["DISASTER"],
            coping={"can_cope": False},
            **late,
        ),
    )
    await world.does(
        "village", f"/cases/{case}/deliberation", **meeting("IDENTIFY", "SEVERE_HARDSHIP")
    )
    await world.does("town", f"/cases/{case}/town-review", passed=True)
    await world.does("village", f"/cases/{case}/notice", **NOTICE)
    await world.day("2023-02-20")
    await world.does("village", f"/cases/{case}/notice/close")
    approval = {"category": "SEVERE_HARDSHIP", **COMMITTEE}
    await world.refused(
        "committee", f"/cases/{case}/approval", "R72", "channel-not-verified", **approval
    )
    await world.does("county", f"{channel}/verification", eligible=True)
    await world.refused(
        "committee", f"/cases/{case}/approval", "R74", "household-not-told", **approval
    )
    told = {"about": "CHANNEL_ENTRY", "late_reason": "DISASTER"}
    await world.does("village", f"/cases/{case}/telling", **told)
    receipt = await world.does("committee", f"/cases/{case}/approval", **approval)
    approved = receipt["events"][0]["data"]
    assert approved["identified_on"] == "2023-01-31"
    assert approved["green_channel"] is True
    assert receipt["events"][0]["occurred_on"] == "2023-02-20"
    assert [item["due_on"] for item in approved["deadlines"]] == ["2023-03-02"]


@rule("R20", "R26")
async def test_6_a_relocated_household(world: World) -> None:
    home, people = await register(
        world,
        **household(
            person(hukou="URBAN"),
            person("CHILD", "NONE", hukou="URBAN"),
            relocated=True,
            moved_from="371721",
            hukou_place=VILLAGE,
        ),
    )
    case = await world.opened(home, "2023-08-01", risks=(Risk.SCHOOLING,))
    assert (await world.get("other-county", f"/cases/{case}"))["moved_from"] == "371721"
    await named(world, case)
    await world.does(
        "village",
        f"/cases/{case}/verification",
        **findings(
            people[0],
            incomes=[income("WAGE", 14_000)],
            gaps={**NO_GAPS, "COMPULSORY_EDUCATION": True},
            risks=["SCHOOLING"],
            coping={"can_cope": False},
        ),
    )
    refusal = {"reason": "URBAN_HUKOU"}
    path = f"/cases/{case}/refusal"
    await world.refused("other-county", path, "R26", "forbidden", **refusal)
    await world.refused("county", path, "R20", "relocated-in-scope", **refusal)
