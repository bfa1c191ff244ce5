"""What goes to the national system, who saw it, and the receipts that come back."""

from io import BytesIO
from typing import Any

import httpx

from services.identification import form, national
from shared.tabular.cells import texts
from shared.tabular.reading import open_table
from shared.tabular.writing import Format, write
from shared.testing.casework import PEOPLE, World, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import identified, register

Cells = dict[str, str]


async def asked(world: World, who: str = "county", **body: Any) -> httpx.Response:
    return await world.post(who, "/national-entry/table", body)


def read(answer: httpx.Response) -> list[Cells]:
    with open_table(BytesIO(answer.content)) as table:
        return [texts(table.header, row) for row in table.rows()]


async def sent(world: World, rows: list[Cells], who: str = "county") -> dict[str, Any]:
    file = BytesIO()
    write(Format.XLSX, {title: title for title in rows[0]}, rows, file)
    headers = {**PEOPLE[who], "Accept-Language": "en"}
    answer = await world.client.post(
        "/national-entry/receipts", content=file.getvalue(), headers=headers
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def approved(world: World) -> tuple[str, str]:
    """An identified household of two, and its case; it is 2023-08-09."""
    details = {"health": "SERIOUS", "education": "PRIMARY", "insurances": ["RESIDENT_MEDICAL"]}
    people = [person(), person("PARENT", "WEAK", details=details, benefits=["RURAL_DIBAO"])]
    home, members = await register(world, **household(*people, national_number="370114000009"))
    case = await world.opened(home, "2023-08-01")
    await identified(world, case, members[0])
    return home, case


@rule("R63")
async def test_the_table_is_the_form_and_every_look_is_recorded(world: World) -> None:
    home, case = await approved(world)
    answer = await asked(world)
    assert (answer.status_code, answer.headers["x-households"]) == (200, "1")
    head, parent = read(answer)
    assert tuple(head) == national.COLUMNS
    assert (head[national.CASE_ID], parent[national.CASE_ID]) == (case, "")
    assert (head["户编号"], head["监测对象类别"], head["风险类型"]) == (
        "370114000009",
        "边缘易致贫户",
        "因病",
    )
    assert (head["工资性收入"], head["家庭纯收入"], head["人均纯收入"]) == (
        "5000.00",
        "5000.00",
        "2500.00",
    )
    assert (head["姓名"], head["与户主关系"], head["联系电话"]) == ("某某人", "户主", "13800001234")
    assert (parent["劳动技能"], parent["享受保障"]) == ("弱劳动力或半劳动力", "农村低保")
    assert (parent["健康状况"], parent["参保情况"]) == ("患有大病", "居民医保")
    assert len(head["证件号码"]) == 18
    async with world.database.reading() as tx:
        rows = await tx.raw.fetch(
            "select actor, owner, records from vault.reveal where purpose = 'NATIONAL_ENTRY'"
        )
        events = await tx.raw.fetch("select type from es.event where category = 'reveal'")
    assert [(row["actor"], str(row["owner"]), len(row["records"])) for row in rows] == [
        ("person:county", home, 4)
    ]
    assert events[-1]["type"] == "PersonalDataRevealed"


@rule("R63")
async def test_only_those_who_enter_may_have_it_and_only_of_their_own_place(world: World) -> None:
    await approved(world)
    for who in ("village", "city", "committee", "inspector"):
        assert (await asked(world, who)).status_code == 403
    assert read(await asked(world, "other-county")) == []
    assert (await asked(world, limit=0)).json()["field"] == "limit"
    assert len(read(await asked(world, "town"))) == 2


@rule("R63")
async def test_the_receipts_come_back_and_may_be_sent_again(world: World) -> None:
    _, case = await approved(world)
    table = read(await asked(world))
    told = await sent(world, table)
    assert (told["rows"], told["recorded"]) == (0, 0)
    table[0] |= {national.RECEIPT: "GJ2023-0001", national.ENTERED_ON: "2023年8月9日"}
    told = await sent(world, table)
    assert (told["rows"], told["recorded"], told["refused"]) == (1, 1, 0), told
    assert (await sent(world, table))["already"] == 1
    steps = {item["step"]: item for item in (await world.get("county", f"/cases/{case}"))["steps"]}
    assert steps["national-entry"]["done_on"] == "2023-08-09"
    assert read(await asked(world)) == []
    other = [{national.CASE_ID: case, national.RECEIPT: "GJ2023-0002"}]
    assert (await sent(world, other))["errors"][0]["code"] == "already-done"


@rule("R1", "R63")
async def test_a_bad_receipt_stops_no_other(world: World) -> None:
    _, case = await approved(world)
    await world.day("2023-08-25")
    column, number = national.CASE_ID, national.RECEIPT
    late, entered = "逾期原因", national.ENTERED_ON
    rows = [
        {column: "not a case", number: "GJ1", late: "", entered: ""},
        {column: case, number: "有 空格", late: "", entered: ""},
        {column: case, number: "GJ2", late: "", entered: "昨天"},
        {column: case, number: "GJ3", late: "", entered: "2023-08-20"},
        {column: case, number: "GJ4", late: "没赶上", entered: "2023-08-20"},
        {column: case, number: "GJ5", late: "人手不足", entered: "2023-08-20"},
    ]
    told = await sent(world, rows)
    assert (told["rows"], told["recorded"], told["refused"]) == (6, 1, 5)
    assert [(error["row"], error["field"], error["code"]) for error in told["errors"]] == [
        (2, column, "wrong-type"),
        (3, number, "wrong-format"),
        (4, entered, "not-a-date"),
        (5, late, "late-reason-required"),
        (6, late, "not-allowed"),
    ]
    stranger = await sent(world, rows[-1:], who="other-county")
    assert stranger["errors"][0]["code"] == "not-found"
    wrong = await world.client.post(
        "/national-entry/receipts", content="姓名\n某\n".encode(), headers=PEOPLE["county"]
    )
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong-columns")


def test_every_column_of_the_form_is_in_the_table() -> None:
    assert set(form.COLUMNS) < set(national.COLUMNS)
    assert len(set(national.COLUMNS)) == len(national.COLUMNS)
