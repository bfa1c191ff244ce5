"""The demo's people at their browsers: signed in once, then clicking through the pages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.end_to_end.system import System

PHONE = {"width": 390, "height": 844}
SMALLEST = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
ON_THE_PHONE = {"village-officer", "other-village-officer"}
"""Who works in a yard; everybody else sits at a desk."""
PHOTO = Path(__file__).with_name("photo.png")
PATIENCE = 20_000
"""Milliseconds that anything may take on a busy machine."""
expect.set_options(timeout=PATIENCE)


@dataclass
class Office:
    """Everybody's browser, on one running system."""

    browser: Browser
    system: System
    _pages: dict[str, Page] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the console is."""
        return f"http://127.0.0.1:{self.system.base + 5}"

    def desk_of(self, who: str) -> "Desk":
        """A person's browser; they are signed in by clicking on their name."""
        if who not in self._pages:
            self._pages[who] = self.signed_in(who)
        return Desk(self, self._pages[who])

    def signed_in(self, who: str, **options: Any) -> Page:
        """A new window of somebody who has just signed in."""
        size = PHONE if who in ON_THE_PHONE else DESK
        context = self.context(**({"viewport": size} | options))
        page = context.new_page()
        page.goto(f"{self.url}/")
        page.locator(f'button[value="{who}"]').click()
        page.wait_for_url(f"{self.url}/")
        return page

    def context(self, **options: Any) -> BrowserContext:
        """A browser of its own: no cookie of another's."""
        context = self.browser.new_context(locale="zh-CN", **options)
        context.set_default_timeout(PATIENCE)
        return context

    def close(self) -> None:
        """Close what is open."""
        for page in self._pages.values():
            page.context.close()


@dataclass
class Desk:
    """One person before one window."""

    office: Office
    page: Page

    def goes(self, path: str) -> "Desk":
        """To a page of the console."""
        self.page.goto(self.office.url + path)
        return self

    def finds(self, step: str, path: str, title: str = "") -> "Desk":
        """In their own list of work: the step of a case (the beginning of its path)."""
        self.goes("/")
        self.page.locator(f'a.what[href^="{path}"]', has_text=step).first.click()
        expect(self.page.locator("h1")).to_have_text(title or step)
        return self

    def reads(self, act: str, said: str) -> "Desk":
        """Words in the vault, for a purpose; that they were read is recorded."""
        words = self.page.locator("#words")
        expect(words.get_by_label(act).last).to_be_checked()
        words.locator('[name="purpose"]').select_option("DELIBERATION")
        words.get_by_role("button", name="查看").click()
        expect(words).to_contain_text("本次查看已记录")
        expect(words).to_contain_text(said)
        return self

    def fills(self, values: Mapping[str, str | bool | Path | Sequence[str]]) -> "Desk":
        """Type and choose, by the inputs' names."""
        for name, value in values.items():
            self._fill(name, value)
        return self

    def _fill(self, name: str, value: str | bool | Path | Sequence[str]) -> None:
        inputs = self.page.locator(f'form.act [name="{name}"]')
        kind = inputs.first.get_attribute("type")
        if isinstance(value, Path):
            inputs.first.set_input_files(value)
        elif kind in {"radio", "checkbox"}:
            for item in (value,) if isinstance(value, str) else value or ():  # type: ignore[union-attr]
                self.page.locator(f'form.act [name="{name}"][value="{item}"]').check()
        elif inputs.first.evaluate("e => e.tagName") == "SELECT":
            inputs.first.select_option(str(value))
        else:
            inputs.first.fill(str(value))

    def sends(self) -> "Desk":
        """Submit, and be told that it is done."""
        self.submits()
        expect(self.page.locator(".said").first).to_be_visible()
        return self

    def submits(self) -> "Desk":
        """Submit."""
        self.page.locator("form.act .send button.main").click()
        return self

    def is_refused(self, rule: str, field: str = "") -> Locator:
        """The page says no, by which rule, and beside which field."""
        said = self.page.locator("#refusal")
        expect(said).to_contain_text(rule)
        if field:
            expect(self.page.locator(f"#f-{field}-fault")).to_be_visible()
        return said

    def sees(self, text: str) -> "Desk":
        """Something is on the page."""
        expect(self.page.locator("main")).to_contain_text(text)
        return self

    def reloads_until(self, selector: str) -> Locator:
        """What comes about elsewhere, once it has."""
        found = self.page.locator(selector).first

        def look() -> bool | None:
            self.page.reload()
            return found.count() > 0 or None

        self.office.system.eventually(selector, look)
        return found

    def finds_order(self, act: str, order: str) -> "Desk":
        """An act on an order of the hotline, from the order's page."""
        self.goes(order)
        self.page.get_by_role("link", name=act, exact=True).click()
        expect(self.page.locator("h1")).to_have_text(act)
        return self

    def is_readable(self) -> "Desk":
        """By everybody (axe finds nothing), and no wider than the smallest phone."""
        size = self.page.viewport_size
        assert size is not None
        self.page.set_viewport_size(SMALLEST)
        assert self.page.evaluate("document.documentElement.scrollWidth") <= SMALLEST["width"]
        self.page.set_viewport_size(size)
        found = Axe().run(self.page).response["violations"]
        assert [(item["id"], item["nodes"][0]["html"][:120]) for item in found] == []
        return self

    @property
    def last_id(self) -> str:
        """The id at the end of the address."""
        found = re.search(r"([0-9a-f-]{36})/?$", self.page.url)
        assert found is not None, self.page.url
        return found[1]
