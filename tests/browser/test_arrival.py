"""The first sign-in: what the tour has for each of its people.

By its name the first of the browser's tests: the others take work off the desks.
"""

from playwright.sync_api import expect

from tests.browser.people import Office


def test_everybody_of_the_tour_has_something_to_do(office: Office) -> None:
    for who in (
        "town-officer",
        "village-officer",
        "county-officer",
        "county-committee",
        "medical-officer",
        "city-principal",
        "province-officer",
        "other-village-officer",
        "administrator",
    ):
        page = office.signed_in(who)
        assert page.locator("ol.work li").count() > 0, who
        page.context.close()
    for who, door in (("inspector", "查询审计记录"), ("operator", "巡检审计日志")):
        page = office.signed_in(who)
        page.get_by_role("link", name=door).click()
        expect(page.locator("main table").first).to_be_visible()
        page.context.close()
