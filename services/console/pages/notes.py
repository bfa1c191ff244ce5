"""Words that lie in the vault: objections, minutes, remarks; read for a purpose, and recorded."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.console.visit import Visit

PURPOSES = ("DELIBERATION", "VERIFICATION", "CONTACT", "INSPECTION", "SUBJECT_REQUEST")
History = Sequence[Mapping[str, Any]]


def noted(visit: Visit, history: History) -> list[tuple[str, str]]:
    """Which words came with which acts: note and the act in words, the oldest first."""
    numbered = objections(visit, history)
    return [(note, _act(visit, item, numbered)) for item in history for note in item["notes"]]


def _act(visit: Visit, item: Mapping[str, Any], numbered: Mapping[str, str]) -> str:
    said = (
        visit.words.label("Event", item["type"]),
        numbered.get(item["objection"], ""),
        item["occurred_on"],
    )
    return " · ".join(filter(None, said))


def objections(visit: Visit, history: History) -> dict[str, str]:
    """Every objection as people name it: the first, the second."""
    raised = dict.fromkeys(item["objection"] for item in history if item["objection"])
    return {
        objection: visit.words("第{number}件异议", number=number)
        for number, objection in enumerate(raised, start=1)
    }


async def read(visit: Visit, plan_id: str) -> dict[str, str]:
    """Words about a household under help, for the purpose that was named; recorded."""
    body = {
        "purpose": str(visit.form.get("purpose", "")),
        "notes": [str(note) for note in visit.form.getlist("notes")],
    }
    answer = await visit.api.act("assistance", f"/plans/{plan_id}/notes/reveal", body)
    found: dict[str, str] = answer.body
    return found


async def words_of(
    visit: Visit, history: History, at: str, full: Mapping[str, str]
) -> dict[str, Any]:
    """What a page shows of a history: the acts, and the words of those that were asked for."""
    return {
        "history": history,
        "stream": at.rpartition("/")[2],
        "proven": await visit.api.may("audit", "/entries", "GET"),
        "noted": noted(visit, history),
        "full": full,
        "words_at": f"{at}/words",
        "purposes": PURPOSES,
        "may_reveal": await visit.api.may("assistance", "/plans/{plan_id}/notes/reveal"),
    }
