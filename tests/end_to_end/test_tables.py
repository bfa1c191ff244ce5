"""Tables sent over the console's pages, without scripts: tried, taken in, answered row by row."""

import re
from contextlib import closing
from io import BytesIO

import httpx
import pytest
from openpyxl import load_workbook

from shared.testing.casework import VILLAGE, document
from tests.end_to_end.system import System
from tests.end_to_end.visitor import signed_in

HEADER = "户序号,所属村代码,是否脱贫户,家庭住址,姓名,证件号码,与户主关系,劳动技能"


def sends(
    browser: httpx.Client, path: str, content: str | bytes | None, **fields: str
) -> httpx.Response:
    """Fill in the form of a page and send it."""
    token = re.search(r'name="_csrf" value="(\w+)"', browser.get(path).text)
    assert token is not None
    raw = content.encode() if isinstance(content, str) else content
    files = {"file": ("table.csv", raw, "text/csv")} if raw is not None else None
    return browser.post(path, data={"_csrf": token[1], **fields}, files=files)


def counted(page: str) -> dict[str, int]:
    """The counts that a page ends with."""
    return {name: int(count) for name, count in re.findall(r"<li>(\S+) (\d+)</li>", page)}


def test_a_county_file_is_tried_taken_in_and_sent_again(system: System) -> None:
    homes = [f"{n},{VILLAGE},否,某村,某某,{document()},户主,普通劳动力" for n in range(3)]
    wrong = f"9,{VILLAGE},否,某村,某某,123456,户主,普通劳动力"
    file = "\n".join([HEADER, *homes, wrong]) + "\n"
    with closing(signed_in(system, "county-officer")) as browser:
        assert "/tables/households" in browser.get("/households").text
        template = browser.get("/tables/households/template")
        titles = [cell.value for cell in next(load_workbook(BytesIO(template.content)).active.rows)]
        assert set(HEADER.split(",")) <= set(titles)
        tried = sends(browser, "/tables/households", file, do="preview")
        assert "没有登记任何农户" in tried.text
        assert counted(tried.text) == {"行数": 4, "登记户数": 3, "此前已登记": 0, "有误": 1}
        done = sends(browser, "/tables/households", file, do="send")
        assert counted(done.text) == {"行数": 4, "登记户数": 3, "此前已登记": 0, "有误": 1}
        assert '<td class="number">5</td><td>证件号码</td>' in done.text
        assert "123456" not in done.text
        assert done.text.rstrip().endswith("</html>")
        again = sends(browser, "/tables/households", file, do="send")
        assert counted(again.text) == {"行数": 4, "登记户数": 0, "此前已登记": 3, "有误": 1}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_who_sends_alerts_is_told_what_they_look_like(system: System, kind: str) -> None:
    with closing(signed_in(system, "county-officer")) as browser:
        assert "/files/new?feed=education" in browser.get("/files/new").text
        page = browser.get("/files/new?feed=education").text
        for word in ("证件号码", "必填", "教育支出过高", "疑似失学辍学", "DROPOUT"):
            assert word in page
        assert "单次住院自付过高" not in page
        filled = browser.get(f"/files/education/template.{kind}")
        assert filled.headers["content-disposition"].endswith(f"%E6%9D%BF.{kind}")
        tried = sends(
            browser, "/files/new?feed=education", filled.content, feed="education", do="preview"
        )
        assert "证件号码校验位不正确" in tried.text


def test_a_mapping_on_trial_is_never_taken_for_the_one_in_force(system: System) -> None:
    own = {"column.name": "学生", "column.document_number": "证号", "column.happened_on": "离校日"}
    own |= {"type": "DROPOUT", "division": VILLAGE, "called.DROPOUT": "辍学、失学"}
    file, there = "学生,证号,离校日\n某某,123,2023-06-01\n", "/files/new?feed=education"
    with closing(signed_in(system, "county-officer")) as county:
        tried = sends(county, there, file, feed="education", do="preview", **own)
        assert "按试用的对照表读取" in tried.text
        assert "证件号码应为18、20或22位" in tried.text
        assert "由省级经办人或系统管理员保存" in tried.text
        assert 'value="save"' not in tried.text
        refused = sends(county, there, file, feed="education", do="send", **own)
        assert refused.status_code == 422
        assert "试用的对照表只用于预览" in refused.text
        forbidden = sends(county, there, None, feed="education", do="save", **own)
        assert forbidden.status_code == 422
    with closing(signed_in(system, "province-officer")) as province:
        assert 'value="save"' in province.get(there).text
        saved = sends(province, there, None, feed="education", do="save", **own)
        assert saved.status_code == 303
        assert 'value="失学、辍学"' in province.get("/files/mapping?feed=education").text
    with closing(signed_in(system, "county-officer")) as county:
        assert "离校日" in county.get(there).text
        done = sends(county, there, file, feed="education", do="send", **own)
        assert (done.status_code, done.headers["location"][:7]) == (303, "/files/")


def test_a_file_of_another_kind_is_refused_whole(system: System) -> None:
    with closing(signed_in(system, "county-officer")) as browser:
        other = sends(browser, "/tables/households", "甲,乙\n1,2\n", do="send")
        assert other.status_code == 422
        assert "表头与采集表模板不符" in other.text
        none = sends(browser, "/tables/households", None, do="send")
        assert none.status_code == 422
        assert 'id="f-file-fault">请选择文件' in none.text
        elsewhere = sends(browser, "/tables/comparison", "证件号码,比对结果\n", source="../policy")
        assert elsewhere.status_code == 422
        assert 'id="f-source-fault"' in elsewhere.text


def test_departments_and_villages_answers_come_in_as_files(system: System) -> None:
    with closing(signed_in(system, "county-officer")) as browser:
        known = document()
        file = f"证件号码,比对结果\n{known},无\n{document()}x,车辆\n"
        answer = sends(browser, "/tables/comparison", file, source="EDUCATION")
        assert answer.status_code == 200
        assert counted(answer.text)["行数"] == 2
        assert known not in answer.text
        people = sends(
            browser, "/tables/population", f"division,people\n{VILLAGE},0\n", year="2023"
        )
        assert people.status_code == 200
        assert counted(people.text) == {"行数": 1, "已记录": 0, "没有变化": 0, "有误": 1}
        quarter = sends(browser, "/tables/quarter", "household_id,benefit\n1,NONE\n", quarter="1")
        assert 'id="f-quarter-fault"' in quarter.text


def test_the_national_table_goes_out_and_its_receipts_come_back(system: System) -> None:
    with closing(signed_in(system, "county-officer")) as browser:
        assert "/national-entry" in browser.get("/cases").text
        table = sends(browser, "/national-entry", None, limit="1")
        assert table.headers["content-disposition"] == 'attachment; filename="national-entry.xlsx"'
        assert load_workbook(BytesIO(table.content)).active["A1"].value
        back = sends(browser, "/tables/receipts", table.content)
        assert back.status_code == 200
        assert counted(back.text)["有误"] == 0
        assert sends(browser, "/national-entry", None, limit="x").status_code == 422
        assert sends(browser, "/national-entry", None, limit="501").status_code == 422


def test_who_may_not_send_a_table_is_told_so(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        assert "/national-entry" not in browser.get("/cases").text
        for path in ("/tables/comparison", "/tables/receipts", "/national-entry"):
            assert browser.get(path).status_code == 403
        assert browser.get("/tables/nothing").status_code == 404
