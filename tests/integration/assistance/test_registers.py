"""After-care, comparison, ledger and figures over HTTP; every figure recounted from the events."""

from collections import Counter
from io import BytesIO
from typing import Any

import httpx
import openpyxl
import pytest

from services.assistance.oversight import keep_ledgers
from shared.contracts.values import Gap
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.testing.decider import rule
from tests.integration.assistance.conftest import VILLAGE, Office
from tests.integration.assistance.support import (
    APPROVAL,
    JOB,
    SHA,
    identified,
    measure,
    publicized,
    with_a_job,
)

TOWN = VILLAGE[:9]
INCOME = {"wage_income": 4_000_000, "members": 4, "evidence": [SHA]}


async def sends(office: Office, path: str, text: str | bytes) -> httpx.Response:
    headers = {"x-person": "county", "content-type": "text/csv"}
    return await office.client.post(path, content=text, headers=headers)


async def eliminated(office: Office) -> tuple[str, str]:
    plan, job = await with_a_job(office)
    at = await publicized(office, plan)
    await office.does("committee", f"{at}/approval", APPROVAL)
    return plan, job


@rule("R106")
async def test_the_eliminated_are_refreshed_and_the_missing_listed(office: Office) -> None:
    plan, _ = await eliminated(office)

    async def missing(year: int) -> list[str]:
        answer = await office.get("county", "/after-care/missing", year=year)
        return [item["plan_id"] for item in answer.json()]

    assert await missing(2023) == []
    assert await missing(2024) == [plan]
    await office.today_is("2024-11-05")
    body = {"year": 2024, "income": INCOME, "new_risk": False}
    await office.does("village", f"/plans/{plan}/refreshes", body)
    assert await missing(2024) == []
    assert await missing(2025) == [plan]


@rule("R102")
async def test_what_ends_soon_is_listed(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    post = measure("WELFARE_POST", ends_on="2023-09-30")
    filed = await office.does("village", f"/plans/{plan}/measures", post)
    job = filed["events"][0]["data"]["measure_id"]
    await office.does("department", f"/plans/{plan}/measures/{job}/start")
    assert (await office.get("county", "/after-care/ending")).json() == []
    await office.today_is("2023-09-01")
    ending = (await office.get("county", "/after-care/ending")).json()
    assert [(item["measure_id"], item["ends_on"]) for item in ending] == [(job, "2023-09-30")]


@rule("R99")
async def test_the_quarters_file_is_answered_row_by_row(office: Office) -> None:
    nobody = {"labour_capable": False, "whole_household_no_labour": True}
    plan = await identified(office, **nobody)
    household = plan["household_id"]
    basis = {"basis": "DIBAO_FULL", "nobody_can_work": True, "evidence": [SHA]}
    await office.does("village", f"/plans/{plan['plan_id']}/no-labour", basis)
    await office.does("town", f"/plans/{plan['plan_id']}/no-labour/confirmation")
    stranger = new_id()
    rows = f"{household},DIBAO\n{stranger},NONE\nx,DIBAO\n{household},GOLD\n"
    file = f'household_id,benefit\n{rows}"{household},NONE\n'
    answer = (await sends(office, "/comparisons/2023Q1", file)).json()
    assert {name: answer[name] for name in ("rows", "changed", "unchanged", "wrong")} == {
        "rows": 5,
        "changed": 1,
        "unchanged": 0,
        "wrong": 4,
    }
    assert [(item["row"], item["field"], item["code"]) for item in answer["errors"]] == [
        (3, "household_id", "not-found"),
        (4, "household_id", "wrong-type"),
        (5, "benefit", "not-allowed"),
        (6, "", "malformed-csv"),
    ]
    again = (await sends(office, "/comparisons/2023Q1", file)).json()
    assert (again["changed"], again["unchanged"]) == (0, 1)
    titled = f"农户编号,地方,政策\n{household},某村,部分成员低保\nx,某村,无\n"
    once_more = (await sends(office, "/comparisons/2023Q1", titled)).json()
    assert (once_more["unchanged"], once_more["errors"][0]["field"]) == (1, "农户编号")
    (task,) = (await office.get("county", "/no-labour/mismatches")).json()
    assert (task["household_id"], task["mismatch"]) == (household, "BASIS_LOST")


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("household_id:benefit\n", "wrong-columns"),
        ("", "empty-file"),
        (b"household_id,benefit\n\xff\xfe,DIBAO\n", "wrong-encoding"),
    ],
)
async def test_a_file_that_is_none_is_refused(office: Office, file: str | bytes, code: str) -> None:
    answer = await sends(office, "/comparisons/2023Q1", file)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@rule("R99", "R110")
async def test_the_empty_tables_are_filled_in_and_sent_back(office: Office) -> None:
    household = (await identified(office))["household_id"]
    compared, file = await filled(office, "/comparisons/template", "政策", "无")
    assert compared == {household}
    answer = (await sends(office, "/comparisons/2023Q1", file)).json()
    assert (answer["changed"], answer["wrong"]) == (0, 0)
    peopled, file = await filled(office, "/populations/template", "农村户籍人口", 200)
    assert VILLAGE in peopled
    answer = (await sends(office, "/populations/2023", file)).json()
    assert (answer["rows"], answer["changed"], answer["wrong"]) == (len(peopled),) * 2 + (0,)
    forbidden = await office.get("village", "/comparisons/template")
    assert forbidden.status_code == 403


async def filled(office: Office, path: str, title: str, value: object) -> tuple[set[str], bytes]:
    """A template, and the same with a column filled in: what its rows are of, and the workbook."""
    book = openpyxl.load_workbook(BytesIO((await office.get("county", path)).content))
    titles, *rows = book.worksheets[0].iter_rows()
    at = [cell.value for cell in titles].index(title)
    for row in rows:
        row[at].value = value
    file = BytesIO()
    book.save(file)
    return {str(row[0].value) for row in rows}, file.getvalue()


@rule("R99")
async def test_a_workbook_of_the_quarter_and_who_is_not_in_it(office: Office) -> None:
    """A row twice, of another quarter or no household is answered; who is missing is listed."""
    flagged = [await flag(office) for _ in range(2)]
    workbook = Workbook()
    for row in (
        ("household_id", "benefit", "quarter"),
        (flagged[0], "DIBAO_FULL", "2023Q1"),
        (flagged[0], "NONE", "2023Q1"),
        (flagged[1], "NONE", "2022Q4"),
        (str(new_id()), "NONE", "2023Q1"),
    ):
        workbook.append(row)
    answer = (await sends(office, "/comparisons/2023Q1", workbook.content())).json()
    assert (answer["rows"], answer["changed"], answer["wrong"]) == (4, 1, 3)
    assert [(item["row"], item["code"]) for item in answer["errors"]] == [
        (3, "row-twice"),
        (4, "another-quarter"),
        (5, "not-found"),
    ]
    again = (await sends(office, "/comparisons/2023Q1", workbook.content())).json()
    assert (again["changed"], again["unchanged"], again["wrong"]) == (0, 1, 3)
    left = (await office.get("county", "/no-labour/uncompared", quarter="2023Q1")).json()
    assert [(item["household_id"], item["due_on"]) for item in left] == [(flagged[1], "2023-04-30")]
    await office.today_is("2023-05-01")
    await office.app.tick(system("assistance"))
    told = await office.rows(
        "select count(*) as n from es.event where type = 'DeadlineMissed' and data->>'rule' = 'R99'"
    )
    assert told == [{"n": 1}]
    asked = {"first": "2023-01-01", "last": "2023-12-31"}
    figures = (await office.get("county", "/figures", **asked)).json()
    assert figures["comparisons_overdue"] == 1


@rule("R99")
async def test_a_quarter_to_come_is_not_compared(office: Office) -> None:
    file = "household_id,benefit\n"
    answer = await sends(office, "/comparisons/2099Q4", file)
    assert (answer.status_code, answer.json()["code"]) == (422, "quarter-not-begun")
    file = f"division,people\n{VILLAGE},10\n{VILLAGE},11\n"
    answer = (await sends(office, "/populations/2099", file)).json()
    assert [(item["row"], item["code"]) for item in answer["errors"]] == [
        (2, "year-not-begun"),
        (3, "row-twice"),
    ]


class Workbook(openpyxl.Workbook):  # type: ignore[misc]
    """A workbook as an office sends it."""

    def append(self, row: tuple[str, ...]) -> None:
        self.active.append(row)

    def content(self) -> bytes:
        file = BytesIO()
        self.save(file)
        return file.getvalue()


async def flag(office: Office) -> str:
    """A household that village and town flagged on the day of its identification."""
    nobody = {"labour_capable": False, "whole_household_no_labour": True}
    plan = await identified(office, **nobody)
    basis = {"basis": "DIBAO_FULL", "nobody_can_work": True, "evidence": [SHA]}
    await office.does("village", f"/plans/{plan['plan_id']}/no-labour", basis)
    await office.does("town", f"/plans/{plan['plan_id']}/no-labour/confirmation")
    return str(plan["household_id"])


async def test_an_unknown_quarter_is_refused(office: Office) -> None:
    answer = await sends(office, "/comparisons/2023Q5", "household_id,benefit\n")
    assert answer.status_code == 422
    assert answer.json()["field"] == "quarter"


@rule("R110", "R111")
async def test_the_ledger_of_a_town_and_its_villages(office: Office) -> None:
    """Four people of 199 are over 2%, of 200 they are not; a flagged household does not count."""
    await identified(office)
    nobody = {"labour_capable": False, "whole_household_no_labour": True}
    flagged = (await identified(office, **nobody))["plan_id"]
    basis = {"basis": "DIBAO_FULL", "nobody_can_work": True, "evidence": [SHA]}
    await office.does("village", f"/plans/{flagged}/no-labour", basis)
    await office.does("town", f"/plans/{flagged}/no-labour/confirmation")
    file = f"division,people\n{VILLAGE},200\n370112001999,5\n{VILLAGE},many\n"
    answer = (await sends(office, "/populations/2023", file)).json()
    assert (answer["changed"], answer["wrong"]) == (1, 2)
    titled = f"行政区划代码,农村户籍人口,地方\n{VILLAGE},200\n"
    assert (await sends(office, "/populations/2023", titled)).json()["wrong"] == 1, "a cell short"
    assert [item["code"] for item in answer["errors"]] == ["unknown-division", "wrong-type"]
    ledger = (await office.get("county", "/ledger", division="370112")).json()
    assert ledger["items"] == []
    await sends(office, "/populations/2023", f"division,people\n{VILLAGE},199\n")
    ledger = (await office.get("county", "/ledger", division="370112")).json()
    assert [
        (item["division"], item["people"], item["population"], item["mass_relapse_risk"])
        for item in ledger["items"]
    ] == [(TOWN, 4, 199, True), (VILLAGE, 4, 199, False)]
    assert [[duty["done"] for duty in item["duties"]] for item in ledger["items"]] == [
        [False, False],
        [False, False],
    ]
    receipt = await office.does("county", "/ledger", {"town": TOWN})
    assert [event["type"] for event in receipt["events"]] == ["LedgerEntered", "LedgerEntered"]
    ledger = (await office.get("county", "/ledger", division=TOWN)).json()
    assert all(item["in_ledger"] for item in ledger["items"])
    assert (await office.does("county", "/ledger", {"town": TOWN}))["events"] == []


@rule("R76", "R110", "R111")
async def test_the_ledger_keeps_itself_and_is_gone_through(office: Office) -> None:
    """Every day it is counted; a review waits for the last household; a threat goes to the city."""
    await identified(office)
    elsewhere = await identified(office, division="370112001002")
    assert await keep_ledgers(office.app) == 0
    unknown = (await office.get("county", "/ledger", division=TOWN)).json()["population_unknown"]
    assert unknown == [VILLAGE, elsewhere["division"]]
    await sends(office, "/populations/2023", f"division,people\n{VILLAGE},100\n")
    assert await keep_ledgers(office.app) == 1
    assert await keep_ledgers(office.app) == 0
    listed = (await office.get("province", "/ledger/entered", division="3701")).json()
    assert [(item["division"], item["since"], item["review_due_on"]) for item in listed] == [
        (TOWN, "2023-03-10", "2023-04-10"),
        (VILLAGE, "2023-03-10", "2023-04-10"),
    ]
    assert [item["mass_relapse_risk"] for item in listed] == [True, False]
    review = {"town": TOWN, "mass_relapse_risk": True, "evidence": [SHA]}
    problem = await office.refused("county", "/ledger/reviews", review, rule="R111")
    assert problem["code"] == "households-without-a-measure"
    await office.refused("town", "/ledger/reviews", review, rule="R1", status=403)
    waiting = (await office.get("county", "/plans", lacking="HELP", division=VILLAGE)).json()
    (plan,) = [item["plan_id"] for item in waiting["items"]]
    filed = await office.does("village", f"/plans/{plan}/measures", JOB)
    job = filed["events"][0]["data"]["measure_id"]
    await office.does("town", f"/plans/{plan}/measures/{job}/start")
    assert (await office.get("county", "/plans", lacking="HELP", division=VILLAGE)).json()[
        "items"
    ] == []
    await office.today_is("2023-04-11")
    overdue = {"first": "2023-01-01", "last": "2023-12-31"}
    found = (await office.get("county", "/figures", **overdue)).json()
    assert found["ledger_reviews_overdue"] == 1
    reviewed = await office.does("county", "/ledger/reviews", review)
    assert reviewed["events"][0]["data"]["escalated_to"] == "3701"
    room = f"/evidence/{reviewed['id']}"
    report = {"content": b"%PDF-1.7\nreport", "headers": {"x-person": "county"}}
    assert (await office.client.post(room, **report)).status_code == 201
    [kept] = (await office.get("county", room)).json()["items"]
    assert kept["media_type"] == "application/pdf"
    assert (await office.get("other-village", room)).status_code == 404
    listed = (await office.get("county", "/ledger/entered")).json()
    assert [item["mass_relapse_risk"] for item in listed] == [True, True]
    assert listed[0]["review_due_on"] == "2023-05-11"


@pytest.mark.parametrize(
    ("town", "code"), [("370112", "wrong-division-level"), ("370112999", "unknown-division")]
)
async def test_a_ledger_is_a_towns(office: Office, town: str, code: str) -> None:
    answer = await office.post("county", "/ledger", {"town": town})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_ledger_of_another_county_is_not_shown(office: Office) -> None:
    assert (await office.get("county", "/ledger", division="370114")).status_code == 404
    answer = await office.get("province", "/ledger", division="3701")
    assert answer.json()["code"] == "one-county-at-a-time"


async def events_of(office: Office, *types: str) -> list[dict[str, Any]]:
    return await office.rows(
        "select type, data from es.event where type = any($1) order by pos", list(types)
    )


@rule("R92")
async def test_every_figure_equals_a_recount_from_the_events(office: Office) -> None:
    await eliminated(office)
    await identified(office, "2023-09-25", gaps=(Gap.HOUSING,))
    late = (await identified(office, "2023-09-26"))["plan_id"]
    await office.does("village", f"/plans/{late}/measures", measure("DIBAO"))
    await office.today_is("2023-10-28")
    asked = {"first": "2023-01-01", "last": "2023-12-31"}
    found = (await office.get("county", "/figures", **asked)).json()
    counted = Counter(row["type"] for row in await events_of(office, *RECOUNTED))
    assert found["identified"] == counted["PlanOpened"] == 3
    assert found["eliminated"] == counted["RiskEliminated"] == 1
    assert found["under_help"] == counted["PlanOpened"] - counted["AfterCareStarted"] == 2
    assert sum(item["filed"] for item in found["measures"]) == counted["MeasureFiled"] == 2
    assert sum(item["started"] for item in found["measures"]) == counted["MeasureStarted"] == 1
    assert (found["plans_made"], found["days_to_plan_median"]) == (1, 2)
    assert (found["plans_overdue"], found["measures_overdue"]) == (2, 1)
    assert (found["eliminated_early"], found["eliminated_naturally"]) == (0, 0)
    assert not [name for name in found if "ratio" in name or "target" in name]
    elsewhere = (await office.get("other-village", "/figures", **asked)).json()
    assert (elsewhere["identified"], elsewhere["measures"]) == (0, [])
    sheet = (await office.get("county", "/figures", **asked, format="csv")).text
    book = await office.get("county", "/figures", **asked, format="xlsx")
    assert book.headers["content-disposition"].endswith('figures-2023-01-01-2023-12-31.xlsx"')
    (shown,) = openpyxl.load_workbook(BytesIO(book.content)).worksheets
    rows = shown.iter_rows(values_only=True)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    assert lines == sheet.removeprefix("\ufeff").split("\r\n")[:-1]
    assert "measures_filed,DIBAO,INDUSTRY_POLICY,1" in lines
    before = {"first": "2023-01-01", "last": "2023-09-20"}
    earlier = (await office.get("county", "/figures", **before)).json()
    assert (earlier["under_help"], earlier["eliminated"]) == (1, 0), "as it was on that day"
    assert "measures_filed,DIBAO,INDUSTRY_POLICY,1" in sheet.splitlines()
    backwards = await office.get("county", "/figures", first="2023-02-01", last="2023-01-01")
    assert backwards.json()["code"] == "period-backwards"


RECOUNTED = (
    "PlanOpened",
    "RiskEliminated",
    "AfterCareStarted",
    "MeasureFiled",
    "MeasureStarted",
)


@rule("R114")
async def test_what_stands_out_is_listed(office: Office) -> None:
    for _ in range(10):
        await identified(office)
    found = (await office.get("county", "/findings/rush")).json()
    assert [(item["division"], item["code"], item["number"]) for item in found] == [
        ("370112", "identified-in-a-rush", 10)
    ]


@rule("R49")
async def test_off_register_help_is_listed(office: Office) -> None:
    household = str(new_id())
    help_ = {
        "household_id": household,
        "division": VILLAGE,
        "kind": "CASH",
        "fund": "SOCIAL_FORCES",
        "universal": False,
    }
    for _ in range(2):
        await office.post("village", "/help", help_)
    (finding,) = (await office.get("county", "/findings/off-register")).json()
    assert (finding["household_id"], finding["times"]) == (household, 2)
