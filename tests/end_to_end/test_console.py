"""The console's door on a running system: who gets in, and what happens to everybody else."""

import re
from contextlib import closing
from uuid import uuid4

import httpx

from shared.testing.casework import document
from tests.end_to_end.system import System
from tests.end_to_end.visitor import console_of, signed_in


def test_nobody_sees_a_page_before_signing_in(system: System) -> None:
    with httpx.Client(base_url=console_of(system)) as stranger:
        for path in ("/", "/cases", "/households", "/trail", f"/cases/{uuid4()}"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.text) == (303, "")
            assert answer.headers["location"].startswith("/sign-in?then=")
        assert stranger.post("/leads/new", data={}).status_code == 401


def test_an_answer_that_nobody_asked_for_signs_nobody_in(system: System) -> None:
    with httpx.Client(base_url=console_of(system)) as stranger:
        for asked in ("code=x&state=y", "code=x", "error=access_denied", "iss=https://elsewhere"):
            answer = stranger.get(f"/signed-in?{asked}")
            assert answer.status_code == 401
            assert "登录" in answer.text
        assert stranger.get("/cases").status_code == 303


def test_pages_hold_nothing_inline_and_are_kept_by_nobody(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        page = browser.get("/cases")
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert " style=" not in page.text
        assert " onclick" not in page.text
        assert not re.search(r'(src|href)="(https?:)?//', page.text)
        styles = re.search(r'href="(/static/console\.css\?v=\w+)"', page.text)
        assert styles is not None
        assert "immutable" in browser.get(styles[1]).headers["cache-control"]


def test_a_form_of_another_page_does_nothing(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        for token in ({}, {"_csrf": "00" * 32}):
            answer = browser.post("/leads/new", data={"source": "CADRE_SCREENING", **token})
            assert answer.status_code == 403
            assert "页面已过期" in answer.text


def test_what_is_not_there_and_what_is_not_theirs_is_the_same_page(system: System) -> None:
    with closing(signed_in(system, "other-county-officer")) as browser:
        nowhere = browser.get(f"/cases/{uuid4()}")
        with system.client() as client:
            page = client.get("province-officer", "identification", "/households", limit=1)
        assert nowhere.status_code == 404
        for item in page["items"]:
            theirs = browser.get(f"/households/{item['id']}")
            assert theirs.status_code == 404
        assert browser.get("/no/such/page").status_code == 404
        assert browser.get(f"/cases/{uuid4()}/do/no-such-form").status_code == 404


def test_who_may_not_is_told_so_on_a_page(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        answer = browser.get("/trail")
        assert answer.status_code == 403
        assert "您的岗位无权办理" in answer.text
        assert "/trail" not in re.findall(r'href="([^"?]+)"', browser.get("/cases").text)
    with closing(signed_in(system, "operator")) as browser:
        assert "不查看农户" in browser.get("/").text
        assert browser.get("/households").status_code == 403


def test_a_file_that_lies_nowhere_yet_is_asked_for_again(system: System) -> None:
    """Refused before there was anything to keep it for: a digest alone is no file."""
    with closing(signed_in(system, "village-officer")) as browser:
        shown = browser.get("/leads/new").text
        token = re.search(r'name="_csrf" value="(\w+)"', shown)
        assert token is not None
        fields = {"_csrf": token[1], "_key": uuid4().hex, "source": "CADRE_SCREENING"}
        photo = {"evidence": ("p.png", b"\x89PNG\r\n\x1a\n", "image/png")}
        answer = browser.post("/leads/new", data=fields, files=photo)
    assert answer.status_code == 422
    assert "文件尚未保存,请重新选择" in answer.text
    assert "已附文件" not in answer.text


def test_words_and_rules_are_explained_and_a_missing_page_keeps_the_menu(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        for path in ("/nowhere", f"/cases/{uuid4()}"):
            missing = browser.get(path)
            assert missing.status_code == 404
            assert "没有这一页" in missing.text
            assert 'href="/households"' in missing.text
            assert 'href="/glossary"' in missing.text
        page = browser.get("/glossary").text
        for word in ("2%台账", "亮牌", "对照表", "绿色通道", "未按建议", "保险库", 'id="R54"'):
            assert word in page, word
        assert "R54 · 指南第34问" in page


def test_a_household_is_found_by_its_number_which_stands_in_no_address(system: System) -> None:
    with closing(signed_in(system, "village-officer")) as browser:
        token = re.search(r'name="_csrf" value="(\w+)"', browser.get("/households").text)
        assert token is not None
        for number, status, said in (
            ("123", 422, "证件号码应为18、20或22位"),
            (document(), 200, "登记簿中没有这个证件号码"),
        ):
            data = {"_csrf": token[1], "document_number": number}
            found = browser.post("/households/search", data=data)
            assert (found.status_code, said in found.text) == (status, True)
            assert number not in found.text
