"""A notice as a page to print (A4) and as DOCX: before it is posted, and as it was frozen."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Refused
from services.console.door import Door
from services.console.visit import Visit

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_FONT = "仿宋"
_KEPT = ("Content-Type", "Content-Disposition", "Content-Security-Policy")
"""What a sheet says about itself."""
Content = Mapping[str, Any]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/cases/{case_id}/notices…``."""
    return (
        door.get("/cases/{case_id:uuid}/notice-to-post", ask),
        door.post("/cases/{case_id:uuid}/notice-to-post", preview),
        door.get("/cases/{case_id:uuid}/notices/{content_id:uuid}", printed),
        door.get("/cases/{case_id:uuid}/notices/{content_id:uuid}.docx", as_docx),
    )


async def ask(visit: Visit) -> Response:
    """What a notice needs that is not known: its number and the office's phone."""
    return visit.render("notice_ask.html", case_id=visit.id("case_id"), faults={}, values={})


async def preview(visit: Visit) -> Response:
    """The notice as it would be posted, to print or to take along as a document."""
    case_id = visit.id("case_id")
    values = {
        name: str(visit.form.get(name, "")).strip()
        for name in ("number", "objection_phone", "remark")
    }
    try:
        body = {**values, "evidence": ["0" * 64]}
        answer = await visit.api.act("identification", f"/cases/{case_id}/notice/preview", body)
    except Refused as refused:
        if refused.status == 401:
            raise
        faults = {refused.problem.get("field", ""): refused.problem.get("detail", "")}
        return visit.render(
            "notice_ask.html", status=refused.status, case_id=case_id, faults=faults, values=values
        )
    if visit.form.get("_as") == "docx":
        return _document(visit, answer.body)
    return visit.render(
        "notice.html",
        case_id=case_id,
        notice=answer.body,
        values=values,
        lines=sentences(visit, answer.body),
    )


async def printed(visit: Visit) -> Response:
    """A notice as it was posted: the service's own sheet, laid out for A4."""
    return await _sheet(visit, "page")


async def as_docx(visit: Visit) -> Response:
    """The same for a word processor."""
    return await _sheet(visit, "docx")


async def _sheet(visit: Visit, form: str) -> Response:
    path = f"/cases/{visit.id('case_id')}/notices/{visit.id('content_id')}"
    answer = await visit.api.fetch("identification", path, form=form)
    kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    return Response(answer.content, headers=kept)


def sentences(visit: Visit, notice: Content) -> list[str]:
    """The notice's own words: Chinese, whatever the reader's language."""
    village = visit.look.divisions.path(notice["village"])
    posting = notice["title"].endswith("公示")
    first = (
        f"经农户授权、入户核实、信息比对、民主评议和镇级审核,拟将{village}以下农户识别为监测帮扶对象,现予公示。"
        if posting
        else f"经公示和县级批准,{village}以下农户识别为监测帮扶对象,现予公告。"
    )
    lines = [
        first,
        f"户主姓名:{notice['head_name']}",
        f"家庭人口:{notice['members']}人",
        f"监测类别:{notice['category']}",
        f"风险情况:{notice['cause']}",
    ]
    if posting:
        lines.append(f"公示时间:{notice['from_day']}至{notice['to_day']}(5天)")
    if notice["remark"]:
        lines.append(notice["remark"])
    lines.append(
        f"公示期间如有异议,请向监督电话反映:{notice['objection_phone']}"
        if posting
        else f"监督电话:{notice['objection_phone']}"
    )
    return lines


def _document(visit: Visit, notice: Content) -> Response:
    made = Document()
    page = made.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(28)
    page.top_margin = page.bottom_margin = Mm(30)
    _line(made, notice["title"], size=22, align=WD_ALIGN_PARAGRAPH.CENTER, bold=True)
    _line(made, notice["number"], size=14, align=WD_ALIGN_PARAGRAPH.CENTER)
    for sentence in sentences(visit, notice):
        _line(made, sentence, size=16, indent=True)
    _line(made, notice["issuer"], size=16, align=WD_ALIGN_PARAGRAPH.RIGHT)
    file = BytesIO()
    made.save(file)
    headers = {"Content-Disposition": 'attachment; filename="notice.docx"'}
    return Response(file.getvalue(), media_type=_DOCX, headers=headers)


def _line(
    made: Any, text: str, *, size: int, align: Any = None, bold: bool = False, indent: bool = False
) -> None:
    paragraph = made.add_paragraph()
    if align is not None:
        paragraph.alignment = align
    if indent:
        paragraph.paragraph_format.first_line_indent = Pt(size * 2)
    run = paragraph.add_run(text)
    run.bold, run.font.size, run.font.name = bold, Pt(size), _FONT
    # Word chooses the font of Chinese letters by this attribute alone.
    run._element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)  # noqa: SLF001 - python-docx has no other way
