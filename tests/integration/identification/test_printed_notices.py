"""Notices over HTTP as they are hung: the whitelist and nothing else, on a page and in a DOCX."""

from io import BytesIO
from typing import Any
from urllib.parse import unquote

import httpx
from docx import Document

from shared.testing.casework import PEOPLE, World, document, household, person
from shared.testing.decider import rule
from shared.web.printing import DOCX
from tests.integration.identification.support import identified, register

NUMBER = document()


async def printed(world: World, who: str, path: str, form: str = "page") -> httpx.Response:
    return await world.client.get(path, params={"form": form}, headers=PEOPLE[who])


async def noticed(world: World) -> tuple[str, list[dict[str, Any]]]:
    """A case with its notice and its announcement."""
    head = person(name="张三丰", document_number=NUMBER, details={"health": "CHRONIC"})
    home, [signer] = await register(world, **household(head))
    case = await world.opened(home, "2023-08-01")
    await identified(world, case, signer)
    number = {"number": "章丘公告2023-1", "objection_phone": "0531-83210000"}
    await world.does("county", f"/cases/{case}/announcement", **number)
    listed = await world.get("village", f"/cases/{case}/notices")
    assert [(item["kind"], item["on"], item["last_day"]) for item in listed] == [
        ("notice", "2023-08-03", "2023-08-08"),
        ("announcement", "2023-08-09", None),
    ]
    return f"/cases/{case}/notices", listed


@rule("R65")
async def test_a_notice_prints_what_the_whitelist_allows(world: World) -> None:
    at, [notice, announcement] = await noticed(world)
    page = await printed(world, "village", f"{at}/{notice['id']}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert page.text.count("<script") == 1, "the print button's, which the policy names"
    assert "script-src 'sha256-" in policy
    for shown in (
        "监测帮扶对象公示",
        "蒲秋村公示2023-1",
        "山东省济南市章丘区",
        "张三丰",
        "1人",
        "边缘易致贫户",
        "刚性支出较大",
        "2023年8月4日至2023年8月8日",
        "山东省济南市章丘区农业农村部门<br>2023年8月3日",
        "0531-83210000",
    ):
        assert shown in page.text, shown
    for hidden in (NUMBER, "13800001234", "1号", "ILLNESS", "CHRONIC", "慢性病", "因病"):
        assert hidden not in page.text.replace("2023-1号", ""), hidden

    file = await printed(world, "county", f"{at}/{announcement['id']}", "docx")
    assert file.headers["content-type"] == DOCX
    name = unquote(file.headers["content-disposition"].partition("UTF-8''")[2])
    assert name == "监测帮扶对象公告章丘公告2023-1.docx"
    made = Document(BytesIO(file.content))
    words = [paragraph.text for paragraph in made.paragraphs]
    words += [cell.text for row in made.tables[0].rows for cell in row.cells]
    assert {"监测帮扶对象公告", "章丘公告2023-1", "张三丰"} <= set(words)
    assert "山东省济南市章丘区农业农村部门\n2023年8月9日" in words
    assert NUMBER not in "".join(words)


@rule("R1", "R65")
async def test_printing_is_for_the_post_that_hangs_it_and_is_recorded(world: World) -> None:
    at, [notice, _] = await noticed(world)
    path = f"{at}/{notice['id']}"
    before = await looks(world)
    assert (await printed(world, "village", path)).is_success
    assert await looks(world) == before + 1
    for who, status in (("city", 403), ("inspector", 403), ("committee", 403)):
        assert (await printed(world, who, path)).status_code == status
    other = await printed(world, "other-county", path)
    nothing = await printed(world, "village", f"{at}/00000000-0000-7000-8000-000000000000")
    assert (other.status_code, nothing.status_code) == (404, 404)
    assert nothing.json()["detail"] == "没有找到该公示公告" or nothing.json()["code"] == "not-found"
    assert (await printed(world, "village", path, "pdf")).status_code == 422
    assert await looks(world) == before + 1


async def looks(world: World) -> int:
    async with world.database.reading() as tx:
        query = "select count(*) from es.event where type = 'PersonalDataRevealed'"
        return int(await tx.raw.fetchval(query))
