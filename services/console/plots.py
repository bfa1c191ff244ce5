"""Plots, drawn on the server as SVG: no script, no style of their own, readable without colour.

Every plot stands beside the table of its numbers; the picture is for the eye, the table for
everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from markupsafe import Markup

_LOOKS = ("a", "b", "c", "d")
_WIDTH, _LEFT, _RIGHT = 720, 130, 60
_BAR, _GAP = 22, 10


@dataclass(frozen=True)
class Series:
    """One kind of number, over the same points as its neighbours."""

    name: str
    values: Sequence[int]


def bars(title: str, rows: Sequence[tuple[str, int]]) -> Markup:
    """Horizontal bars, each with its name and number."""
    most = max((value for _, value in rows), default=0) or 1
    room = _WIDTH - _LEFT - _RIGHT
    parts = []
    for number, (name, value) in enumerate(rows):
        y = 8 + number * (_BAR + _GAP)
        width = max(round(value / most * room), 1 if value else 0)
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="a" x="{_LEFT}" y="{y}" width="{width}" height="{_BAR}"/>'
            f'<text x="{_LEFT + width + 6}" y="{y + 15}">{value}</text>'
        )
    height = 8 + len(rows) * (_BAR + _GAP)
    return _drawing(title, _WIDTH, height, parts)


def columns(title: str, points: Sequence[str], series: Sequence[Series]) -> Markup:
    """Columns side by side for each point: months, say. With gridlines and their numbers."""
    height, base, left = 240, 200, 40
    most = max((value for item in series for value in item.values), default=0) or 1
    room = (_WIDTH - left) / max(len(points), 1)
    width = min(room * 0.8 / max(len(series), 1), 26)
    parts = [_gridline(left, base, share, most) for share in (0, 0.5, 1)]
    for place, point in enumerate(points):
        x = left + room * place + (room - width * len(series)) / 2
        for number, item in enumerate(series):
            tall = round(item.values[place] / most * 170)
            parts.append(
                f'<rect class="{_LOOKS[number]}" x="{x + number * width:.1f}" y="{base - tall}"'
                f' width="{width - 2:.1f}" height="{tall}">'
                f"<title>{escape(point)} {escape(item.name)} {item.values[place]}</title></rect>"
            )
        parts.append(
            f'<text x="{left + room * (place + 0.5):.1f}" y="{base + 18}"'
            f' text-anchor="middle">{escape(point)}</text>'
        )
    return _drawing(title, _WIDTH, height, parts)


def look(number: int) -> str:
    """The look of a series, for its key beside the plot."""
    return _LOOKS[number]


def _gridline(left: int, base: int, share: float, most: int) -> str:
    y = base - round(170 * share)
    return (
        f'<line class="grid" x1="{left}" x2="{_WIDTH}" y1="{y}" y2="{y}"/>'
        f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{round(most * share)}</text>'
    )


def _drawing(title: str, width: int, height: int, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - every text in it was escaped above
        f'<svg class="plot" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(title, {chr(34): "&quot;"})}" focusable="false">'
        f"{''.join(parts)}</svg>"
    )
