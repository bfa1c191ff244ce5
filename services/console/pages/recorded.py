"""What the steps of a case recorded, in words: for who decides next, and for the case's page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from services.console.visit import Visit
from services.console.words import Words
from shared.policy.purposes import Purpose

Json = Mapping[str, Any]
Line = tuple[str, str]
PURPOSES = (Purpose.DELIBERATION, Purpose.VERIFICATION, Purpose.NATIONAL_ENTRY, Purpose.INSPECTION)


async def panel(visit: Visit, case: Json) -> dict[str, Any]:
    """What ``recorded.html`` shows: each step's record, and the files with the step they are of."""
    household = case["household_id"]
    kept = await visit.api.maybe("identification", f"/evidence/{household}") or {"items": ()}
    of_step = {item["sha256"]: item["type"] for item in case["evidence"]}
    may_reveal = await visit.api.may("identification", "/households/{household_id}/reveal")
    return {
        "case": case,
        "short": False,
        "records": records(visit.words, case),
        "photos": [
            {**item, "service": "identification", "type": of_step[item["sha256"]]}
            for item in kept["items"]
            if item["sha256"] in of_step
        ],
        "missing": [item for item in case["evidence"] if not item["kept"]],
        "purposes": visit.purposes(PURPOSES) if may_reveal else (),
    }


def records(words: Words, case: Json) -> list[tuple[Json, list[Line]]]:
    """Each act that recorded something worth reading, with its lines, in order."""
    found = []
    for entry in case["history"]:
        say = _SAID.get(entry["type"])
        lines = list(say(words, entry["recorded"])) if say else []
        if lines:
            found.append((entry, lines))
    return found


def _listed(words: Words, group: str, codes: Sequence[str]) -> str:
    return "、".join(words.label(group, code) for code in codes)


def _officers(words: Words, data: Json) -> Iterator[Line]:
    yield words("村级责任人"), data["village_officer"].removeprefix("person:")
    yield words("镇级责任人"), data["town_officer"].removeprefix("person:")


def _authorized(words: Words, data: Json) -> Iterator[Line]:
    yield words("授权查询范围"), _listed(words, "QueryScope", data["scope"])
    yield words("由他人代签"), words.label("Bool", data["by_agent"])


def _answered(words: Words, data: Json) -> Iterator[Line]:
    hits = _listed(words, "Hit", data["hits"]) or words("没有发现异常")
    yield words.label("Source", data["source"]), hits


def _compared(words: Words, data: Json) -> Iterator[Line]:
    for result in data["results"]:
        yield from _answered(words, result)


def _exempted(words: Words, data: Json) -> Iterator[Line]:
    yield words("依据"), words.label("ExemptionGround", data["ground"])
    yield words("原比对编号"), f"{data['reference']} · {data['compared_on']}"


def _deliberated(words: Words, data: Json) -> Iterator[Line]:
    yield words("会议形式"), words.label("MeetingForm", data["form"])
    yield (
        words("到会"),
        words("应到{due}人,实到{present}人,回避{recused}人", **_of(data, _THERE)),
    )
    yield (
        words("表决"),
        words("同意{in_favour},不同意{against},弃权{abstained}", **_of(data, _VOTED)),
    )
    category = words.label("Category", data["category"])
    conclusion = words.label("Conclusion", data["conclusion"])
    yield words("评议结论"), " · ".join(filter(None, (conclusion, category)))
    if data["doubts"]:
        yield words("需要注意"), _listed(words, "Doubt", data["doubts"])


_THERE = ("due", "present", "recused")
_VOTED = ("in_favour", "against", "abstained")


def _of(data: Json, names: Sequence[str]) -> dict[str, Any]:
    return {name: data[name] for name in names}


def _reviewed(words: Words, data: Json) -> Iterator[Line]:
    back = words.label("BackTo", data["back_to"])
    yield words("审核意见"), words("通过") if data["passed"] else f"{words('退回')} · {back}"


def _posted(words: Words, data: Json) -> Iterator[Line]:
    yield words("公示编号"), data["number"]
    yield words("公示至"), data["last_day"]


def _objection(words: Words, data: Json) -> Iterator[Line]:
    yield words("异议是否成立"), words("成立") if data["upheld"] else words("不成立")


def _approved(words: Words, data: Json) -> Iterator[Line]:
    yield words("认定类别"), words.label("Category", data["category"])
    yield words("会议纪要或授权文号"), data["authority"]
    if data["departs_from_advice"]:
        yield words("需要注意"), words("与系统建议不一致")


def _declined(words: Words, data: Json) -> Iterator[Line]:
    yield words("不识别原因"), words.label("DeclineReason", data["reason"])


def _announced(words: Words, data: Json) -> Iterator[Line]:
    yield words("公告编号"), data["number"]


def _entered(words: Words, data: Json) -> Iterator[Line]:
    yield words("系统回执号"), data["receipt"]


_SAID: Mapping[str, Callable[[Words, Json], Iterator[Line]]] = {
    "OfficersNamed": _officers,
    "AuthorizationSigned": _authorized,
    "ComparisonAnswered": _answered,
    "Compared": _compared,
    "ComparisonExempted": _exempted,
    "Deliberated": _deliberated,
    "TownReviewed": _reviewed,
    "NoticePosted": _posted,
    "ObjectionAnswered": _objection,
    "Approved": _approved,
    "NotIdentified": _declined,
    "Announced": _announced,
    "NationalEntryRecorded": _entered,
}
