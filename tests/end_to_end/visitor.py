"""A browser without a window: somebody's cookies after they have chosen who they are."""

import html
import re
from uuid import uuid4

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


def sends(
    browser: httpx.Client, path: str, data: dict[str, object], **files: tuple[str, bytes, str]
) -> httpx.Response:
    """A form of the console, opened and sent without a script."""
    shown = browser.get(path)
    token = re.search(r'name="_csrf" value="(\w+)"', shown.text)
    version = re.search(r'name="_version" value="(\d*)"', shown.text)
    assert token is not None, shown.text
    key = {"_csrf": token[1], "_key": uuid4().hex, "_version": version[1] if version else ""}
    return browser.post(path, data={**key, **data}, files=files or None)


def text_of(page: httpx.Response) -> str:
    """What one reads on a page, in one line."""
    main = page.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))
