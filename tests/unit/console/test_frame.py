"""Sessions that nobody can read or change, forms of one's own session, and no way elsewhere."""

from datetime import date
from pathlib import Path
from random import Random
from string import ascii_letters

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from services.console import session as sessions
from services.console.clocks import remaining
from services.console.entries import changed, said
from services.console.pages.trail import address_of
from services.console.plots import Series, bars, columns
from services.console.session import KeyFault, Sealer, Sessions, load_or_create_key
from services.console.sign_in import inside
from services.console.visit import _xor, csrf_holds
from services.console.words import Words

KEY = bytes(range(32))


def test_a_session_opens_for_its_key_and_for_nobody_else() -> None:
    sealed = Sealer(KEY).seal({"token": "secret", "subject": "person:x"})
    assert "secret" not in sealed
    assert Sealer(KEY).open(sealed) == {"token": "secret", "subject": "person:x"}
    assert Sealer(bytes(32)).open(sealed) == {}


@pytest.mark.parametrize("place", [0, 5, 40, -1])
def test_a_session_that_was_changed_is_none(place: int) -> None:
    letters = list(Sealer(KEY).seal({"subject": "person:x"}))
    letters[place] = "A" if letters[place] != "A" else "B"
    opened = Sealer(KEY).open("".join(letters))
    assert opened in ({}, {"subject": "person:x"})
    assert Sealer(KEY).open("no base64 at all!") == {}


def test_a_session_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = Sealer(KEY).seal({"subject": "person:x"})
    monkeypatch.setattr(sessions, "time", lambda: 4_000_000_000.0)
    assert Sealer(KEY).open(sealed) == {}


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "session.key"
    made = load_or_create_key(path)
    assert load_or_create_key(path) == made
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"short")
    with pytest.raises(KeyFault):
        load_or_create_key(path)


async def keep(request: Request) -> Response:
    request.session["token"] = request.query_params["token"]
    return PlainTextResponse("kept")


async def tell(request: Request) -> Response:
    return PlainTextResponse(str(len(request.session.get("token", ""))))


async def forget(request: Request) -> Response:
    request.session.clear()
    return PlainTextResponse("gone")


def test_a_long_token_is_cut_into_cookies_and_forgotten_whole() -> None:
    app = Starlette(routes=[Route("/keep", keep), Route("/tell", tell), Route("/forget", forget)])
    app.add_middleware(Sessions, sealer=Sealer(KEY), secure=False)
    client = TestClient(app)
    token = "".join(Random(1).choices(ascii_letters, k=6_000))
    answer = client.get("/keep", params={"token": token})
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) > 1
    assert all("HttpOnly" in item and "SameSite=Lax" in item for item in cookies)
    assert client.get("/tell").text == "6000"
    assert "set-cookie" not in client.get("/tell").headers
    client.get("/forget")
    assert client.get("/tell").text == "0"
    assert dict(client.cookies) == {}


def test_over_tls_cookies_are_the_hosts_own() -> None:
    app = Starlette(routes=[Route("/keep", keep)])
    app.add_middleware(Sessions, sealer=Sealer(KEY), secure=True)
    with TestClient(app, base_url="https://console") as client:
        [cookie] = client.get("/keep", params={"token": "x"}).headers.get_list("set-cookie")
    assert cookie.startswith("__Host-dixian0=")
    assert "; Secure" in cookie


def test_a_form_belongs_to_its_session() -> None:
    session, pad = {"csrf": "00ff10"}, b"\x01\x02\x03"
    token = (pad + _xor(pad, bytes.fromhex("00ff10"))).hex()
    assert csrf_holds(session, token)
    assert not csrf_holds(session, "00" * 6)
    assert not csrf_holds(session, "not hex")
    assert not csrf_holds({}, "")


@pytest.mark.parametrize("then", ["/cases?step=notice", "/", "/trail?type=Approved#x"])
def test_signing_in_leads_on_within_the_console(then: str) -> None:
    assert inside(then) == then


@pytest.mark.parametrize(
    "then", ["//elsewhere", "https://elsewhere/", "/\\elsewhere", "cases", "javascript:x", ""]
)
def test_signing_in_leads_nowhere_else(then: str) -> None:
    assert inside(then) == "/"


@pytest.mark.parametrize(
    ("due", "zh", "en", "state"),
    [
        ("2023-08-03", "剩余2天", "2 days left", "soon"),
        ("2023-08-01", "今天到期", "due today", "soon"),
        (date(2023, 7, 31), "逾期1天", "1 day overdue", "late"),
        ("2023-08-11", "剩余10天", "10 days left", "calm"),
        (None, "", "", "none"),
    ],
)
def test_a_clock_says_how_long_is_left(due: str, zh: str, en: str, state: str) -> None:
    left = remaining(due, date(2023, 8, 1))
    assert (left.zh, left.en, left.state) == (zh, en, state)


def test_plots_draw_what_they_are_given_and_run_nothing() -> None:
    drawn = bars("各环节 <x>", [("<script>", 3), ("批准", 0)])
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
    assert drawn.count("<rect") == 4, "two bars, for a desk and for a phone"
    months = columns(
        "逐月", ["2023-08", "2023-09"], [Series("识别", [1, 4]), Series("消除", [0, 2])]
    )
    assert months.count("<rect") == 8
    assert "style=" not in months


class Reader:
    """Somebody at a page."""

    words = Words("zh")
    today = date(2023, 8, 1)

    def place(self, code: str | None) -> str:
        return {"370181106221": "蒲秋村"}.get(str(code), str(code))


def test_an_entry_is_told_in_words() -> None:
    data = {
        "case_id": "c-1",
        "division": "370181106221",
        "risks": ["ILLNESS", "A_RISK_OF_TOMORROW"],
        "urgent": True,
        "note_id": None,
        "deadlines": [{"kind": "identify", "due_on": "2023-08-16"}],
        "tomorrow": {"a": 1},
    }
    opened = {"service": "identification", "type": "CaseOpened", "data": data}
    assert said(Reader(), opened) == [
        ("个案编号", "c-1"),
        ("区划", "蒲秋村"),
        ("风险", "因病、A_RISK_OF_TOMORROW"),
        ("急", "是"),
        ("时限", [{"种类": "完成认定", "最迟日期": "2023-08-16"}]),
        ("tomorrow", {"a": "1"}),
    ]


def test_a_timeline_tells_what_an_act_changed() -> None:
    changes = {
        "per_capita_net": {"before": None, "after": 775050},
        "mode": {"before": "ASSISTED", "after": "NATURAL"},
        "income": {"before": None, "after": {"wage_income": 100, "members": 4, "evidence": []}},
        "cause": {"before": None, "after": None},
    }
    proposed = {"service": "assistance", "type": "EliminationProposed", "changes": changes}
    assert changed(Reader(), proposed) == [
        ("人均纯收入", "", "7,750.50"),
        ("方式", "帮扶消除", "自然消除"),
        ("收入", "", {"工资性收入": "1.00", "成员": "4"}),
    ]
    rolled = {"changes": {"mode": {"before": "NATURAL", "after": None}}}
    back = {"service": "assistance", "type": "RolledBack", **rolled}
    assert changed(Reader(), back) == [("方式", "自然消除", "")]


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("2024-01-05T00:00:00+08:00", "2024-01-05"),
        ("2024-01-04T16:00:00Z", "2024-01-05"),
        ("2024-01-05T00:00:00", "2024-01-05"),
        ("2024-01-05T01:30:00Z", "2024-01-05T09%3A30%3A00%2B08%3A00"),
    ],
)
def test_a_saved_search_shows_the_very_time_that_was_saved(kept: str, shown: str) -> None:
    query = {"since": kept, "type": "Approved", "actor": None}
    assert address_of(query) == f"/trail?since={shown}&type=Approved"
