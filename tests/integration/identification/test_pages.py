"""What pages ask besides the queue and the track: heads of households, and notices."""

from uuid import uuid4

from shared.testing.casework import VILLAGE, World, document, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import NOTICE, register, reviewed


@rule("R1")
async def test_lists_name_households_by_masked_heads_of_ones_own_division(world: World) -> None:
    number = document()
    head = person(document_number=number)
    home, _ = await register(world, **household(head, person("CHILD", "NONE")))
    asked = {"id": [home, str(uuid4())]}
    masked = f"{number[:4]}{'*' * 10}{number[-4:]}"
    assert await world.get("village", "/household-heads", **asked) == {
        home: {"name": "某**", "number": masked, "members": 2}
    }
    assert await world.get("other-county", "/household-heads", **asked) == {}


@rule("R1")
async def test_a_household_is_found_by_a_whole_number_within_ones_division(world: World) -> None:
    number = document()
    home, _ = await register(world, **household(person(), person("SPOUSE", document_number=number)))
    await register(world, **household(person()))
    for given in (number, f" {number.lower()} "):
        found = await world.does("village", "/households/search", document_number=given)
        assert [item["id"] for item in found["items"]] == [home]
    assert number not in str(found)
    for who, given in (("other-county", number), ("village", document())):
        assert (await world.does(who, "/households/search", document_number=given))["items"] == []
    answer = await world.post("village", "/households/search", {"document_number": number[:-1]})
    assert (answer.status_code, answer.json()["code"]) == (422, "document-number-length")
    listed = await world.get("county", "/households", division=VILLAGE)
    assert home in [item["id"] for item in listed["items"]]
    assert (await world.get("county", "/households", division="370114999"))["items"] == []


@rule("R65")
async def test_a_notice_can_be_seen_before_it_is_posted(world: World) -> None:
    home, [signer] = await register(world, **household(person()))
    case = await world.opened(home, "2023-08-01")
    path = f"/cases/{case}/notice/preview"
    wish = {name: value for name, value in NOTICE.items() if name != "evidence"}
    await world.refused("village", path, "R51", "nothing-to-post", **wish)
    await reviewed(world, case, signer)
    page = await world.post("village", path, wish)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for shown in ("监测帮扶对象公示", "某某人", NOTICE["number"]):
        assert shown in page.text
    as_docx = await world.post("village", f"{path}?form=docx", wish)
    assert as_docx.content.startswith(b"PK")
    await world.refused(
        "village", path, "R65", "sensitive-phone", **wish | {"remark": "电13800001234"}
    )
    assert await world.get("village", f"/cases/{case}/notices") == []
    shown = await world.get("village", f"/cases/{case}")
    assert "notice" not in {step["step"] for step in shown["steps"] if step["done"]}


@rule("R66")
async def test_who_answers_an_objection_can_read_it_and_the_minutes_for_a_purpose(
    world: World,
) -> None:
    home, [signer] = await register(world, **household(person()))
    case = await world.opened(home, "2023-08-01")
    await reviewed(world, case, signer)
    await world.does("village", f"/cases/{case}/notice", **NOTICE)
    await world.does("village", f"/cases/{case}/objections", objection="收入不实")
    history = (await world.get("town", f"/cases/{case}"))["history"]
    notes = {item["type"]: item["notes"] for item in history if item["notes"]}
    assert set(notes) >= {"Deliberated", "ObjectionRaised"}
    look = {
        "purpose": "DELIBERATION",
        "records": [*notes["Deliberated"], *notes["ObjectionRaised"]],
        "fields": ["text"],
    }
    read = await world.does("town", f"/households/{home}/reveal", **look)
    assert read["data"][notes["ObjectionRaised"][0]] == {"text": "收入不实"}
    assert len(read["data"]) == len(look["records"])
    assert (await world.post("other-county", f"/households/{home}/reveal", look)).status_code == 404
