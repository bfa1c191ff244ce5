"""An objection to a notice: recorded in the village, read and answered by the town."""

from playwright.sync_api import expect

from shared.testing.decider import rule
from tests.browser.people import Desk, Office

SAID = "邻居说他家去年买了货车"


@rule("R66")
def test_an_objection_stops_the_approval_until_the_town_has_read_and_answered_it(
    office: Office,
) -> None:
    village, town = office.desk_of("village-officer"), office.desk_of("town-officer")
    village.finds("公示期满", "/cases/")
    case = village.page.url.partition("/do/")[0].removeprefix(office.url)
    _objected(village, case)
    village.sees("答复异议")
    village.goes(f"{case}/do/publicity").submits().is_refused("R66")

    town.finds("答复异议", case)
    with town.page.expect_popup() as opened:
        town.page.get_by_role("link", name="查看异议、会议记录和备注").click()
    Desk(office, opened.value).reads("提出异议 · 第1件异议", SAID).is_readable()
    opened.value.close()
    town.fills({"upheld": "no", "answer": "货车是亲戚的,已核对行驶证。"})
    town.page.locator('[name="objection_id"]').select_option(index=1)
    town.sends()
    expect(town.page.locator(".track .now")).to_contain_text("公示期满")

    _objected(village, case)
    town.finds("答复异议", case).fills({"upheld": "yes", "answer": "确有货车,重新核实。"})
    town.page.locator('[name="objection_id"]').select_option(index=1)
    town.sends()
    expect(town.page.locator(".track .now")).to_contain_text("入户核实")
    town.sees("答复异议")


def _objected(village: Desk, case: str) -> None:
    village.goes(case).page.get_by_role("link", name="登记异议").click()
    village.fills({"objection": SAID}).sends()
    expect(village.page.locator("main")).not_to_contain_text(SAID)
