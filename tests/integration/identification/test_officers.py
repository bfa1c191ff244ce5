"""Named officers are somebody who can act: known here, at the case's village and town (R5)."""

import pytest

from shared.kernel.principal import Role
from shared.testing.access import acting
from shared.testing.casework import TOWN, VILLAGE, World, household
from shared.testing.decider import rule
from tests.integration.identification.support import register

OTHER_VILLAGE = "370114101203"


async def known(world: World, *divisions: str) -> list[str]:
    found = await world.get("town", "/officers", division=list(divisions))
    return [f"{item['subject']} {item['division']}" for item in found]


@rule("R5")
async def test_who_has_come_in_can_be_chosen_at_their_post(world: World) -> None:
    assert await known(world, VILLAGE, TOWN) == [f"person:town {TOWN}", f"person:village {VILLAGE}"]
    again = await world.does("village", "/officers/me")
    assert again["events"] == [], "recorded once"
    moved = acting(Role.OFFICER, OTHER_VILLAGE, "village")
    for headers in (moved, acting(Role.OFFICER, VILLAGE, "village"), moved):
        await world.client.post("/officers/me", json={}, headers=headers)
    assert await known(world, VILLAGE, OTHER_VILLAGE) == [f"person:village {OTHER_VILLAGE}"]
    await world.refused("county", "/officers/me", "R1", "forbidden")
    answer = await world.client.get(
        "/officers", params={"division": TOWN}, headers=acting(Role.OFFICER, VILLAGE, "village")
    )
    assert answer.status_code == 403, "of one's own division only"


@rule("R5")
async def test_an_account_without_its_prefix_is_that_person(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    done = await world.does(
        "town", f"/cases/{case}/officers", village_officer="village", town_officer="town"
    )
    assert done["events"][0]["data"]["village_officer"] == "person:village"
    assert (await world.get("town", f"/cases/{case}"))["officers"] == [
        "person:village",
        "person:town",
    ]


@rule("R55")
async def test_naming_stands_under_the_clock_of_the_visit_that_waits_for_it(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    shown = await world.get("town", f"/cases/{case}")
    assert [(item["step"], item["due_on"]) for item in shown["next"]] == [
        ("officers", "2023-08-04")
    ]
    await world.does(
        "town", f"/cases/{case}/officers", village_officer="village", town_officer="town"
    )
    later = {
        item["step"]: item["due_on"] for item in (await world.get("town", f"/cases/{case}"))["next"]
    }
    assert later["verification"] == "2023-08-04"


@rule("R5")
@pytest.mark.parametrize(
    ("named", "field", "code"),
    [
        ({"village_officer": "zhangsan"}, "village_officer", "officer-unknown"),
        ({"village_officer": "next"}, "village_officer", "officer-elsewhere"),
        ({"town_officer": "next"}, "town_officer", "officer-elsewhere"),
    ],
)
async def test_nobody_is_named_who_could_not_go_on(
    world: World, named: dict[str, str], field: str, code: str
) -> None:
    await world.client.post(
        "/officers/me", json={}, headers=acting(Role.OFFICER, OTHER_VILLAGE, "next")
    )
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    answer = await world.post(
        "town",
        f"/cases/{case}/officers",
        {"village_officer": "village", "town_officer": "town", **named},
    )
    problem = answer.json()
    assert (answer.status_code, problem["rule"]) == (422, "R5")
    assert (problem["code"], problem["field"]) == (code, field)
