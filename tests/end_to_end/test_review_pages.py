"""Whoever decides sees what was found; only who may decide is asked to."""

import io
import re
from contextlib import closing
from datetime import timedelta

from rich.console import Console

from dixian.demo import identify, reports
from dixian.demo.client import Client
from dixian.demo.screen import Screen
from dixian.demo.story import Story
from dixian.demo.tell import begin
from dixian.people import VILLAGE
from shared.testing.decider import rule
from tests.end_to_end.system import System
from tests.end_to_end.visitor import sends, signed_in, text_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
MEETING = {
    "form": "REPRESENTATIVES",
    "due": "45",
    "present": "38",
    "recused": "0",
    "in_favour": "36",
    "against": "1",
    "abstained": "1",
    "conclusion": "IDENTIFY",
    "category": "UNSTABLE_EXIT",
    "minutes": "一致同意。",
    "occurred_on": "",
}


def opened(client: Client) -> Story:
    """A household with an open case, its officers named, visited and compared."""
    story = begin(client, Screen(Console(file=io.StringIO(), width=160)))
    reports.register(story)
    body = {"source": "CADRE_SCREENING", "division": VILLAGE, "household_id": story.household}
    lead = story.do("village-officer", "登记线索", "alerts", "/leads", body)
    path = f"/leads/{lead['id']}"

    def case() -> str | None:
        return client.get("county-officer", "alerts", path)["case_id"] or None

    story.case = client.eventually("the case", case)
    for act in (identify.officers, identify.authorization, identify.verification):
        act(story)
    identify.comparison(story)
    return story


@rule("R57", "R53")
def test_who_decides_sees_what_the_steps_recorded(spare: System) -> None:
    with spare.client() as client:
        story = opened(client)
        with closing(signed_in(spare, "village-officer")) as village:
            path = f"/cases/{story.case}/do/deliberation"
            photo = ("meeting.png", PNG, "image/png")
            sent = sends(village, path, MEETING, evidence=photo)
            assert sent.status_code == 303, text_of(sent)
        with closing(signed_in(spare, "town-officer")) as town:
            review = town.get(f"/cases/{story.case}/do/town-review")
            read = text_of(review)
            for said in (
                "授权查询范围 银行存款、车辆、不动产、社会保障",
                "医保 没有发现异常",
                "表决 同意36,不同意1,弃权1",
                "人均纯收入 7,750.00 元",
                "民主评议 ·",
            ):
                assert said in read, said
            assert read.index("各环节记录") < read.index("审核意见"), "before the form"
            household = town.get(f"/households/{story.household}")
            assert "民主评议 · 照片 ·" in household.text
        identify.town_review(story)
        identify.notice(story)
        story.at_date(story.today + timedelta(days=6))
        identify.publicity(story)
        approval = f"/cases/{story.case}/do/approval"
        with closing(signed_in(spare, "county-officer")) as county:
            assert approval not in county.get("/").text
            assert county.get(approval).status_code == 403
        with closing(signed_in(spare, "county-committee")) as committee:
            assert approval in committee.get("/").text
            assert "表决 同意36" in text_of(committee.get(approval))


@rule("R5")
def test_officers_are_chosen_from_who_has_come_in(spare: System) -> None:
    with spare.client() as client:
        story = opened(client)
        with closing(signed_in(spare, "town-officer")) as town:
            page = town.get(f"/cases/{story.case}/do/officers")
            offered = re.findall(r'<option value="(person:[\w-]+)"', page.text)
            assert offered == ["person:village-officer", "person:town-officer"]
            made_up = {"village_officer": "zhangsan", "town_officer": "town-officer"}
            refused = sends(town, f"/cases/{story.case}/do/officers", made_up)
            assert refused.status_code == 422
            assert 'href="#f-village_officer">村级责任人</a>' in refused.text
