"""A browser without a window: somebody's cookies after they have chosen who they are."""

import html
import re

import httpx

from tests.end_to_end.installation import Installation


def console_of(system: Installation) -> str:
    """Where the console is."""
    return f"http://127.0.0.1:{system.base + 5}"


def signed_in(system: Installation, who: str) -> httpx.Client:
    """Signed in through the issuer's page; its code works once."""
    browser = httpx.Client(base_url=console_of(system), timeout=30)
    asked = browser.get("/sign-in", params={"then": "/cases"})
    assert asked.status_code == 302
    page = browser.get(asked.headers["location"])
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    fields = {name: html.unescape(value) for name, value in fields.items()} | {"username": who}
    assert fields["code_challenge_method"] == "S256"
    answer = browser.post(f"http://127.0.0.1:{system.base}/authorize", data=fields)
    arrived = browser.get(answer.headers["location"])
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/cases")
    assert browser.get(answer.headers["location"]).status_code == 401, "a code works once"
    return browser
