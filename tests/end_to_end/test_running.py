"""Whoever runs a demo: it begins with a policy, its clock has a page, parked messages are told."""

from contextlib import closing
from datetime import date, timedelta
from uuid import uuid4

from dixian.demo.first import prepare
from dixian.people import VILLAGE
from dixian.provision import SERVICES, Tenant
from shared.testing.decider import rule
from tests.end_to_end.system import System
from tests.end_to_end.visitor import sends, signed_in, text_of


@rule("R28")
def test_a_demo_begins_with_a_policy_and_publishes_no_second(spare: System) -> None:
    with spare.client() as client:
        found = client.get("village-officer", "identification", "/policy", division=VILLAGE)
        assert "is in force" in spare.said
        assert prepare(client.addresses) == ""
        again = client.get("village-officer", "identification", "/policy", division=VILLAGE)
        assert again["version"] == found["version"]


def test_the_demos_clock_is_moved_on_a_page_by_who_may(spare: System) -> None:
    with spare.client() as client:
        today = client.today()
        with closing(signed_in(spare, "village-officer")) as browser:
            page = browser.get("/clock")
            assert f'datetime="{today}"' in page.text
            assert 'href="/clock"' in browser.get("/").text
            assert "系统运维人员(operator)" in text_of(page)
        with closing(signed_in(spare, "operator")) as browser:
            assert sends(browser, "/clock", {"days": "0"}).status_code == 422
            back = sends(browser, "/clock", {"to": str(today - timedelta(days=1))})
            assert "只能向前拨" in text_of(back)
            assert sends(browser, "/clock", {"days": "1"}).headers["location"] == "/clock"
        for service in SERVICES:
            shown = client.get("operator", service, "/demo/clock")
            assert date.fromisoformat(shown["today"]) == today + timedelta(days=1)


def test_who_may_not_move_it_is_told_who_may(spare: System) -> None:
    with spare.client() as client:
        answer = client.http.post(
            client.addresses.alerts + "/demo/clock",
            json={"today": "2030-01-01"},
            headers={"Authorization": f"Bearer {client.token('county-officer')}"},
        )
        assert answer.json()["detail"].endswith("该事项由系统运维人员办理,您的岗位无权办理")


def test_the_operator_sees_what_is_parked(spare: System) -> None:
    with closing(signed_in(spare, "operator")) as browser:
        assert 'href="/system"' in browser.get("/").text
        page = browser.get("/system")
        assert text_of(page).count("搁置 0") == len(SERVICES)
    with closing(signed_in(spare, "village-officer")) as browser:
        assert browser.get("/system").status_code == 403


def test_what_is_parked_is_told_whole_wherever_one_looks(spare: System) -> None:
    database = Tenant("identification").database
    parked_id = uuid4()
    spare.rows(database, _PARK, parked_id)
    try:
        listed = spare.command("parked", "list", "identification").stdout
        assert f"identification {parked_id}" in listed
        assert "refused:R56  too-early: 公示未满 / early" in listed
        said = spare.command("doctor")
        assert "1 messages; `dixian parked list identification` says why" in said.stdout
        assert said.returncode == 1
        with closing(signed_in(spare, "operator")) as browser:
            read = text_of(browser.get("/system"))
            assert "搁置 1 dixian.alerts 1" in read
            assert read.count("搁置 0") == len(SERVICES) - 1
    finally:
        spare.rows(database, "delete from es.parked where id = $1", parked_id)


_PARK = """
insert into es.parked (id, consumer, topic, part, off, key, type, reason, detail, message)
values ($1, 'identification', 'dixian.alerts', 0, 0, $1, 'RiskReported', 'refused:R56',
        'too-early: 公示未满 / early', '{}')
"""
