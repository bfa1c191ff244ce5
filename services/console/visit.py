"""One person looking at one page: who they are, in which language, on which day."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.console.api import Api
from services.console.look import Html, Look
from services.console.words import Words
from shared.kernel.division import NATION, Level
from shared.kernel.principal import Principal, Role
from shared.policy.purposes import ALLOWED, Purpose


@dataclass
class Visit:
    """What a page is made from."""

    request: Request
    look: Look
    api: Api
    words: Words
    today: date
    form: FormData = field(default_factory=FormData)
    """What was sent; empty for a page that is only looked at."""
    nav: tuple[tuple[str, str], ...] = ()
    """Where this person can go: address and Chinese name."""

    @property
    def who(self) -> Principal:
        """The person."""
        return self.api.principal

    @property
    def level(self) -> Level:
        """The level of their division."""
        return self.who.level

    def purposes(self, offered: Sequence[Purpose]) -> list[Purpose]:
        """What of ``offered`` this person may see personal data for."""
        return [purpose for purpose in offered if ALLOWED[purpose].allows(self.who)]

    @property
    def demo(self) -> bool:
        """Whether this is a demo, whose clock can be moved."""
        return self.api.services.demo

    def has(self, *roles: Role) -> bool:
        """Whether they hold one of the roles."""
        return not self.who.roles.isdisjoint(roles)

    def id(self, name: str) -> str:
        """An id that stands in the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, default).strip()

    def place(self, code: str | None) -> str:
        """A division as this person names it: without what contains their own."""
        if not code:
            return ""
        divisions = self.look.divisions
        if not divisions.exists(code):
            return code
        lineage = divisions.lineage(code)
        own = "" if self.who.division == NATION else self.who.division
        shown = [part for part in lineage if len(part) > len(own)] or lineage[-1:]
        return "".join(_short(divisions.name(part)) for part in shown)

    def render(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """The page."""
        return Html(self.look.render(template, self, context), status_code=status)

    def go(self, path: str, said: str = "", **values: Any) -> Response:
        """On to another page of the console, where ``said`` is shown once."""
        if said:
            self.request.session["said"] = self.words(said, **values)
        if "x-dixian-resend" in self.request.headers:
            # The page's script goes there itself, so that what was said is shown to somebody.
            return Response(status_code=204, headers={"X-Dixian-Then": path})
        return RedirectResponse(path, status_code=303)

    def said(self) -> str:
        """What the last act left to be shown, once."""
        return str(self.request.session.pop("said", ""))

    @property
    def csrf(self) -> str:
        """The session's secret behind a pad, so that compressing the page gives nothing away."""
        secret = bytes.fromhex(self.request.session.get("csrf", ""))
        pad = secrets.token_bytes(len(secret))
        return (pad + _xor(pad, secret)).hex()


def _short(name: str) -> str:
    """蒲秋村村民委员会 → 蒲秋村: the place, not its committee."""
    return name.removesuffix("村民委员会").removesuffix("居民委员会") or name


def csrf_holds(session: Mapping[str, Any], given: str) -> bool:
    """Whether a form was made for this session."""
    secret = str(session.get("csrf", ""))
    try:
        raw = bytes.fromhex(given)
    except ValueError:
        return False
    half = len(raw) // 2
    return bool(secret) and secrets.compare_digest(_xor(raw[:half], raw[half:]).hex(), secret)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=False))
