"""Plots, drawn on the server as SVG: no script, no style of their own, readable without colour.

Every plot stands beside the table of its numbers; the picture is for the eye, the table for
everybody. It is drawn twice, for a desk and for a phone (the stylesheet shows one of them), so that
its words can be read on both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from xml.sax.saxutils import escape

from markupsafe import Markup

_LOOKS = ("a", "b", "c", "d")
_BAR, _GAP = 22, 10
_POINT = 56
"""What the name of a point takes: where there is less room, some are left out."""


@dataclass(frozen=True)
class Series:
    """One kind of number, over the same points as its neighbours."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True)
class _Sheet:
    """What a plot is drawn on."""

    name: str
    width: int
    left: int
    """Room for the names of bars."""


_SHEETS = (_Sheet("wide", 720, 130), _Sheet("narrow", 330, 112))


def bars(title: str, rows: Sequence[tuple[str, int]]) -> Markup:
    """Horizontal bars, each with its name and number."""
    return Markup("").join(_bars(sheet, title, rows) for sheet in _SHEETS)


def columns(title: str, points: Sequence[str], series: Sequence[Series]) -> Markup:
    """Columns side by side for each point: months, say. With gridlines and their numbers."""
    return Markup("").join(_columns(sheet, title, points, series) for sheet in _SHEETS)


def _bars(sheet: _Sheet, title: str, rows: Sequence[tuple[str, int]]) -> Markup:
    most = max((value for _, value in rows), default=0) or 1
    room = sheet.width - sheet.left - 60
    parts = []
    for number, (name, value) in enumerate(rows):
        y = 8 + number * (_BAR + _GAP)
        width = max(round(value / most * room), 1 if value else 0)
        parts.append(
            f'<text x="{sheet.left - 8}" y="{y + 16}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="a" x="{sheet.left}" y="{y}" width="{width}" height="{_BAR}"/>'
            f'<text x="{sheet.left + width + 6}" y="{y + 16}">{value}</text>'
        )
    return _drawing(sheet, title, 8 + len(rows) * (_BAR + _GAP), parts)


def _columns(sheet: _Sheet, title: str, points: Sequence[str], series: Sequence[Series]) -> Markup:
    base, left = 200, 40
    most = max((value for item in series for value in item.values), default=0) or 1
    room = (sheet.width - left) / max(len(points), 1)
    width = min(room * 0.8 / max(len(series), 1), 26)
    every = ceil(_POINT / room)
    parts = [_gridline(sheet, left, base, share, most) for share in (0, 0.5, 1)]
    for place, point in enumerate(points):
        x = left + room * place + (room - width * len(series)) / 2
        for number, item in enumerate(series):
            tall = round(item.values[place] / most * 170)
            parts.append(
                f'<rect class="{_LOOKS[number]}" x="{x + number * width:.1f}" y="{base - tall}"'
                f' width="{width * 0.9:.1f}" height="{tall}">'
                f"<title>{escape(point)} {escape(item.name)} {item.values[place]}</title></rect>"
            )
        if (len(points) - 1 - place) % every == 0:
            parts.append(
                f'<text x="{left + room * (place + 0.5):.1f}" y="{base + 20}"'
                f' text-anchor="middle">{escape(point)}</text>'
            )
    return _drawing(sheet, title, 240, parts)


def look(number: int) -> str:
    """The look of a series, for its key beside the plot."""
    return _LOOKS[number]


def _gridline(sheet: _Sheet, left: int, base: int, share: float, most: int) -> str:
    y = base - round(170 * share)
    return (
        f'<line class="grid" x1="{left}" x2="{sheet.width}" y1="{y}" y2="{y}"/>'
        f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{round(most * share)}</text>'
    )


def _drawing(sheet: _Sheet, title: str, height: int, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - every text in it was escaped above
        f'<svg class="plot {sheet.name}" viewBox="0 0 {sheet.width} {height}" role="img"'
        f' aria-label="{escape(title, {chr(34): "&quot;"})}" focusable="false">'
        f"{''.join(parts)}</svg>"
    )
