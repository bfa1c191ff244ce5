"""How pages look: templates, the stylesheet and the script, each file once in memory."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.console.clocks import remaining
from services.console.narrow import stacked
from services.console.words import Words
from shared.kernel.money import yuan
from shared.policy.divisions import Divisions
from shared.policy.rules import cite, rules

_HERE = Path(__file__).parent
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ZONE = ZoneInfo("Asia/Shanghai")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Nothing inline, nothing from elsewhere."""


class Html(HTMLResponse):
    """A page: nothing inline, nothing from elsewhere; its address is told to nobody else."""

    def __init__(self, content: str, status_code: int = 200) -> None:
        headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
        super().__init__(content, status_code, headers)


@dataclass(frozen=True)
class Asset:
    """A file that pages refer to."""

    content: bytes
    kind: str
    version: str


class Visitor(Protocol):
    """Whom a page is for, as far as its look goes."""

    words: Words
    today: date

    def place(self, code: str | None) -> str:
        """A division as the visitor names it."""
        ...


class Look:
    """The templates and the files beside them."""

    def __init__(self, divisions: Divisions) -> None:
        self.divisions = divisions
        self.assets = {
            path.name: Asset(path.read_bytes(), _KINDS[path.suffix], _version(path))
            for path in sorted((_HERE / "static").iterdir())
            if path.suffix in _KINDS
        }
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(asset=self._address, yuan=_yuan, rule_of=rules().get)
        self._templates.filters.update(day=_day, moment=moment, yuan=_yuan)
        self._templates.globals.update(explained=explained)

    def render(self, template: str, visit: Visitor, context: Mapping[str, Any]) -> str:
        """A page for a visitor."""
        words = visit.words
        page = self._templates.get_template(template).render(
            **context,
            visit=visit,
            t=words,
            label=words.label,
            language=words.language,
            place=visit.place,
            clock=lambda due: clock_of(due, visit.today, words),
            cite=lambda rule_id, linked=True: cited(rule_id, words.language, linked=linked),
        )
        return stacked(page)

    def plain(self, template: str, words: Words, **context: Any) -> str:
        """A page for somebody who is not signed in."""
        return self._templates.get_template(template).render(
            **context,
            visit=None,
            t=words,
            label=words.label,
            language=words.language,
            cite=lambda rule_id: cite(rule_id, words.language),
        )

    async def asset(self, request: Request) -> Response:
        """A file; the address carries its version, so that browsers may keep it for good."""
        asset = self.assets.get(request.path_params["name"])
        if asset is None:
            return Response(status_code=404)
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(asset.content, media_type=asset.kind, headers=headers)

    def _address(self, name: str) -> str:
        return f"/static/{name}?v={self.assets[name].version}"


def clock_of(due: Any, today: date, words: Words) -> dict[str, str]:
    """A last day as a badge: its words and its look."""
    left = remaining(due, today)
    return {"text": left.zh if words.language == "zh" else left.en, "state": left.state}


def explained(text: str, words: Words) -> str:
    """How a last day follows, in the reader's language; the services say it in English."""
    found = _EXPLAINED.match(text)
    if words.language != "zh" or found is None:
        return text
    number, unit, start, policy, due = found.groups()
    basis = f",依据{policy}" if policy else ""
    return f"自{start}起{number}{_UNITS[unit]}{basis},至{due}"


_EXPLAINED = re.compile(r"^(\d+)(d|wd|m) from (\S+?)(?:, policy (\S+))? → (\S+)$")
_UNITS = {"d": "天", "wd": "个工作日", "m": "个月"}


def cited(rule_id: str, language: str, *, linked: bool = True) -> str:
    """A rule's number, which leads to what it says."""
    said = cite(rule_id, language)
    if not linked or rule_id not in rules():
        return said
    return Markup('<a class="rule" href="/glossary#{}">{}</a>').format(rule_id, said)


def _version(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]


def _yuan(fen: int | None) -> str:
    return "" if fen is None else yuan(fen)


def _day(value: Any) -> str:
    """A date as it is written everywhere: 2023-08-01."""
    return "" if value is None else str(value)[:10]


def moment(value: Any) -> str:
    """An instant on the clock of the offices."""
    if not value:
        return ""
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{when.astimezone(_ZONE):%Y-%m-%d %H:%M}"
