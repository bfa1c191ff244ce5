"""A county's file of households: tried out, taken in, answered by row, sent again."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

import pytest

from services.identification import form
from services.identification.read_models import lookups
from shared.tabular.reading import open_table
from shared.tabular.writing import Format, write
from shared.testing.casework import PEOPLE, VILLAGE, World, document
from shared.testing.decider import rule

HOME = {"所属村代码": VILLAGE, "是否脱贫户": "否", "家庭住址": "某村1号", "联系电话": "13800001234"}


def row(key: str, relation: str = "户主", **more: str) -> dict[str, str]:
    person = {
        "姓名": "某某人",
        "证件号码": document(),
        "与户主关系": relation,
        "劳动技能": "普通劳动力",
    }
    return {form.KEY: key, **(HOME if relation == "户主" else {}), **person, **more}


def xlsx(rows: list[dict[str, str]]) -> bytes:
    file = BytesIO()
    write(Format.XLSX, {title: title for title in form.COLUMNS}, rows, file)
    return file.getvalue()


async def sent(
    world: World, content: bytes, *, who: str = "county", preview: bool = False
) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    """The lines about households, and the summary."""
    answer = await world.client.post(
        "/households/import",
        params={"preview": preview},
        content=content,
        headers={**PEOPLE[who], "Accept-Language": "en"},
    )
    assert answer.status_code == 200, answer.text
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    return lines, last["summary"]


def counts(**some: int) -> dict[str, int]:
    return {"registered": 0, "already": 0, "refused": 0, **some}


async def test_a_file_is_tried_taken_in_and_sent_again(world: World) -> None:
    member = row("1", "父母", 劳动技能="弱劳动力或半劳动力", 享受保障="农村低保、分散供养特困",
                 健康状况="长期慢性病", 参保情况="居民医保;居民养老", 务工月数="3")  # fmt: skip
    content = xlsx([row("1"), member, row("2", 联系电话="", 户编号="370114000002")])
    _, tried = await sent(world, content, preview=True)
    assert tried == {"rows": 3, **counts(registered=2), "preview": True}
    assert (await world.get("county", "/households"))["items"] == []
    lines, done = await sent(world, content)
    assert done == {"rows": 3, **counts(registered=2), "preview": False}
    assert [(line["rows"], line["outcome"]) for line in lines] == [
        ([2, 3], "registered"),
        ([4], "registered"),
    ]
    shown = await world.get("county", f"/households/{lines[0]['id']}")
    parent = shown["members"][1]
    assert (parent["labour"], parent["benefits"]) == ("WEAK", ["RURAL_DIBAO", "SCATTERED_SUPPORT"])
    seen = await world.does(
        "village",
        f"/households/{lines[0]['id']}/reveal",
        purpose="VERIFICATION",
        records=[parent["details_id"]],
        fields=["health", "insurances", "months_worked"],
    )
    assert seen["data"][parent["details_id"]] == {
        "health": "CHRONIC",
        "insurances": ["RESIDENT_MEDICAL", "RESIDENT_PENSION"],
        "months_worked": 3,
    }
    again, summary = await sent(world, content)
    assert summary == {"rows": 3, **counts(already=2), "preview": False}
    assert [line["id"] for line in again] == [line["id"] for line in lines]
    _, tried = await sent(world, content, preview=True)
    assert tried["refused"] == 2


async def test_a_bad_row_takes_its_household_and_nobody_else_along(world: World) -> None:
    twice = row("8")
    rows = [
        row("1"),
        row("2", 劳动技能="不清楚"),
        row("3"),
        row("3", "子女", 证件号码="370181198001010019"),
        row("4"),
        row("", "子女"),
        row("5"),
        row("1", "子女"),
        row("6"),
        row("6", "子女", 家庭住址="别处"),
        row("7", 务工月数="13"),
        twice,
        {**twice, form.KEY: "9", "劳动技能": "无劳动力"},
        row("10", 所属村代码="371721001001"),
        row("11", 所属村代码="370114101999"),
        row("12", "配偶", **HOME),
        row("13"),
    ]
    lines, summary = await sent(world, xlsx(rows))
    assert summary == {"rows": 17, **counts(registered=4, refused=10), "preview": False}
    wrong = {
        (error["row"], error["field"], error["code"])
        for line in lines
        for error in line.get("errors", ())
    }
    assert wrong == {
        (3, "劳动技能", "not-allowed"),
        (5, "证件号码", "document-number-checksum"),
        (7, form.KEY, "no-household-number"),
        (9, form.KEY, "household-scattered"),
        (11, "家庭住址", "household-differs"),
        (12, "务工月数", "out-of-range"),
        (14, "", "document-twice-in-file"),
        (15, "", "forbidden"),
        (16, "所属村代码", "unknown-division"),
        (17, "", "one-head"),
    }
    assert "某某人" not in json.dumps(lines, ensure_ascii=False)
    async with world.database.reading() as tx:
        assert await tx.raw.fetchval("select count(*) from rm.household") == 4


@rule("R25")
async def test_a_preview_sees_a_person_in_two_households_of_the_file(world: World) -> None:
    twice = row("1")
    lines, summary = await sent(world, xlsx([twice, {**twice, form.KEY: "2"}]), preview=True)
    assert (summary["registered"], summary["refused"]) == (1, 1)
    assert lines[1]["errors"][0]["code"] == "document-twice-in-file"


async def test_what_is_no_such_table_is_refused_before_anything_is_done(world: World) -> None:
    header = ",".join(form.COLUMNS)
    for content, status, code in (
        (b"", 422, "empty-file"),
        (b"PK\x03\x04 no workbook", 422, None),
        ("户序号,姓名\n1,某\n".encode(), 422, "wrong-columns"),
        (f"{header},鞋码\n".encode(), 422, "wrong-columns"),
    ):
        answer = await world.client.post(
            "/households/import", content=content, headers=PEOPLE["county"]
        )
        assert answer.status_code == status, answer.text
        assert code is None or answer.json()["code"] == code
    answer = await world.client.post(
        "/households/import", content=b"x", headers=PEOPLE["inspector"]
    )
    assert answer.status_code == 403


async def test_a_file_of_a_chinese_spreadsheet_is_read_too(world: World) -> None:
    text = StringIO()
    rows = [row("一户")]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    _, summary = await sent(world, text.getvalue().encode("gb18030"))
    assert summary["registered"] == 1


async def test_the_template_is_a_table_with_the_form_s_columns(world: World) -> None:
    answer = await world.client.get("/households/import/template")
    with open_table(BytesIO(answer.content)) as table:
        assert table.header == form.COLUMNS
        assert len(list(table.rows())) == 1


@pytest.mark.parametrize(
    "field",
    [
        *("relation", "hukou", "labour", "benefits", "residence_leads", "health"),
        *("political", "education", "at_school", "insurances"),
    ],
)
def test_every_code_has_its_word_on_the_form(field: str) -> None:
    codes = form.codes(field)
    assert set(codes) == set(type(codes[0]))
    assert len(codes) == len(set(codes))
    assert all(form.shown(field, code) != str(code) for code in codes)


BY_ITSELF = {
    "division": VILLAGE,
    "hukou_place": VILLAGE,
    "residence": VILLAGE,
    "history": "ORDINARY",
    "address": "某村1号",
    "phone": "13800001234",
}


async def kept(world: World, household: str) -> dict[str, Any]:
    """All that the database keeps of a household, ids and what is sealed aside."""
    ids: dict[str, str] = {}

    def plain(text: str) -> str:
        found = re.sub(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            lambda match: ids.setdefault(match[0], f"id {len(ids)}"),
            text,
        )
        return re.sub(r"\b[0-9a-f]{34}\b", "token", found)

    async with world.database.reading() as tx:
        tables = {}
        for table, of in (
            ("es.event", "stream_id"),
            ("rm.household", "stream_id"),
            ("rm.household_token", "stream_id"),
            ("vault.data_key", "owner"),
            ("vault.record", "owner"),
        ):
            rows = await tx.raw.fetch(
                f"select to_jsonb(t) - $2::text[] as row from {table} t where t.{of} = $1"
                " order by ctid",
                UUID(household),
                [
                    *("pos", "tx", "meta", "recorded_at", "event_id", "created_at", "updated_at"),
                    *("wrapped", "nonce", "ciphertext", "id"),
                ],
            )
            tables[table] = [plain(json.dumps(row["row"], sort_keys=True)) for row in rows]
    return tables


@rule("R11", "R25")
async def test_a_file_s_household_is_kept_as_one_that_comes_by_itself(world: World) -> None:
    people = [row("1"), row("1", "父母", 劳动技能="丧失劳动力", 健康状况="残疾")]
    lines, _ = await sent(world, xlsx(people))
    members = [
        {"relation": "HEAD", "labour": "ORDINARY"},
        {"relation": "PARENT", "labour": "LOST", "details": {"health": "DISABLED"}},
    ]
    named = [{"name": "某某人", "document_number": document(), **member} for member in members]
    alone = await world.does("county", "/households", **BY_ITSELF, members=named)
    assert await kept(world, lines[0]["id"]) == await kept(world, alone["id"])


async def test_a_longer_file_goes_on_where_a_shorter_one_ended(world: World) -> None:
    rows = [row(str(number)) for number in range(4)]
    first, _ = await sent(world, xlsx(rows[:2]))
    lines, summary = await sent(world, xlsx(rows))
    assert summary == {"rows": 4, **counts(already=2, registered=2), "preview": False}
    assert [line["id"] for line in lines[:2]] == [line["id"] for line in first]


@rule("R25")
@pytest.mark.parametrize("preview", [True, False])
async def test_who_is_registered_elsewhere_meanwhile_is_refused_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, *, preview: bool
) -> None:
    there = row("1")
    await sent(world, xlsx([there]))
    looked_up = lookups.held

    async def too_early(connection: Any, tokens: Sequence[str]) -> Sequence[str]:
        # Together they are looked up before the other request commits; one by one, after it.
        return [] if len(tokens) > 1 else await looked_up(connection, tokens)

    monkeypatch.setattr(lookups, "held", too_early)
    rows = [row("1"), {**there, form.KEY: "2", "劳动技能": "无劳动力"}, row("3")]
    lines, summary = await sent(world, xlsx(rows), preview=preview)
    assert summary == {"rows": 3, **counts(registered=2, refused=1), "preview": preview}
    assert [error["code"] for error in lines[1]["errors"]] == ["document-registered"]
    async with world.database.reading() as tx:
        kept_now = await tx.raw.fetchval("select count(*) from rm.household")
    assert kept_now == (1 if preview else 3)
