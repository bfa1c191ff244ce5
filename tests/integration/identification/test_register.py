"""The register over HTTP: the vault, masks, reveals, and who may know of whom."""

from uuid import UUID, uuid4

from shared.store import event_store
from shared.testing.casework import PEOPLE, PHOTO, VILLAGE, World, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import (
    NOTICE,
    compared,
    findings,
    income,
    meeting,
    named,
    register,
)


async def test_personal_data_lies_in_the_vault_and_nowhere_else(world: World) -> None:
    someone = person()
    home, _ = await register(world, **household(someone))
    async with world.database.reading() as tx:
        for table in ("es.event", "rm.household", "rm.household_token", "es.idempotency"):
            rows = await tx.raw.fetch(f"select t::text as all from {table} t")
            for secret in (someone["document_number"], "某某人", "13800001234", "蒲秋村1号"):
                assert not any(secret in row["all"] for row in rows), table
    shown = await world.get("village", f"/households/{home}")
    [member] = shown["members"]
    number = someone["document_number"]
    assert member["person"]["name"] == "某**"
    assert member["person"]["document_number"] == f"{number[:4]}{'*' * 10}{number[-4:]}"
    assert shown["home"] == {"address": "山东省济南市章丘区***", "phone": "138****1234"}
    assert shown["place"].startswith("山东省济南市章丘区")


async def test_a_reveal_names_its_purpose_and_is_recorded_twice(world: World) -> None:
    someone = person()
    home, [member] = await register(world, **household(someone))
    body = {"purpose": "VERIFICATION", "records": [member], "fields": ["name"]}
    answer = await world.post("village", f"/households/{home}/reveal", body)
    assert answer.status_code == 200
    assert answer.json()["data"] == {member: {"name": "某某人"}}
    async with world.database.reading() as tx:
        [row] = await tx.raw.fetch("select * from vault.reveal")
        assert (row["actor"], row["purpose"]) == ("person:village", "VERIFICATION")
        [event] = await event_store.load(tx.raw, "identification", row["id"])
        assert event.event.model_dump(mode="json")["fields"] == ["name"]
        assert event.key == UUID(home)
    body["purpose"] = "INSPECTION"
    refused = await world.post("village", f"/households/{home}/reveal", body)
    assert refused.status_code == 403


@rule("R11", "R25")
async def test_one_person_stands_in_one_household(world: World) -> None:
    someone = person()
    await register(world, **household(someone))
    await world.refused(
        "village",
        "/households",
        "R25",
        "document-registered",
        **household(person(), someone | {"relation": "CHILD"}),
    )
    twice = household(someone, someone | {"relation": "CHILD"})
    await world.refused("village", "/households", "R25", "document-twice", **twice)


@rule("R22", "R23", "R25")
async def test_members_come_go_and_change(world: World) -> None:
    newborn, gone = person("CHILD", "NONE"), person("PARENT", "LOST")
    home, [head, parent] = await register(world, **household(person(), gone))
    path = f"/households/{home}/revision"
    await world.refused(
        "village", path, "", "one-head", removed=[{"member_id": head, "reason": "DIED"}]
    )
    await world.refused(
        "village", path, "", "unknown-member", removed=[{"member_id": home, "reason": "DIED"}]
    )
    revised = await world.does(
        "village",
        path,
        added=[newborn],
        changed=[{"member_id": head, "labour": "WEAK", "hukou": "RURAL"}],
        removed=[{"member_id": parent, "reason": "DIED"}],
    )
    assert [item["type"] for item in revised["events"]] == ["HouseholdRevised", "HouseholdIndexed"]
    shown = await world.get("village", f"/households/{home}")
    assert [member["labour"] for member in shown["members"]] == ["WEAK", "NONE"]
    assert shown["members"][1]["person"]["name"] == "某**"
    await world.refused(
        "village", path, "R25", "document-registered", added=[newborn | {"relation": "OTHER"}]
    )
    await register(world, **household(gone | {"relation": "HEAD"}))
    handed = await world.does("village", path, head=shown["members"][1]["member_id"])
    assert [item["is_head"] for item in handed["events"][0]["data"]["members"]] == [False, True]
    nowhere = f"/households/{uuid4()}/revision"
    await world.refused("village", nowhere, "", "not-found", added=[person("CHILD")])


@rule("R1", "R24", "R25", "R26")
async def test_a_household_moves_to_another_village(world: World) -> None:
    home, _ = await register(world, **household())
    path, there = f"/households/{home}/move", "370114101203"
    body = {"division": there, "residence": there}
    await world.refused("town", path, "R24", "same-place", division=VILLAGE, residence=VILLAGE)
    elsewhere = {"division": "371721001001", "residence": "371721001001"}
    await world.refused("county", path, "R1", "forbidden", **elsewhere)
    await world.opened(home, "2023-08-01")
    await world.refused("town", path, "R25", "active-case", **body)
    other, _ = await register(world, **household())
    away = f"/households/{other}/move"
    await world.refused("town", away, "R25", "hukou-place-first", **body)
    nowhere = {**body, "residence": VILLAGE, "residence_leads": "SETTLED_AWAY"}
    await world.refused("town", away, "R25", "hukou-place-first", **nowhere)
    moved = await world.does("town", away, **body, residence_leads="SETTLED_AWAY")
    assert [item["data"]["division"] for item in moved["events"]] == [there, there]
    assert (await world.get("town", f"/households/{other}"))["division"] == there
    registered = {"division": VILLAGE, "residence": there, "hukou_place": VILLAGE}
    await world.does("town", away, **registered)
    await world.does("town", away, **body, hukou_place=there)
    assert (await world.get("town", f"/households/{other}"))["hukou_place"] == there
    hidden = await world.client.get(f"/households/{other}", headers=PEOPLE["village"])
    assert hidden.status_code == 404


async def test_bad_input_has_its_own_code_and_field(world: World) -> None:
    cases = [
        ({"division": "370114101999"}, "unknown-division", "division"),
        ({"division": "370114101"}, "wrong-division-level", "division"),
        ({"residence": "990000000000"}, "unknown-division", "residence"),
        ({"division": "abc"}, "wrong-format", "division"),
        ({"surplus": 1}, "unknown-field", "surplus"),
        ({"members": []}, "too-few", "members"),
        ({"members": [person("CHILD")]}, "one-head", "members"),
        (
            {"members": [person() | {"document_number": "370181198001010019"}]},
            "document-number-checksum",
            "members[0].document_number",
        ),
    ]
    for changed, code, field in cases:
        answer = await world.post("village", "/households", household() | changed)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (422, code, field)
    async with world.database.reading() as tx:
        assert await tx.raw.fetchval("select count(*) from rm.household") == 0
        assert await tx.raw.fetchval("select count(*) from vault.record") == 0


@rule("R1")
async def test_another_county_does_not_know_of_the_household(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    for path in (f"/households/{home}", f"/cases/{case}", f"/cases/{uuid4()}"):
        who = "other-county" if str(case) in path or home in path else "county"
        answer = await world.client.get(path, headers=PEOPLE[who])
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    await world.refused(
        "other-county",
        f"/cases/{case}/comparison",
        "",
        "not-found",
        results=[{"source": "CIVIL_AFFAIRS"}],
    )
    assert (await world.get("other-county", "/households"))["items"] == []
    assert (await world.get("other-county", "/cases", level="all"))["items"] == []
    assert [row["id"] for row in (await world.get("county", "/households"))["items"]] == [home]


@rule("R65")
async def test_a_notice_says_no_more_than_it_may(world: World) -> None:
    home, people = await register(world, **household(person(), person("CHILD", "NONE")))
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    await world.does(
        "village",
        f"/cases/{case}/authorization",
        signer_id=people[0],
        scope=["BANK"],
        evidence=[PHOTO],
    )
    await compared(world, case)
    await world.does(
        "village",
        f"/cases/{case}/verification",
        **findings(
            people[0],
            incomes=[income("WAGE", 5_000)],
            hardship=True,
            risks=["ILLNESS"],
            coping={"can_cope": False},
        ),
    )
    act = meeting("IDENTIFY", "MARGINAL_AT_RISK")
    await world.does("village", f"/cases/{case}/deliberation", **act)
    await world.does("town", f"/cases/{case}/town-review", passed=True)
    path = f"/cases/{case}/notice"
    for remark, code in (
        ("电话13800001234", "sensitive-phone"),
        ("患有糖尿病", "sensitive-health"),
    ):
        await world.refused("village", path, "R65", code, **NOTICE, remark=remark)
    receipt = await world.does("village", path, **NOTICE, remark="如有异议请反映")
    posted = receipt["events"][0]["data"]
    assert "某某人" not in str(receipt)
    async with world.database.reading() as tx:
        rows = await tx.raw.fetch("select purpose, fields from vault.reveal")
        assert [(row["purpose"], row["fields"]) for row in rows] == [("NOTICE", ["name"])]
        kept = await tx.raw.fetchval(
            "select kind from vault.record where id = $1", UUID(posted["content_id"])
        )
        assert kept == "notice"
    assert VILLAGE not in posted["content_hash"]
