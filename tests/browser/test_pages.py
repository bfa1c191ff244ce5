"""What holds of every page: readable by everybody, without scripts, on the smallest phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.people import DESK, SMALLEST, Desk, Office

PAGES = {
    "village-officer": (
        "/",
        "/cases",
        "/leads",
        "/leads/new",
        "/households",
        "/households/new",
        "/plans",
        "/measures",
        "/eliminations",
        "/after-care",
        "/orders",
    ),
    "county-officer": (
        "/",
        "/board",
        "/governance",
        "/trail",
        "/ledger",
        "/ledger/do/review",
        "/files",
        "/tables/households",
        "/tables/comparison",
        "/national-entry",
    ),
    "province-officer": ("/policy", "/files/thresholds"),
    "inspector": ("/", "/trail?type=Approved", "/checks"),
}
FOUND = {
    "village-officer": ("/cases/", "/households/", "/leads/", "/plans/", "/eliminations/"),
    "county-officer": ("/orders/", "/trail/entries/"),
}
"""The first of each list, opened."""


OF_THE_WINDOW = {"runOnly": ["color-contrast", "scrollable-region-focusable", "target-size"]}
"""What of axe depends on the window's size: the page itself is the same in all."""


@pytest.mark.parametrize("who", PAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(office: Office, who: str) -> None:
    page = office.signed_in(who)
    desk, wrong = Desk(office, page), []
    for path in (*PAGES[who], *_opened(desk, FOUND.get(who, ()))):
        desk.goes(path)
        for size, options in ((SMALLEST, None), (DESK, OF_THE_WINDOW)):
            page.set_viewport_size(size)
            for violation in Axe().run(page, options=options).response["violations"]:
                nodes = [node["html"][:120] for node in violation["nodes"][:3]]
                wrong.append((path, size["width"], violation["id"], nodes))
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append((path, size["width"], "wider than the window", []))
        size_of_page = len(page.content())
        if size_of_page > 150_000:
            wrong.append((path, 0, f"{size_of_page} bytes", []))
    page.context.close()
    assert wrong == []


def _opened(desk: Desk, beginnings: tuple[str, ...]) -> list[str]:
    """The first thing of each list, and a form of a case."""
    lists = {"/trail/entries/": "/trail"}
    found = []
    for beginning in beginnings:
        desk.goes(lists.get(beginning, beginning.rstrip("/")))
        link = desk.page.locator(f'main a[href^="{beginning}"]:not([href$="/new"])').first
        found.append(link.get_attribute("href") or "")
    if "/cases/" in beginnings:
        found.append(f"{found[beginnings.index('/cases/')]}/do/verification")
    return found


def test_nothing_comes_from_elsewhere_and_no_script_is_refused(office: Office) -> None:
    page = office.signed_in("county-officer")
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    for path in ("/", "/board", "/trail"):
        page.goto(office.url + path)
    page.context.close()
    assert [url for url in asked if not url.startswith(office.url)] == []
    assert said == []


def test_a_step_can_be_done_without_scripts_and_with_the_keyboard_alone(office: Office) -> None:
    page = office.signed_in("town-officer", java_script_enabled=False)
    desk = Desk(office, page)
    page.locator('a.what:has-text("明确专人")').first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("明确专人")
    page.locator('[name="village_officer"]').focus()
    page.keyboard.type("village-officer")
    page.locator("form.act .send button.main").focus()
    page.keyboard.press("Enter")
    desk.sees("已办理")
    page.goto(f"{office.url}/households/new")
    assert page.locator('[name^="members."][name$=".name"]').count() == 2
    page.get_by_role("button", name="再加一名成员").click()
    assert page.locator('[name^="members."][name$=".name"]').count() == 3
    page.context.close()


def test_the_other_language_is_one_click_away(office: Office) -> None:
    page = office.signed_in("village-officer")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_contain_text("My work")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("main")).to_contain_text("days left")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("h1")).to_contain_text("我的待办")
    page.context.close()


def test_signing_out_ends_the_session_and_leaves_no_draft(office: Office) -> None:
    page = office.signed_in("village-officer")
    page.goto(f"{office.url}/leads/new")
    page.locator('[name="reference"]').fill("SB-1")
    kept = "Object.keys(localStorage).some(key => key.startsWith('draft '))"
    office.system.eventually("the draft", lambda: page.evaluate(kept) or None)
    page.get_by_role("button", name="退出登录").click()
    expect(page.locator("h1")).to_contain_text("底线")
    assert page.evaluate("Object.keys(localStorage).length") == 0
    page.goto(f"{office.url}/cases")
    assert "/authorize" in page.url
    page.context.close()
