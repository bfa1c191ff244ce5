"""Tables on a narrow window: every cell is told its column, so that a row can stand as a block.

Done once, to every page: no table of a template has to think of it, and none is forgotten.
"""

import re
from html import unescape
from itertools import count
from re import Match

from markupsafe import escape

_TABLE = re.compile(r"<table>\s*(<thead><tr>(.*?)</tr></thead>.*?)</table>", re.S)
_HEAD = re.compile(r"<t[hd]([^>]*)>(.*?)</t[hd]>", re.S)
_ROW = re.compile(r"<tr>(.*?)</tr>", re.S)
_CELL = re.compile(r"<td(?=[ >])(?![^>]* colspan)")
_TAG = re.compile(r"<[^>]*>")
_FIT = 3
"""Columns that a phone shows side by side whatever they hold."""
_FIGURES = 7
"""And that it shows where all but the first are counts."""
_MONEY = ("(元)", "yuan")


def stacked(page: str) -> str:
    """The page: tables of many columns may stand as blocks, those of figures close together."""
    return _TABLE.sub(_told, page) if "<thead" in page else page


def _told(table: Match[str]) -> str:
    heads = _HEAD.findall(table[2])
    titles = [unescape(_TAG.sub("", words)).strip() for _, words in heads]
    if len(titles) <= _FIT:
        return table[0]
    numbers = all("number" in attributes for attributes, _ in heads[1:])
    if numbers and len(titles) <= _FIGURES and not any(w in t for t in titles for w in _MONEY):
        return f'<table class="figures">{table[1]}</table>'
    return (
        f'<table class="stack">{_ROW.sub(lambda row: _labelled(row[0], titles), table[1])}</table>'
    )


def _labelled(row: str, titles: list[str]) -> str:
    place = count()

    def cell(found: Match[str]) -> str:
        title = titles[at] if (at := next(place)) < len(titles) else ""
        return f'{found[0]} data-label="{escape(title)}"' if title else found[0]

    return row if "<th" in row else _CELL.sub(cell, row)


__all__ = ["stacked"]
