"""Department files over HTTP: read as the department writes them, every row with its one fate."""

import asyncio
import csv
import gzip
import io
import json
from datetime import date
from multiprocessing import active_children
from multiprocessing.connection import wait
from typing import Any
from urllib.parse import quote

import openpyxl
import orjson
import pytest

from services.alerts.feed_work import FeedWorker
from services.alerts.handlers import AGGREGATES, VIEWS
from shared.contracts.alerts import RowFate
from shared.contracts.values import History
from shared.store.rebuild import rebuild
from shared.testing.decider import rule
from shared.vault.documents import check_character
from tests.integration.alerts.conftest import COUNTY, TOWN, VILLAGE, Desk, document_number

FEED = "feed:37:medical-insurance,education"
PROVINCE = "officer:37"
HEADER = "编号,预警类型,日期,期间,金额,行政区划代码,姓名,证件号码"
FATES = [fate.lower() for fate in RowFate]


def line(n: int, **changes: Any) -> str:
    given = {
        "id": f"YB-{n}",
        "type": "MEDICAL_STAY",
        "day": "2023-07-31",
        "period": "2023-07",
        "amount": "10000.01",
        "division": TOWN,
        "name": "王秀英",
        "number": document_number(n),
    } | changes
    return ",".join(str(value) for value in given.values())


def file(*lines: str) -> bytes:
    return "\n".join((HEADER, *lines)).encode()


def fates(**counts: int) -> dict[str, int]:
    return dict.fromkeys(FATES, 0) | counts


async def rows_of(desk: Desk, answer: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    found = await desk.get(f"/feed-files/{answer['id']}/rows?limit=1000{query}", PROVINCE)
    items: list[dict[str, Any]] = found.json()["items"]
    return items


@rule("R42", "K4")
async def test_every_row_has_one_fate_and_the_fates_add_up(desk: Desk) -> None:
    known = await desk.household(document_number(1))
    await desk.household(document_number(2))
    await desk.household(document_number(5))
    await desk.household(document_number(5))
    sent = await desk.send(
        "/feed-files/medical-insurance",
        file(
            line(1),
            line(2, amount="10000.00"),
            line(3),
            line(1),
            line(4, number=document_number(4)[:-1] + "0"),
            line(5),
            line(6, amount='"6,000"'),
            line(7, amount="6000.01元", day="2023年7月31日"),
        ),
        FEED,
    )
    assert sent.json()["status"] == "RECEIVED"
    answer = await desk.compared(sent)
    assert answer["status"] == "FINISHED"
    assert answer["fates"] == fates(
        lead=1, unmatched=2, ambiguous=1, below_threshold=2, repeated=1, refused=1
    )
    assert sum(answer["fates"].values()) == answer["rows"] == 8
    rows = await rows_of(desk, answer)
    assert [(row["n"], row["fate"]) for row in rows] == [
        (2, "LEAD"),
        (3, "BELOW_THRESHOLD"),
        (4, "UNMATCHED"),
        (5, "REPEATED"),
        (6, "REFUSED"),
        (7, "AMBIGUOUS"),
        (8, "BELOW_THRESHOLD"),
        (9, "UNMATCHED"),
    ]
    assert rows[0]["household_id"] == str(known)
    assert (rows[4]["code"], rows[4]["field"]) == ("document-number-checksum", "document_number")
    received = await desk.events("AlertReceived")
    reported = await desk.events("RiskReported")
    # Who seems unknown is looked up again, and so comes last.
    assert [item["fate"] for item in received] == ["LEAD", "AMBIGUOUS", "UNMATCHED", "UNMATCHED"]
    assert [item["lead_id"] for item in reported] == [item["lead_id"] for item in received]
    assert {row["lead_id"] for row in rows} - {None} == {item["lead_id"] for item in reported}


async def test_a_row_of_a_file_becomes_what_it_would_have_become_by_itself(desk: Desk) -> None:
    """The events of a file's row are those of ``POST /alerts``, to the last field."""
    for serial, history in ((1, History.FORMERLY_POOR), (2, History.ORDINARY)):
        await desk.household(document_number(serial), history=history)
    lines = [
        line(serial, type="MEDICAL_YEAR", amount="7000", period="2023") for serial in (1, 2, 3)
    ]
    await desk.compared(await desk.send("/feed-files/medical-insurance", file(*lines), FEED))
    for serial in (1, 2, 3):
        posted = {
            "feed": "medical-insurance",
            "external_id": f"POSTED-{serial}",
            "type": "MEDICAL_YEAR",
            "happened_on": "2023-07-31",
            "period": "2023",
            "amount": 700_000,
            "division": TOWN,
            "person": {"name": "王秀英", "document_number": document_number(serial)},
        }
        await desk.done("/alerts", posted, FEED)
    received = await desk.events("AlertReceived")
    own = {"alert_id", "lead_id", "person_id"}
    by_file = received[:2]
    by_post = [item for item in received[2:] if item["fate"] != "BELOW_THRESHOLD"]
    plain = [
        [{name: value for name, value in item.items() if name not in own} for item in items]
        for items in (by_file, by_post)
    ]
    assert plain[0] == plain[1]
    assert [item["fate"] for item in by_file] == ["LEAD", "UNMATCHED"]
    leads = [
        {name: value for name, value in item.items() if name not in own}
        for item in await desk.events("RiskReported")
    ]
    assert leads[:2] == leads[2:]


@rule("R42")
async def test_a_file_sent_twice_changes_nothing(desk: Desk) -> None:
    content = file(line(1), line(2, amount="1"), line(3, number="x"))
    first = await desk.compared(await desk.send("/feed-files/medical-insurance", content, FEED))
    events = await desk.events()
    again = await desk.send("/feed-files/medical-insurance", content, FEED)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first
    assert await desk.events() == events


@rule("R42")
async def test_rows_are_recognised_in_other_files_and_by_themselves(desk: Desk) -> None:
    first = file(line(1), line(2, amount="1"))
    await desk.compared(await desk.send("/feed-files/medical-insurance", first, FEED))
    second = file(
        line(2, amount="1"), line(1), line(1, amount="20000"), line(3, id=""), line(3, id="")
    )
    answer = await desk.compared(await desk.send("/feed-files/medical-insurance", second, FEED))
    assert answer["fates"] == fates(repeated=3, refused=1, unmatched=1)
    assert [row["code"] for row in await rows_of(desk, answer, "&fate=REFUSED")] == [
        "alert-id-reused"
    ]
    posted = {
        "feed": "medical-insurance",
        "external_id": "YB-9",
        "type": "MEDICAL_STAY",
        "happened_on": "2023-07-31",
        "period": "2023-07",
        "amount": 1_000_001,
        "division": TOWN,
        "person": {"name": "王秀英", "document_number": document_number(9)},
    }
    await desk.done("/alerts", posted, FEED)
    third = file(line(9), line(10))
    answer = await desk.compared(await desk.send("/feed-files/medical-insurance", third, FEED))
    assert answer["fates"] == fates(repeated=1, unmatched=1)
    await desk.refused(
        "/alerts",
        posted | {"external_id": "YB-10", "amount": 5},
        FEED,
        "alert-id-reused",
    )


async def test_a_million_identical_rows_are_one_alert(desk: Desk) -> None:
    """A hundred thousand of them stand in for a million."""
    content = file(*[line(1)] * 100_000)
    sent = await desk.send("/feed-files/medical-insurance", gzip.compress(content), FEED)
    answer = await desk.compared(sent, rows=30_000)
    assert answer["fates"] == fates(unmatched=1, repeated=99_999)
    assert answer["rows"] == sum(answer["fates"].values())
    assert len(await desk.events("RiskReported")) == 1


async def test_a_worker_that_died_in_the_middle_is_gone_on_from_where_it_was(desk: Desk) -> None:
    content = file(*[line(n, amount=str(5_500 + n)) for n in range(1_000)])
    sent = await desk.send("/feed-files/medical-insurance", content, FEED)
    file_id = sent.json()["id"]
    execute, done = desk.app.execute, []

    async def dies(command: Any, *rest: Any, **options: Any) -> Any:
        if len(done) == 3:
            raise ConnectionError("the plug was pulled")
        done.append(command)
        return await execute(command, *rest, **options)

    async with desk.worker(rows=100) as worker:
        desk.app.execute = dies  # type: ignore[method-assign]
        await worker.once()
    desk.app.execute = execute  # type: ignore[method-assign]
    halfway = (await desk.get(f"/feed-files/{file_id}", PROVINCE)).json()
    assert (halfway["status"], halfway["rows"], halfway["last_row"]) == ("COMPARING", 300, 301)
    assert halfway["expected"] == 1_000
    answer = await desk.compared(sent, rows=300)
    assert answer["fates"] == fates(below_threshold=501, unmatched=499)
    assert [row["n"] for row in (await _all(desk, file_id))] == list(range(2, 1_002))
    compared = await desk.events("FeedCompared")
    assert [item["block"] for item in compared] == list(range(1, len(compared) + 1))
    async with desk.app.database.reading() as tx:
        assert await tx.raw.fetchval("select count(*) from feeds.part") == 0


async def _all(desk: Desk, file_id: str) -> list[dict[str, str]]:
    answer = await desk.get(f"/feed-files/{file_id}/rows.jsonl", PROVINCE)
    return [orjson.loads(text) for text in answer.content.splitlines()]


async def test_rows_are_read_in_a_process_of_their_own_that_ends_with_ours(desk: Desk) -> None:
    content = file(line(1), line(2, amount="1"))
    sent = await desk.send("/feed-files/medical-insurance", content, FEED)
    worker = FeedWorker(desk.app, desk.tools)
    try:
        assert await worker.once()
        (child,) = active_children()
    finally:
        worker.close()
    # Not joined: the pool joins it too, and only one of two can.
    assert await asyncio.to_thread(wait, [child.sentinel], 30), "it ends with ours"
    answer = (await desk.get(f"/feed-files/{sent.json()['id']}", PROVINCE)).json()
    assert answer["fates"] == fates(unmatched=1, below_threshold=1)


async def test_results_are_downloaded_as_tables(desk: Desk) -> None:
    content = file(line(1), line(2, amount="一万"), line(3, type="单次住院"))
    answer = await desk.compared(await desk.send("/feed-files/medical-insurance", content, FEED))
    sheet = await desk.get(f"/feed-files/{answer['id']}/rows.xlsx", FEED)
    (table,) = openpyxl.load_workbook(io.BytesIO(sheet.content)).worksheets
    assert table.title == "逐行结果"
    header, first, second, third = table.iter_rows(values_only=True)
    assert header[:7] == ("行号", "结果", "原因", "字段", "预警种类", "日期", "金额(元)")
    assert first[:7] == (2, "未找到农户", "", "", "单次住院自付过高", "2023-07-31", 10000.01)
    assert table["G2"].number_format == "#,##0.00"
    assert second[:4] == (3, "有误", "应为金额(元),至多两位小数", "金额列")
    kinds = "没有这种预警:可填单次住院自付过高、年度自付过高"
    assert third[:4] == (4, "有误", kinds, "预警种类列")
    text = (await desk.get(f"/feed-files/{answer['id']}/rows.csv?fate=REFUSED", FEED)).text
    read = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [(row["行号"], row["原因代码"]) for row in read] == [
        ("3", "not-an-amount"),
        ("4", "not-allowed"),
    ]
    # The preview says the same as the results do, and the list too.
    tried = await desk.send("/feed-files/medical-insurance/preview", content, FEED)
    words = [row["refused"]["detail"] for row in tried.json()["rows"] if "refused" in row]
    assert words == [row["detail"] for row in await rows_of(desk, answer) if row["detail"]]
    assert words == [second[2], kinds]


@rule("R42")
async def test_kinds_are_taken_by_their_names_and_several_in_one_file(desk: Desk) -> None:
    content = file(line(1, type="单次住院自付过高"), line(2, type="年度自付过高"), line(3))
    answer = await desk.compared(await desk.send("/feed-files/medical-insurance", content, FEED))
    rows = await rows_of(desk, answer)
    assert [row["type"] for row in rows] == ["MEDICAL_STAY", "MEDICAL_YEAR", "MEDICAL_STAY"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_a_template_has_the_mapping_s_titles_and_nobody_in_it(desk: Desk, kind: str) -> None:
    columns = {
        "name": "患者",
        "document_number": "身份证",
        "happened_on": "出院日期",
        "type": "类别",
    }
    mapping = {"header_row": 2, "columns": {**columns, "amount": "自付"}, "division": COUNTY}
    await desk.done("/feeds/mappings", {"feed": "medical-insurance", "mapping": mapping}, PROVINCE)
    configured = (await desk.get("/feeds/medical-insurance", FEED)).json()
    assert [(item["title"], item["required"]) for item in configured["columns"]] == [
        ("类别", True),
        ("出院日期", True),
        ("自付", False),
        ("患者", True),
        ("身份证", True),
    ]
    empty = await desk.get(f"/feeds/medical-insurance/template.{kind}", FEED)
    assert empty.status_code == 200
    tried = await desk.send("/feed-files/medical-insurance/preview", empty.content, FEED)
    assert tried.json()["header"] == ["类别", "出院日期", "自付", "患者", "身份证"]
    # Left in the file, neither the explanations nor the example are anybody's alert.
    answer = await desk.compared(
        await desk.send("/feed-files/medical-insurance", empty.content, FEED)
    )
    assert answer["fates"] == fates(refused=2)
    (last,) = [row for row in await rows_of(desk, answer) if row["n"] == 4]
    assert last["code"] == "document-number-checksum"
    assert (await desk.get(f"/feeds/nobody/template.{kind}", FEED)).status_code in {404, 422}


async def test_a_department_s_own_columns_are_mapped_and_tried_before(desk: Desk) -> None:
    book = openpyxl.Workbook()
    book.active.append(["章丘区七月住院自付情况", "", "", "", "", ""])
    book.active.merge_cells("A1:F1")
    book.active.append(["流水号", "患者", "身份证", "类别", "出院日期", "自付(元)"])
    book.active.append(["A1", "王秀英", document_number(1), "住院", date(2023, 7, 31), 12000.5])
    book.active.append(["A2", "李强", int(document_number(12)[:-1] + "0"), "住院", "2023/7/31", 9])
    target = io.BytesIO()
    book.save(target)
    mapping = {
        "header_row": 2,
        "columns": {
            "external_id": "流水号",
            "name": "患者",
            "document_number": "身份证",
            "type": "类别",
            "happened_on": "出院日期",
            "amount": "自付(元)",
        },
        "types": {"住院": "MEDICAL_STAY"},
        "division": COUNTY,
    }
    refused = await desk.send("/feed-files/medical-insurance", target.getvalue(), FEED)
    assert (refused.status_code, refused.json()["code"]) == (422, "header-not-text")
    tried = await desk.send(
        f"/feed-files/medical-insurance/preview?mapping={quote(json.dumps(mapping))}",
        target.getvalue(),
        FEED,
    )
    shown = tried.json()["rows"]
    assert shown[0]["alert"]["amount"] == 1_200_050
    assert shown[0]["alert"]["person"] == {
        "name": "王**",
        "document_number": "3701**********001*",
    } or (document_number(1) not in tried.text)
    assert shown[1]["refused"]["code"] == "digits-lost"
    assert await desk.events() == []
    await desk.done("/feeds/mappings", {"feed": "medical-insurance", "mapping": mapping}, PROVINCE)
    sent = await desk.send("/feed-files/medical-insurance", target.getvalue(), FEED)
    answer = await desk.compared(sent)
    assert answer["fates"] == fates(unmatched=1, refused=1)
    configured = (await desk.get("/feeds/medical-insurance", FEED)).json()
    assert (configured["mapping_number"], configured["mapping"]["division"]) == (1, COUNTY)


@rule("K7", "R42")
async def test_thresholds_hold_from_their_day_on(desk: Desk) -> None:
    threshold = {
        "type": "MEDICAL_STAY",
        "population": "ORDINARY",
        "amount": 500_000,
        "inclusive": True,
        "effective_from": "2023-08-10",
        "document": "鲁医保发〔2023〕9号",
    }
    given = {"feed": "medical-insurance", "threshold": threshold}
    await desk.refused("/feeds/thresholds", given, FEED, "forbidden")
    await desk.done("/feeds/thresholds", given, PROVINCE)
    backdated = {**given, "threshold": {**threshold, "effective_from": "2023-07-31"}}
    problem = await desk.refused("/feeds/thresholds", backdated, PROVINCE, "threshold-backdated")
    assert problem["rule"] == "K7"
    await desk.household(document_number(1))
    await desk.household(document_number(2))
    await desk.today("2023-08-20")
    lines = [
        line(1, amount="5000", day="2023-08-09"),
        line(2, amount="5000", day="2023-08-10"),
        line(2, id="YB-3", amount="4999.99", day="2023-08-10"),
    ]
    sent = await desk.send("/feed-files/medical-insurance", file(*lines), FEED)
    assert (await desk.compared(sent))["fates"] == fates(lead=1, below_threshold=2)
    shown = (await desk.get("/feeds/medical-insurance", FEED)).json()["thresholds"]
    assert shown[0]["document"] == threshold["document"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"a,b\n1,2\n", "columns-missing"),
        (file(line(1)) + "王".encode()[:1], "wrong-encoding"),
        (gzip.compress(file(line(1)))[:-4], "truncated-file"),
        (b"PK\x03\x04 cut off", "damaged-workbook"),
    ],
)
async def test_a_file_that_is_none_is_refused_at_once(
    desk: Desk, content: bytes, code: str
) -> None:
    answer = await desk.send("/feed-files/medical-insurance", content, FEED)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        422,
        code,
        "file",
    )
    assert await desk.events() == []


async def test_files_are_their_sender_s_and_their_division_s(desk: Desk) -> None:
    content = file(line(1), line(2, division="371721"), line(3, division="37"))
    sender = f"feed:{COUNTY[:4]}:medical-insurance"
    answer = await desk.compared(await desk.send("/feed-files/medical-insurance", content, sender))
    assert answer["fates"] == fates(unmatched=1, refused=2)
    codes = [row["code"] for row in await rows_of(desk, answer, "&fate=REFUSED")]
    assert codes == ["forbidden", "division-too-wide"]
    path = f"/feed-files/{answer['id']}"
    assert (await desk.get(path, f"officer:{COUNTY[:4]}")).status_code == 200
    assert (await desk.get(path, "officer:3717")).status_code == 404
    assert (await desk.get(path, "feed:37:education")).status_code == 404
    assert (await desk.get("/feed-files", "feed:37:education")).json()["items"] == []
    assert len((await desk.get("/feed-files?status=FINISHED", FEED)).json()["items"]) == 1
    denied = await desk.send("/feed-files/housing", content, FEED)
    assert (denied.status_code, denied.json()["code"]) == (403, "forbidden")
    unknown = await desk.send("/feed-files/nobody", content, FEED)
    assert unknown.status_code == 404


@rule("R42")
async def test_a_household_registered_later_finds_the_leads_of_a_file(desk: Desk) -> None:
    content = file(*[line(n) for n in range(1, 30)])
    await desk.compared(await desk.send("/feed-files/medical-insurance", content, FEED))
    household = await desk.household(document_number(7))
    (matched,) = await desk.events("LeadMatched")
    assert (matched["household_id"], matched["division"]) == (str(household), VILLAGE)


async def test_a_certificate_matches_by_either_number(desk: Desk) -> None:
    body = "37018119650308077"
    number = body + check_character(body)
    await desk.household(number)
    content = file(line(1, number=number + "31"), line(2, number=number + "31B1"))
    answer = await desk.compared(await desk.send("/feed-files/medical-insurance", content, FEED))
    assert answer["fates"] == fates(lead=2)


@pytest.mark.parametrize("also", [(), ("31",)], ids=["one token each", "one with several"])
async def test_a_row_below_says_whose_it_is_if_that_is_one_household(
    desk: Desk, also: tuple[str, ...]
) -> None:
    """A certificate's holder by the identity number; a household registered later as well."""
    own = await desk.household(document_number(1))
    for _ in range(2):
        await desk.household(document_number(2))
    small = [line(n, amount="1") for n in (1, 2, 3)]
    small += [line(4, amount="1", number=document_number(1) + more) for more in also]
    answer = await desk.compared(
        await desk.send("/feed-files/medical-insurance", file(*small), FEED)
    )
    assert answer["fates"] == fates(below_threshold=len(small))
    found = [row["household_id"] for row in await rows_of(desk, answer)]
    assert found == [str(own), None, None, *([str(own)] * len(also))]
    later = await desk.household(document_number(3))
    assert (await rows_of(desk, answer))[2]["household_id"] == str(later)


async def test_no_personal_data_of_a_file_leaves_the_vault(desk: Desk) -> None:
    content = file(line(1), line(2, amount="1"))
    await desk.send("/feed-files/medical-insurance", content, FEED)
    async with desk.app.database.reading() as tx:
        parts = await tx.raw.fetch("select content from feeds.part")
    assert parts
    assert not any("王秀英".encode() in row["content"] for row in parts)
    async with desk.worker() as worker:
        while await worker.once():
            pass
    async with desk.app.database.reading() as tx:
        events = await tx.raw.fetchval("select string_agg(data::text, '') from es.event")
        rows = await tx.raw.fetchval("select string_agg(r::text, '') from feeds.row r")
        people = await tx.raw.fetchval("select count(*) from vault.record")
    for secret in ("王秀英", document_number(1), document_number(2)):
        assert secret not in events
        assert secret not in rows
    assert people == 1, "of whom nobody asked, nothing personal is kept"


async def test_what_was_kept_of_rows_cannot_be_changed(desk: Desk) -> None:
    await desk.compared(await desk.send("/feed-files/medical-insurance", file(line(1)), FEED))
    async with desk.app.database.reading() as tx:
        for statement in ("update feeds.row set fate = 'LEAD'", "delete from feeds.row"):
            with pytest.raises(Exception, match="permission denied"):
                await tx.raw.execute(statement)


async def test_a_rebuild_gives_the_files_that_were_there(desk: Desk) -> None:
    answer = await desk.compared(
        await desk.send("/feed-files/medical-insurance", file(line(1), line(2)), FEED)
    )
    await rebuild(desk.url.replace("_writer", "_owner"), "alerts", AGGREGATES, VIEWS)
    assert (await desk.get(f"/feed-files/{answer['id']}", PROVINCE)).json() == answer
    assert len((await desk.get("/alerts", FEED)).json()["items"]) == 2
