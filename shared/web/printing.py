"""Notices and announcements on paper: an A4 page for the browser's printer, and a DOCX.

A sheet holds what was frozen when the notice was posted and nothing else; both forms show the same.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from io import BytesIO
from typing import Annotated, Any, Literal
from urllib.parse import quote

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from fastapi import Query, Response

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
Form = Annotated[
    Literal["page", "docx"],
    Query(description="`page`: HTML, laid out for A4; `docx`: for a word processor."),
]
FORMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}, DOCX: {}}, "description": "The notice"}
}
"""For the OpenAPI document of a route that answers with ``printed``."""

_STYLE = """
@page { size: A4; margin: 25mm 22mm }
body { font: 16pt/1.8 FangSong, STFangsong, "Noto Serif CJK SC", serif; color: #000;
       max-width: 166mm; margin: 25mm auto }
h1 { font: bold 24pt/1.4 SimHei, "Noto Sans CJK SC", sans-serif; text-align: center; margin: 0 }
.number { text-align: center; margin: 0 0 10mm }
table { width: 100%; border-collapse: collapse }
th, td { border: 1px solid #000; padding: 2mm 3mm; text-align: left; vertical-align: top }
th { width: 34mm; font-weight: normal }
.text { text-indent: 2em; white-space: pre-line }
.signed { text-align: right; margin-top: 12mm }
button { font: inherit; padding: 2mm 8mm; margin-bottom: 8mm }
@media print { body { margin: 0 } button { display: none } }
""".strip()
_SCRIPT = """
const button = document.querySelector("button");
button.hidden = false;
button.onclick = () => print();
""".strip()
"""Without scripts there is no button: the browser's own menu prints."""


def _allowed(text: str) -> str:
    """What the browser may use inline: this very text."""
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; style-src {_allowed(_STYLE)}; script-src {_allowed(_SCRIPT)};"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Sheet:
    """What stands on the paper."""

    title: str
    number: str
    lines: Sequence[tuple[str, str]]
    """Labels and values, in order."""
    text: str
    """A paragraph below them; empty for none."""
    signed_by: str
    signed_on: str


def printed(sheet: Sheet, form: str) -> Response:
    """The sheet as a page or as a DOCX to keep."""
    if form == "page":
        headers = {"Content-Security-Policy": _POLICY}
        return Response(page(sheet), headers=headers, media_type="text/html")
    # The name says what hangs in public, nobody's name: it ends in download folders and histories.
    name = quote(f"{sheet.title}{sheet.number}.docx", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(document(sheet), headers=headers, media_type=DOCX)


def page(sheet: Sheet) -> str:
    """HTML that loads nothing, and runs nothing but its print button."""
    rows = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(value)}</td></tr>" for label, value in sheet.lines
    )
    table = f"<table>{rows}</table>" if rows else ""
    text = f'<p class="text">{escape(sheet.text)}</p>' if sheet.text else ""
    return (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(sheet.title)}</title><style>{_STYLE}</style></head><body>"
        '<button type="button" hidden>打印</button>'
        f'<h1>{escape(sheet.title)}</h1><p class="number">{escape(sheet.number)}</p>{table}{text}'
        f'<p class="signed">{escape(sheet.signed_by)}<br>{escape(sheet.signed_on)}</p>'
        f"<script>{_SCRIPT}</script></body></html>"
    )


def document(sheet: Sheet) -> bytes:
    """The same as a DOCX."""
    made = Document()
    section = made.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    _font(made.styles["Normal"], "FangSong", 16)
    _paragraph(made, sheet.title, WD_ALIGN_PARAGRAPH.CENTER, size=24, bold=True)
    _paragraph(made, sheet.number, WD_ALIGN_PARAGRAPH.CENTER)
    if sheet.lines:
        table = made.add_table(rows=0, cols=2, style="Table Grid")
        for label, value in sheet.lines:
            cells = table.add_row().cells
            cells[0].text, cells[1].text = label, value
            cells[0].width, cells[1].width = Cm(4), Cm(12.6)
    if sheet.text:
        _paragraph(made, sheet.text, WD_ALIGN_PARAGRAPH.LEFT)
    _paragraph(made, f"{sheet.signed_by}\n{sheet.signed_on}", WD_ALIGN_PARAGRAPH.RIGHT)
    properties = made.core_properties
    properties.author, properties.title, properties.comments = sheet.signed_by, sheet.title, ""
    file = BytesIO()
    made.save(file)
    return file.getvalue()


def _paragraph(
    made: object, text: str, alignment: WD_ALIGN_PARAGRAPH, *, size: int = 16, bold: bool = False
) -> None:
    paragraph = made.add_paragraph()  # type: ignore[attr-defined]  # python-docx hides its class
    paragraph.alignment = alignment
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)


def _font(style: object, name: str, size: int) -> None:
    """The Chinese face has a slot of its own beside the Latin one."""
    font = style.font  # type: ignore[attr-defined]  # ditto
    font.name, font.size = name, Pt(size)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), name)  # type: ignore[attr-defined]  # ditto
