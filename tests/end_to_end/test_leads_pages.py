"""A lead on the console's pages: reported by an agent, seen in words, refused field by field."""

import re
from contextlib import closing
from uuid import uuid4

import httpx

from dixian.people import VILLAGE
from shared.testing.decider import rule
from tests.end_to_end.system import System
from tests.end_to_end.visitor import sends, signed_in, text_of

PNG = b"\x89PNG\r\n\x1a\n"
BY_AGENT = {
    "source": "SELF_DECLARATION",
    "channel": "AGENT",
    "agent.name": "孙代办",
    "agent.phone": "0531-83712317",
    "division": VILLAGE,
    "person.name": "王秀英",
    "text": "老人住院,自付很多。",
    "occurred_on": "",
}


@rule("R54")
def test_a_declaration_by_an_agent_is_registered_and_read_in_words(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        sent = sends(browser, "/leads/new", BY_AGENT, evidence=("p.png", _png(), "image/png"))
        assert sent.status_code == 303, text_of(sent)
        lead = sent.headers["location"]
        page = browser.get(lead)
        assert "他人代办" in text_of(page)
        assert "照片" in text_of(page)
        assert "孙代办" not in page.text
        assert "监督检查" not in page.text, "only what the post may look for is offered"
        shown = _posted(browser, f"{lead}/reveal", lead)
        words = text_of(shown)
        assert "{'" not in shown.text
        for said in (
            "当事人 · 姓名 王秀英",
            "代办人 · 姓名 孙代办",
            "情况说明 老人住院,自付很多。",
        ):
            assert said in words
        photo = re.search(r'action="(/leads/[^"]+/evidence/\w+)"', page.text)
        assert photo is not None
        seen = _posted(browser, photo[1], lead)
        assert seen.content == _png()
        assert seen.headers["content-type"] == "image/png"
        assert seen.headers["content-disposition"].startswith("inline")


@rule("R54")
def test_a_screening_has_no_channel_whatever_was_chosen_before(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        sent = sends(browser, "/leads/new", {**BY_AGENT, "source": "CADRE_SCREENING"})
        assert sent.status_code == 303, text_of(sent)


def test_what_is_missing_is_named_as_the_form_names_it(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        nobody = {**BY_AGENT, "agent.name": "", "division": ""}
        refused = sends(browser, "/leads/new", nobody)
        assert refused.status_code == 422
        for label, place in (("代办人姓名", "agent-name"), ("所在村", "division")):
            assert f'<li><a href="#f-{place}">{label}</a>:必填,请填写</li>' in refused.text
            assert f'id="f-{place}"' in refused.text
            assert f'id="f-{place}-fault"' in refused.text
        old = sends(
            browser, "/leads/new", {**BY_AGENT, "person.document_number": "370181650308001"}
        )
        assert 'href="#f-person-document_number">证件号码</a>:证件号码应为18' in old.text


def test_a_lead_of_nobody_known_leads_on(system: System) -> None:
    with (
        closing(signed_in(system, "village-officer")) as browser,
        closing(signed_in(system, "county-officer")) as county,
    ):
        lead = sends(browser, "/leads/new", BY_AGENT).headers["location"]
        page = browser.get(lead)
        lead_id = lead.rpartition("/")[2]
        assert f'href="/households/new?lead={lead_id}"' in page.text
        later = browser.get(f"{lead}?household={uuid4()}")
        assert "没有自动对应。确是同一户的,请确认" in later.text
        assert f'href="/leads/{lead_id}/do/disposition">处置线索' in county.get(lead).text


def _posted(browser: httpx.Client, path: str, opened: str) -> httpx.Response:
    token = re.search(r'name="_csrf" value="(\w+)"', browser.get(opened).text)
    assert token is not None
    return browser.post(path, data={"_csrf": token[1], "purpose": "VERIFICATION"})


def _png() -> bytes:
    return PNG + bytes(16)
