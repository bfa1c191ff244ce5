"""A rollback through its gates, clicked: looked at first, signed by keys that stay with people."""

import json
from typing import Any

from playwright.sync_api import Page, expect

from dixian.demo.people import document_number
from dixian.people import VILLAGE, person
from dixian.signing import checked
from services.audit.log.keys import FileKey
from shared.testing.decider import rule
from tests.browser.people import PHOTO, Desk, Office

STATEMENT = "#statement"


@rule("R107", "R108")
def test_a_rollback_goes_through_its_gates_each_decision_signed(office: Office) -> None:
    lead = _ended_by_mistake(office)
    correction = _filed(office, lead)
    _enrolled(office, "city-principal")
    _signed_in_the_browser(office, correction)
    _signed_away_from_the_server(office, correction)
    _filed_with_the_nation(office, correction)
    shown = office.desk_of("city-officer").goes(f"/corrections/{correction}")
    shown.reloads_until('.tag:has-text("已执行")')
    shown.sees("国备〔2026〕7号").sees("更正已执行")
    office.desk_of("county-officer").goes(f"/leads/{lead}").sees("待确认农户")


def _ended_by_mistake(office: Office) -> str:
    declared = {
        "source": "SELF_DECLARATION",
        "channel": "PAPER",
        "division": VILLAGE,
        "person": {"name": "赵六", "document_number": document_number(1968)},
        "risks": ["ACCIDENT"],
        "text": "骑车摔伤,三个月不能干活",
        "evidence": ["0" * 64],
    }
    mistaken = {
        "disposition": "UNFOUNDED",
        "reason": "NO_RISK_FOUND",
        "below_line": False,
        "relocated": False,
        "note": "选错了人",
    }
    with office.system.client() as client:
        lead = str(client.act("town-officer", "alerts", "/leads", declared)["id"])
        client.act("county-officer", "alerts", f"/leads/{lead}/disposition", mistaken)
    return lead


def _filed(office: Office, lead: str) -> str:
    """From the trail, over the effects, to the request: the reason stays out of the record."""
    city = office.desk_of("city-officer").goes(f"/trail?stream={lead}")
    city.reloads_until('a:has-text("回退到这一版")').click()
    expect(city.page.locator('[name="targets.0.stream_id"]')).to_have_value(lead)
    city.submits().sees("影响预览").sees("处置线索")
    city.is_readable()
    city.fills({"reason": "WRONG_ENTRY", "words": "经办人选错了申报人", "evidence": PHOTO}).sends()
    correction = city.last_id
    city.page.get_by_role("button", name="查看原因说明").click()
    city.sees("经办人选错了申报人")
    return correction


def _enrolled(office: Office, who: str) -> None:
    """A key made in the browser takes the old one's place, once somebody else has confirmed it."""
    desk = office.desk_of(who).goes("/keys")
    desk.page.get_by_role("link", name="注销签名密钥").first.click()
    desk.sends()
    desk.goes("/keys/new").page.get_by_role("button", name="在本浏览器生成密钥").click()
    expect(desk.page.locator("#signing")).to_contain_text("私钥不能导出")
    desk.is_readable()
    key = desk.page.locator('[name="public_key"]').input_value()
    desk.sends().sees(key)
    desk.is_readable()
    administrator = office.desk_of("administrator").goes("/")
    waiting = administrator.page.locator("ol.work li", has_text=f"person:{who}")
    waiting.locator("a.what").click()
    administrator.sees(key[:4]).sends()
    expect(administrator.page.locator("tr", has_text=key)).to_contain_text("在用")


def _signed_in_the_browser(office: Office, correction: str) -> None:
    city = office.desk_of("city-principal").goes(f"/corrections/{correction}/do/city-review")
    _looks_at(office, city, {"document": "济农函〔2026〕12号"})
    sign = city.page.get_by_role("button", name="用本浏览器的密钥签名")
    city.page.locator('[name="document"]').fill("济农函〔2026〕13号")
    sign.click()
    city.sees("没有签名")
    city.page.locator('[name="document"]').fill("济农函〔2026〕12号")
    sign.click()
    city.sees("已签名")
    city.is_readable()
    city.sends().sees("省级审定")


def _signed_away_from_the_server(office: Office, correction: str) -> None:
    """Without a script: what is to be signed is downloaded, and the command's output pasted."""
    page = office.signed_in("province-principal", java_script_enabled=False)
    desk = Desk(office, page).goes(f"/corrections/{correction}/do/province-approval")
    _looks_at(office, desk, {"document": "鲁农函〔2026〕31号"})
    desk.fills({"signature": "ab" * 64}).submits().is_refused("R108", "signature")
    desk.fills({"signature": _pasted(page, "province-principal")}).sends()
    page.context.close()


def _filed_with_the_nation(office: Office, correction: str) -> None:
    desk = office.desk_of("province-officer").goes(f"/corrections/{correction}/do/national-filing")
    letter = {"letter": "鲁农请〔2026〕9号", "document": "国备〔2026〕7号"}
    _looks_at(office, desk, letter)
    desk.sees("本浏览器没有您在用的密钥")
    desk.fills({"signature": _pasted(desk.page, "province-officer")}).sends()


def _looks_at(office: Office, desk: Desk, said: dict[str, str]) -> None:
    """What is to be signed, as soon as the step before is in the log."""

    def shown() -> bool | None:
        desk.fills(said)
        with desk.page.expect_response(lambda answer: answer.request.method == "POST"):
            desk.submits()
        expect(desk.page.locator(f"{STATEMENT}, p.fault").first).to_be_visible()
        return desk.page.locator(STATEMENT).count() > 0 or None

    office.system.eventually("the step before in the log", shown)


def _pasted(page: Page, who: str) -> str:
    """What ``dixian sign decision`` prints for the file that the page gives."""
    address = page.get_by_role("link", name="下载待签文件").get_attribute("href")
    given: dict[str, Any] = page.request.get(
        page.url.split("/corrections")[0] + str(address)
    ).json()
    known = person(who)
    assert known is not None
    signature = FileKey(known.signing_seed).sign(checked(given)).hex()
    return json.dumps({"content_sha256": given["content_sha256"], "signature": signature})
