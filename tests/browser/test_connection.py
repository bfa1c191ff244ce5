"""A weak signal, a hasty finger, two officers at once: each act counts once, none is lost."""

import re

from playwright.sync_api import Page, expect

from tests.browser.people import PHOTO, Desk, Office

DRAFT = "Object.keys(localStorage).some(key => key.startsWith('draft '))"


def lead_form(office: Office, reference: str) -> Page:
    """The village's form for a lead, filled in."""
    page = office.signed_in("village-officer")
    Desk(office, page).goes("/leads/new").fills(
        {
            "source": "CADRE_SCREENING",
            "person.name": "某某",
            "risks": "ILLNESS",
            "text": "走访发现",
            "reference": reference,
            "evidence": PHOTO,
        }
    )
    return page


def leads(office: Office) -> int:
    """How many leads there are in the village."""
    with office.system.client() as client:
        page = client.get("village-officer", "alerts", "/leads", limit=200)
    assert page["next"] is None
    return len(page["items"])


def test_what_is_sent_without_a_network_is_sent_once_when_it_is_back(office: Office) -> None:
    page = lead_form(office, "OFF-1")
    before = leads(office)
    page.context.set_offline(True)
    page.locator("form.act .send button").click()
    expect(page.locator("#offline")).to_contain_text("没有网络")
    assert leads(office) == before
    page.context.set_offline(False)
    page.wait_for_url(re.compile(r"/leads/[0-9a-f-]{36}$"))
    expect(page.locator(".said")).to_contain_text("线索已登记")
    assert leads(office) == before + 1
    page.reload()
    page.context.close()
    assert leads(office) == before + 1


def test_what_was_kept_is_sent_from_another_page_with_its_photograph(office: Office) -> None:
    page = lead_form(office, "OFF-2")
    before = leads(office)
    page.route("**/leads/new", lambda route: route.abort())
    page.locator("form.act .send button").click()
    expect(page.locator("#offline")).to_contain_text("没有网络")
    page.unroute("**/leads/new")
    page.goto(f"{office.url}/")
    expect(page.locator("#offline")).to_contain_text("已发送")
    page.context.close()
    assert leads(office) == before + 1


def test_an_answer_that_was_lost_does_not_make_it_happen_twice(office: Office) -> None:
    page = lead_form(office, "OFF-3")
    before = leads(office)
    fields = {
        str(name): str(value)
        for name, value in page.evaluate(
            "[...new FormData(document.querySelector('form.act'))]"
            ".filter(([, value]) => typeof value === 'string' && value)"
        )
    }
    answers = [
        page.request.post(f"{office.url}/leads/new", multipart=dict(fields), max_redirects=0)
        for _ in range(2)
    ]
    page.context.close()
    assert [answer.status for answer in answers] == [303, 303]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert leads(office) == before + 1


def test_a_draft_is_there_again_after_the_page_was_left(office: Office) -> None:
    page = lead_form(office, "DRAFT-1")
    office.system.eventually("the draft", lambda: page.evaluate(DRAFT) or None)
    page.goto(f"{office.url}/cases")
    page.goto(f"{office.url}/leads/new")
    expect(page.locator('[name="reference"]')).to_have_value("DRAFT-1")
    expect(page.locator('[name="text"]')).to_have_value("走访发现")
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "走访发现" not in kept, "personal data stays in the window's own session"
    page.context.close()


def test_two_officers_at_once_get_a_clear_answer_and_lose_nothing(office: Office) -> None:
    first, second = (office.signed_in("town-officer") for _ in range(2))
    path = first.locator('a.what:has-text("镇级审核反馈")').first.get_attribute("href")
    assert path is not None
    case = path.removesuffix("/do/town-review")
    for page in (first, second):
        page.goto(office.url + path)
    Desk(office, first).fills({"passed": "yes"}).sends()
    desk = Desk(office, second).fills({"passed": "no", "back_to": "VERIFICATION", "note": "请补充"})
    desk.submits()
    expect(second.locator("#refusal")).to_contain_text("您打开本页之后,发生了以下变化")
    expect(second.locator("#refusal")).to_contain_text("镇级审核")
    expect(second.locator('[name="note"]')).to_have_value("请补充")
    desk.submits()
    expect(second.locator("#refusal")).to_contain_text("已经完成")
    Desk(office, second).goes(case).sees("张贴公示")
    for page in (first, second):
        page.context.close()


def test_a_large_photograph_is_made_smaller_before_it_is_sent(office: Office) -> None:
    page = office.signed_in("village-officer")
    page.goto(f"{office.url}/leads/new")
    sizes = page.evaluate(
        """async () => {
          const canvas = document.createElement("canvas");
          canvas.width = 2600; canvas.height = 1900;
          const pen = canvas.getContext("2d");
          const noise = pen.createImageData(2600, 1900);
          const grain = () => (Math.random() * 256) | 0;
          for (let i = 0; i < noise.data.length; i++) noise.data[i] = i % 4 < 3 ? grain() : 255;
          pen.putImageData(noise, 0, 0);
          const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
          const box = new DataTransfer();
          box.items.add(new File([blob], "big.png", { type: "image/png" }));
          const field = document.querySelector('input[type="file"]');
          field.files = box.files;
          field.dispatchEvent(new Event("change"));
          const soon = () => new Promise((done) => setTimeout(done, 50));
          for (let i = 0; i < 200 && field.files[0].size === blob.size; i++) await soon();
          const small = await createImageBitmap(field.files[0]);
          return [blob.size, field.files[0].size, small.width];
        }"""
    )
    page.context.close()
    assert sizes[1] < sizes[0]
    assert sizes[2] == 1600
