"""Households split, merge and are put right again: each person in one, each case where it was."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts.audit import (
    CorrectionAuthorized,
    CorrectionKind,
    CorrectionReason,
    Target,
)
from shared.kernel.refusal import Refusal
from shared.testing.casework import PEOPLE, VILLAGE, World, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import register

DETAILS = {
    "ethnicity": "汉族",
    "education": "JUNIOR",
    "health": "CHRONIC",
    "workplace": "某某合作社",
    "months_worked": 7,
    "insurances": ["RESIDENT_MEDICAL", "RESIDENT_PENSION"],
}


def family() -> list[dict[str, Any]]:
    return [
        person(),
        person("PARENT", "WEAK", details=DETAILS),
        person("CHILD", "ORDINARY"),
        person("GRANDCHILD", "NONE"),
    ]


def leaving(*members: str) -> list[dict[str, str]]:
    head, *others = members
    return [
        {"member_id": head, "relation": "HEAD"},
        *({"member_id": item, "relation": "CHILD"} for item in others),
    ]


async def split(world: World, home: str, *members: str, **more: Any) -> dict[str, Any]:
    body = {"members": leaving(*members), "address": "山东省济南市章丘区某路2号", **more}
    return await world.does("village", f"/households/{home}/split", **body)


async def cases_of(world: World, home: str) -> list[str]:
    return [item["id"] for item in (await world.get("village", f"/households/{home}"))["cases"]]


def types(receipt: dict[str, Any]) -> list[str]:
    return [item["type"] for item in receipt["events"]]


async def undone(world: World, *targets: tuple[str, int, int | None]) -> None:
    """A correction of these streams has passed every gate."""
    kind = CorrectionKind.PURGE if targets[0][2] is None else CorrectionKind.ROLLBACK
    event = CorrectionAuthorized(
        correction_id=uuid4(),
        city="3701",
        kind=kind,
        targets=tuple(
            Target(service="identification", stream_id=UUID(id_), version=version, to_version=to)
            for id_, version, to in targets
        ),
        change=None,
        reason=CorrectionReason.WRONG_ENTRY,
        filing="国乡振函〔2023〕1号",
        content_sha256="0" * 64,
    )
    await world.hears(event, key=event.correction_id, on="2023-08-01")


@rule("R7", "R11", "R25")
async def test_a_split_leaves_each_person_in_one_household(world: World) -> None:
    home, [head, parent, child, grandchild] = await register(world, **household(*family()))
    receipt = await split(world, home, child, grandchild)
    assert types(receipt) == ["HouseholdSplit", "HouseholdIndexed"]
    happened = receipt["events"][0]["data"]
    assert [item["member_id"] for item in happened["moved"]] == [child, grandchild]
    assert [item["member_id"] for item in happened["members"]] == [head, parent]
    new = await world.get("village", f"/households/{happened['new_household_id']}")
    assert [item["is_head"] for item in new["members"]] == [True, False]
    assert [item["person"]["name"] for item in new["members"]] == ["某**", "某**"]
    assert {item["member_id"] for item in new["members"]}.isdisjoint({child, grandchild})
    assert (new["division"], new["history"]) == (VILLAGE, "ORDINARY")
    assert new["home"] == {"address": "山东省济南市章丘区***", "phone": None}
    # The people are matched in the new household, and in it alone.
    async with world.database.reading() as tx:
        rows = await tx.raw.fetch("select stream_id, count(*) from rm.household_token group by 1")
    assert {str(row["stream_id"]): row["count"] for row in rows} == {home: 2, new["id"]: 2}


@rule("R1", "R11", "R24")
async def test_a_split_that_cannot_be_is_refused_whole(world: World) -> None:
    home, [head, parent, child, grandchild] = await register(world, **household(*family()))
    path, address = f"/households/{home}/split", {"address": "某处"}
    everybody = [head, parent, child, grandchild]
    for members, rule_id, code in (
        (leaving(everybody[0], *everybody[1:]), "R11", "nobody-left"),
        (leaving(str(uuid4())), "", "unknown-member"),
        ([{"member_id": child, "relation": "CHILD"}], "", "one-head"),
        (leaving(head), "", "one-head"),
    ):
        await world.refused("village", path, rule_id, code, members=members, **address)
    far = {"division": "371721001001", "residence": "371721001001", "hukou_place": "371721001001"}
    await world.refused(
        "village", path, "R1", "forbidden", members=leaving(parent), **address, **far
    )
    away = {"division": "370114101203"}
    await world.refused(
        "town", path, "R25", "hukou-place-first", members=leaving(parent), **address, **away
    )
    nowhere = f"/households/{uuid4()}/split"
    await world.refused("village", nowhere, "", "not-found", members=leaving(head), **address)
    await world.refused("other-county", path, "", "not-found", members=leaving(head), **address)
    shown = await world.get("village", f"/households/{home}")
    assert ([item["member_id"] for item in shown["members"]], shown["version"]) == (everybody, 2)


@rule("R7", "R25", "R42")
async def test_the_case_stays_and_the_need_of_those_who_leave_is_named(world: World) -> None:
    home, [_, parent, *_] = await register(world, **household(*family()))
    case = await world.opened(home, "2023-08-01")
    receipt = await split(world, home, parent)
    new = receipt["events"][0]["data"]["new_household_id"]
    assert [
        item["id"] for item in (await world.get("village", f"/households/{home}"))["cases"]
    ] == [case]
    assert (await world.get("village", f"/households/{new}"))["cases"] == []
    async with world.database.reading() as tx:
        data = await tx.raw.fetchval(
            "select data::text from es.event where stream_id = $1 and version = 1", UUID(new)
        )
    assert case in data
    assert "ILLNESS" in data
    opened = await world.opened(new, "2023-08-01")
    assert opened != case


@rule("R7", "R11", "R25", "R104", "R105")
async def test_a_merger_joins_people_cases_and_later_leads(world: World) -> None:
    home, [head] = await register(world, **household())
    weak = person("PARENT", "WEAK", details=DETAILS)
    formerly = household(person(), weak, history="FORMERLY_POOR")
    other, [someone, _] = await register(world, **formerly)
    old = await world.opened(other, "2023-08-01")
    path = f"/households/{home}/merge"
    body = {"absorbed_id": other, "relations": [{"member_id": someone, "relation": "SIBLING"}]}
    await world.refused("village", path, "R25", "absorbed-has-active-case", **body)
    await purged(world, old)
    merged = await world.does("village", path, **body)
    assert types(merged) == ["HouseholdMerged", "HouseholdIndexed"]
    shown = await world.get("village", f"/households/{home}")
    assert [item["is_head"] for item in shown["members"]] == [True, False, False]
    assert shown["members"][0]["member_id"] == head
    assert shown["history"] == "FORMERLY_POOR"
    assert shown["members"][2]["details"]["months_worked"] == "***"
    assert [case["id"] for case in shown["cases"]] == [old]
    gone = await world.get("village", f"/households/{other}")
    assert (gone["members"], gone["absorbed_into"]) == ([], home)
    # A lead about the former household is one about the household it is part of now.
    await world.day("2023-08-02")
    await world.lead(other, "2023-08-02")
    cases = (await world.get("village", f"/households/{home}"))["cases"]
    assert [case["status"] for case in cases] == ["OPEN", "PURGED"]
    track = await world.get("village", f"/cases/{cases[0]['id']}")
    assert (track["household_id"], track["previous_case_id"]) == (home, old)
    for act, more in (("revision", {}), ("split", {"members": leaving(head), "address": "某处"})):
        await world.refused(
            "village", f"/households/{other}/{act}", "R11", "household-dissolved", **more
        )
    await world.refused("village", path, "R11", "household-dissolved", absorbed_id=other)


async def purged(world: World, case: str) -> None:
    version = (await world.get("county", f"/cases/{case}"))["version"]
    await undone(world, (case, version, None))


@rule("R7", "R11", "R25")
async def test_a_merger_that_cannot_be_is_refused_whole(world: World) -> None:
    home, _ = await register(world, **household())
    other, [someone] = await register(world, **household())
    path = f"/households/{home}/merge"
    await world.refused("village", path, "", "same-household", absorbed_id=home)
    await world.refused("village", path, "", "not-found", absorbed_id=str(uuid4()))
    heads = [{"member_id": someone, "relation": "HEAD"}]
    await world.refused("village", path, "", "one-head", absorbed_id=other, relations=heads)
    strangers = [{"member_id": str(uuid4()), "relation": "CHILD"}]
    await world.refused(
        "village", path, "", "unknown-member", absorbed_id=other, relations=strangers
    )
    stale = await world.client.post(
        path, json={"absorbed_id": other}, headers={**PEOPLE["village"], "If-Match": '"9"'}
    )
    assert stale.json()["code"] == "stale-version"
    for id_ in (home, other):
        assert (await world.get("village", f"/households/{id_}"))["version"] == 2


@rule("R107", "R108")
async def test_a_split_is_undone_through_the_gates_alone(world: World) -> None:
    home, members = await register(world, **household(*family()))
    receipt = await split(world, home, members[1])
    new = receipt["events"][0]["data"]["new_household_id"]
    await undone(world, (home, 4, 2), (new, 3, 1))
    back = await world.get("village", f"/households/{home}")
    assert [item["member_id"] for item in back["members"]] == members
    assert back["members"][1]["person"]["name"] == "某**"
    assert back["members"][1]["details"]["health"] == "***"
    assert (await world.get("village", f"/households/{new}"))["members"] == []
    async with world.database.reading() as tx:
        owners = await tx.raw.fetch("select distinct stream_id from rm.household_token")
        kinds = await tx.raw.fetch(
            "select type from es.event where stream_id = $1 order by version", UUID(new)
        )
    assert [str(row["stream_id"]) for row in owners] == [home]
    assert [row["type"] for row in kinds][-2:] == ["RolledBack", "HouseholdIndexed"]


@rule("R108", "R109")
async def test_a_household_that_moved_on_holds_the_others_of_its_correction(world: World) -> None:
    home, members = await register(world, **household(*family()))
    receipt = await split(world, home, members[1])
    new = receipt["events"][0]["data"]["new_household_id"]
    await world.does("village", f"/households/{home}/revision", added=[person("CHILD", "NONE")])
    await undone(world, (home, 4, 2), (new, 3, 1))
    assert len((await world.get("village", f"/households/{new}"))["members"]) == 1
    assert len((await world.get("village", f"/households/{home}"))["members"]) == 4


@rule("R107", "R108")
async def test_a_merger_is_undone_and_a_registration_withdrawn(world: World) -> None:
    home, _ = await register(world, **household())
    someone = person()
    other, [member] = await register(world, **household(someone))
    await world.does("village", f"/households/{home}/merge", absorbed_id=other)
    await undone(world, (home, 4, 2), (other, 4, 2))
    shown = await world.get("village", f"/households/{other}")
    assert [item["member_id"] for item in shown["members"]] == [member]
    assert len((await world.get("village", f"/households/{home}"))["members"]) == 1
    await undone(world, (other, 6, None))
    assert (await world.get("village", f"/households/{other}"))["members"] == []
    # The number is free again.
    await register(world, **household(someone))


@rule("R107")
async def test_a_household_with_a_case_is_not_undone_under_it(world: World) -> None:
    home, _ = await register(world, **household())
    await world.opened(home, "2023-08-01")
    with pytest.raises(Refusal, match="active-case"):
        await undone(world, (home, 2, None))
    assert len((await world.get("village", f"/households/{home}"))["members"]) == 1


async def test_particulars_change_and_stay_in_the_vault(world: World) -> None:
    home, [head] = await register(world, **household(person(details=DETAILS)))
    path = f"/households/{home}/revision"
    changed = DETAILS | {"workplace": "别处工厂", "months_worked": 3}
    receipt = await world.does(
        "village",
        path,
        details=[{"member_id": head, "details": changed}],
        address="山东省济南市章丘区新村9号",
        national_number="370114000001",
    )
    assert "别处工厂" not in str(receipt)
    shown = await world.get("village", f"/households/{home}")
    [member] = shown["members"]
    assert shown["home"]["phone"] == "138****1234"
    body = {
        "purpose": "VERIFICATION",
        "records": [member["details_id"], shown["home_id"]],
        "fields": ["workplace", "months_worked", "address", "national_number"],
    }
    data = (await world.does("village", f"/households/{home}/reveal", **body))["data"]
    assert data[member["details_id"]] == {"workplace": "别处工厂", "months_worked": 3}
    assert data[shown["home_id"]] == {
        "address": "山东省济南市章丘区新村9号",
        "national_number": "370114000001",
    }
    await undone(world, (home, 3, 2))
    back = await world.get("village", f"/households/{home}")
    assert back["home_id"] == home
    assert back["members"][0]["details_id"] != member["details_id"]
    for wrong, field in (
        ({"months_worked": 13}, "details[0].details.months_worked"),
        ({"health": "FINE"}, "details[0].details.health"),
        ({"shoe_size": 43}, "details[0].details.shoe_size"),
    ):
        answer = await world.post(
            "village", path, {"details": [{"member_id": head, "details": wrong}]}
        )
        assert (answer.status_code, answer.json()["field"]) == (422, field)
