"""What departments answer about people lands in the case's comparison, and nowhere else."""

from typing import Any

from shared.kernel.principal import Role
from shared.testing.access import acting
from shared.testing.casework import COUNTY, PEOPLE, World, document, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import authorized, named, register

Json = dict[str, Any]
DEPARTMENT = acting(Role.DEPARTMENT, COUNTY, "civil-affairs")
MACHINE = acting(Role.FEED, COUNTY, "machine")


async def waiting(world: World) -> tuple[str, list[str], list[str]]:
    """A case whose household has authorised the comparison: case, members, numbers."""
    people = [person(), person("PARENT", "WEAK")]
    home, members = await register(world, **household(*people))
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    await authorized(world, case, members[0])
    return case, members, [item["document_number"] for item in people]


async def answered(world: World, source: str, *results: Json, headers: Any = DEPARTMENT) -> Json:
    answer = await world.client.post(
        f"/comparisons/{source}", json={"results": list(results)}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


@rule("R52", "R57")
async def test_answers_come_in_person_by_person_and_the_county_concludes(world: World) -> None:
    case, members, numbers = await waiting(world)
    path = f"/cases/{case}/comparison"
    await world.refused("county", path, "R57", "nobody-answered")
    first = {"document_number": numbers[0], "hits": ["VEHICLE"]}
    told = await answered(world, "PUBLIC_SECURITY", first, {"document_number": numbers[1]})
    assert (told["recorded"], told["refused"]) == (2, 0)
    assert (await answered(world, "PUBLIC_SECURITY", first))["unchanged"] == 1
    await answered(world, "CIVIL_AFFAIRS", {"document_number": numbers[1]})
    track = await world.get("county", f"/cases/{case}")
    assert track["answers"][0] == {
        "source": "PUBLIC_SECURITY",
        "member_id": members[0],
        "hits": ["VEHICLE"],
    }
    added = [{"source": "NATURAL_RESOURCES", "hits": ["PROPERTY"]}]
    receipt = await world.does("county", path, results=added)
    assert receipt["events"][0]["data"]["results"] == [
        {"source": "PUBLIC_SECURITY", "hits": ["VEHICLE"]},
        {"source": "CIVIL_AFFAIRS", "hits": []},
        {"source": "NATURAL_RESOURCES", "hits": ["PROPERTY"]},
    ]
    late = await answered(world, "PUBLIC_SECURITY", first | {"hits": []})
    assert late["errors"][0]["code"] == "no-open-comparison"


@rule("R52")
async def test_a_department_learns_of_nobody_it_was_not_asked_about(world: World) -> None:
    unauthorised = person()
    home, _ = await register(world, **household(unauthorised))
    await named(world, await world.opened(home, "2023-08-01"))
    caseless = person()
    await register(world, **household(caseless))
    told = await answered(
        world,
        "CIVIL_AFFAIRS",
        {"document_number": unauthorised["document_number"]},
        {"document_number": caseless["document_number"]},
        {"document_number": document()},
    )
    errors = [
        {name: value for name, value in error.items() if name != "row"} for error in told["errors"]
    ]
    assert len(errors) == 3
    assert errors[0] == errors[1] == errors[2]
    assert (errors[0]["code"], errors[0]["rule"]) == ("no-open-comparison", "R52")
    case, _, numbers = await waiting(world)
    elsewhere = acting(Role.DEPARTMENT, "371721", "elsewhere")
    one = {"document_number": numbers[0], "hits": ["BUSINESS"]}
    told = await answered(world, "CIVIL_AFFAIRS", one, headers=elsewhere)
    assert told["errors"][0]["code"] == "no-open-comparison"
    assert (await world.get("county", f"/cases/{case}"))["answers"] == []


@rule("R6")
async def test_a_machine_answers_for_its_own_department(world: World) -> None:
    _, _, numbers = await waiting(world)
    told = await answered(world, "CIVIL_AFFAIRS", {"document_number": numbers[0]}, headers=MACHINE)
    assert (told["errors"][0]["code"], told["errors"][0]["rule"]) == ("forbidden", "R6")


@rule("R57")
async def test_a_county_sends_a_department_s_file(world: World) -> None:
    case, _, numbers = await waiting(world)
    lines = ["证件号码,比对结果", f"{numbers[0]},车辆、工商登记", f"{numbers[1]},无", "123,车辆",
             f"{document()},无", f"{numbers[1]},飞机"]  # fmt: skip
    answer = await world.client.post(
        "/comparisons/PUBLIC_SECURITY/file",
        content="\n".join(lines).encode(),
        headers={**PEOPLE["county"], "Accept-Language": "en"},
    )
    told = answer.json()
    assert (told["rows"], told["recorded"], told["refused"]) == (5, 2, 3), told
    assert [(error["row"], error["field"], error["code"]) for error in told["errors"]] == [
        (4, "document_number", "wrong-format"),
        (5, "", "no-open-comparison"),
        (6, "hits[0]", "not-allowed"),
    ]
    hits = [item["hits"] for item in (await world.get("county", f"/cases/{case}"))["answers"]]
    assert hits == [["BUSINESS", "VEHICLE"], []]


async def test_bad_answers_are_refused_with_their_field(world: World) -> None:
    for path, content, status, code in (
        ("/comparisons/NOBODY", b"{}", 422, "not-allowed"),
        ("/comparisons/CIVIL_AFFAIRS", b'{"results": []}', 422, "too-few"),
        ("/comparisons/CIVIL_AFFAIRS", b'{"results": [{"x": 1}]}', 422, "missing-field"),
        ("/comparisons/CIVIL_AFFAIRS/file", "姓名\n某".encode(), 422, "wrong-columns"),
    ):
        headers = {**DEPARTMENT, "Content-Type": "application/json"}
        answer = await world.client.post(path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    for who in ("village", "town", "inspector"):
        refused = await world.post(who, "/comparisons/CIVIL_AFFAIRS", {"results": []})
        assert refused.status_code == 403
