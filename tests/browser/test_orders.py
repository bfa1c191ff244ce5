"""An order of the hotline on the officers' screens, from the assignment to the caller's rating."""

from uuid import uuid4

from playwright.sync_api import expect

from dixian.people import COUNTY, TOWN, VILLAGE
from shared.testing.decider import rule
from tests.browser.people import Desk, Office

ASKED = "我家老人住院,想问能不能申请。"
ANSWERED = "已上门说明申请条件和材料。"


@rule("R117", "R118", "R119")
def test_an_order_is_assigned_returned_handled_closed_and_rated(office: Office) -> None:
    order = _called(office)
    county, town = office.desk_of("county-officer"), office.desk_of("town-officer")
    village = office.desk_of("village-officer")

    county.finds_order("交办", order).fills({"assignee": TOWN, "instruction": "请镇里答复"}).sends()
    county.sees("办理中").sees("垛庄镇")
    town.finds_order("回退工单", order).fills({"reason": "NOT_OUR_DUTY", "note": "请转村"}).sends()
    county.finds_order("交办", order)
    county.fills({"assignee": VILLAGE, "instruction": "请村里上门"}).sends()
    expect(county.page.locator("main")).to_contain_text("回退次数1")

    village.goes(order).sees("来**")
    expect(village.page.locator("main")).not_to_contain_text(ASKED)
    _read(village)
    county.finds_order("申请延期", order).fills({"reason": "CALLER_ABSENT"}).sends()
    county.sees("已延期")
    county.goes(f"{order}/do/extension").fills({"reason": "CALLER_ABSENT"}).submits()
    county.is_refused("R117")
    village.finds_order("办理答复", order).fills({"result": "ANSWERED", "answer": ANSWERED}).sends()
    expect(village.page.locator("main")).not_to_contain_text(ANSWERED)

    county.finds_order("办结", order).sends().sees("待评价")
    with office.system.client() as client:
        path = f"{order}/rating"
        client.act("machine:hotline", "alerts", path, {"rating": "SATISFIED"})
    county.goes(order).sees("已评价").sees("满意").is_readable()


def _called(office: Office) -> str:
    """A call; its page."""
    with office.system.client() as client:
        made = client.act(
            "machine:hotline",
            "alerts",
            "/orders",
            {
                "order_no": f"GD{uuid4().hex[:10].upper()}",
                "kind": "CONSULT",
                "called_on": client.today().isoformat(),
                "division": COUNTY,
                "caller": {"name": "来电人", "phone": "13805310018"},
                "text": ASKED,
            },
        )
    return f"/orders/{made['id']}"


def _read(village: Desk) -> None:
    """What the caller said, for a purpose."""
    village.page.get_by_label("来电内容").check()
    village.page.locator('[name="purpose"]').select_option("ORDER_HANDLING")
    village.page.get_by_role("button", name="查看").click()
    village.sees("本次查看已记录").sees(ASKED).is_readable()
