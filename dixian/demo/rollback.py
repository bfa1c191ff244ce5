"""A rollback through every gate: a lead was ended by mistake, and nobody may simply undo that.

City, province and nation decide in turn, each signing with a key that only the decider has; the
lead's own service carries it out; and everything is checked here, from the log, with public keys.
"""

from typing import Any

from dixian.demo.client import Answered
from dixian.demo.people import document_number
from dixian.demo.story import Json, Story, evidence
from dixian.demo.trail import INSPECTOR, proved
from dixian.people import VILLAGE, person
from dixian.signing import checked, enrolment
from services.audit.domain import merkle, statement
from services.audit.log.keys import FileKey
from shared.vault.ed25519 import verifies

ADMINISTRATOR = "administrator"
_DECIDERS = ("city-principal", "province-principal", "province-officer")


def rollback(story: Story) -> None:
    """A lead is put back to where it was, three signatures later."""
    story.screen.chapter("8 回退 · a rollback through every gate")
    keys(story)
    lead = _ended_by_mistake(story)
    correction = _filed(story, lead)
    _decided(story, correction)
    story.client.eventually("the rollback carried out", lambda: _executed(story, correction))
    shown = story.client.get("county-officer", "alerts", f"/leads/{lead}")
    story.screen.note(f"线索已恢复 the lead is open again: {shown['status']}; 历史完整保留")
    _proof(story, correction, lead)


def keys(story: Story) -> None:
    """Each decider enrols a key, and somebody else confirms whose it is; once for all demos."""
    for who in _DECIDERS:
        if key := enrolled(story, who):
            story.do(ADMINISTRATOR, "当面核验密钥", "audit", f"/signing-keys/{key}/confirmation")


def enrolled(story: Story, who: str) -> str:
    """A person's key, enrolled by them and not confirmed yet; empty where it was before."""
    listed = story.client.get(ADMINISTRATOR, "audit", "/signing-keys", limit=100)["items"]
    body = enrolment(_key_of(who), _subject(who))
    if body["public_key"] in {item["public_key"] for item in listed}:
        return ""
    return str(story.do(who, "登记本人签名密钥", "audit", "/signing-keys", body)["id"])


def _ended_by_mistake(story: Story) -> str:
    declared = {
        "source": "SELF_DECLARATION",
        "channel": "PAPER",
        "division": VILLAGE,
        "person": {"name": "赵六", "document_number": document_number(1968)},
        "risks": ["ACCIDENT"],
        "text": "骑车摔伤,三个月不能干活",
        "evidence": [evidence(f"declaration {story.household}")],
    }
    lead: str = story.do("town-officer", "赵六书面申报", "alerts", "/leads", declared)["id"]
    mistaken = {
        "disposition": "UNFOUNDED",
        "reason": "NO_RISK_FOUND",
        "below_line": False,
        "relocated": False,
        "note": "(选错了人)入户未发现风险",
    }
    path = f"/leads/{lead}/disposition"
    story.do("county-officer", "误将线索办结", "alerts", path, mistaken)
    story.client.eventually(
        "the lead in the audit log", lambda: len(_entries(story, lead)) == 2 or None
    )
    return lead


def _filed(story: Story, lead: str) -> str:
    target = {"service": "alerts", "stream_id": lead, "version": 2, "to_version": 1}
    aimed = {"kind": "ROLLBACK", "targets": [target]}
    filing = {
        **aimed,
        "reason": "WRONG_ENTRY",
        "words": "县级经办人选错了申报人,误将线索办结",
        "evidence": [evidence("the visit's record")],
    }
    who = "county-officer"
    story.refused(who, "县级自行回退", "audit", "/corrections", filing, rule="R107")
    preview = story.client.act("city-officer", "audit", "/corrections/preview", aimed)
    void = ", ".join(f"{item['type']}(v{item['version']})" for item in preview["void"])
    standing = ", ".join(item["category"] for item in preview["streams"]) or "无 nothing"
    story.screen.note(f"影响预览 preview: 失效 void {void}; 依赖 depends on it: {standing}")
    receipt = story.do("city-officer", "市级汇总提出回退申请", "audit", "/corrections", filing)
    return str(receipt["id"])


def _decided(story: Story, correction: str) -> None:
    today = story.today.isoformat()
    city = {"document": "济农函〔2026〕12号"}
    province = {"document": "鲁农函〔2026〕31号"}
    nation = {"document": "国备〔2026〕7号", "letter": "鲁农请〔2026〕9号", "filed_on": today}
    signed(story, correction, "city-principal", "市主要负责同志审核签字", "city-review", city)
    body = {**nation, **_signature(story, correction, "province-officer", nation)}
    story.refused(
        "province-officer",
        "越过省审定直接备案",
        "audit",
        f"/corrections/{correction}/national-filing",
        body,
        rule="R108",
    )
    who = "province-principal"
    signed(story, correction, who, "省级审定签字", "province-approval", province)
    who = "province-officer"
    signed(story, correction, who, "国家同意备案,录入备案号", "national-filing", nation)


def signed(  # noqa: PLR0917 - one decision has that many parts
    story: Story, correction: str, who: str, what: str, gate: str, said: Json
) -> None:
    """One gate's decision, signed with the decider's key."""
    body = {**said, **_signature(story, correction, who, said)}
    story.do(who, what, "audit", f"/corrections/{correction}/{gate}", body)


def _signature(story: Story, correction: str, who: str, said: Json) -> Json:
    """Look at what is to be signed, as ``dixian sign decision`` does, and sign it."""

    def asked() -> Json | None:
        try:
            return story.client.get(who, "audit", f"/corrections/{correction}/statement", **said)
        except Answered as answer:
            if answer.problem.get("code") != "previous-not-logged":
                raise
            return None

    given = story.client.eventually("the step before in the log", asked)
    signature = _key_of(who).sign(checked(given)).hex()
    return {"content_sha256": given["content_sha256"], "signature": signature}


def _executed(story: Story, correction: str) -> bool | None:
    shown = story.client.get(INSPECTOR, "audit", f"/corrections/{correction}")
    return shown["status"] == "EXECUTED" or None


def _proof(story: Story, correction: str, lead: str) -> None:
    """The chain of signed decisions and the compensating event, each proved to be in the log."""
    done = story.client.eventually("the correction in the log", lambda: _whole(story, correction))
    undone = next(item for item in _entries(story, lead) if item["type"] == "RolledBack")
    lines, before = [], ""
    for entry in [*done, undone]:
        leaf, proof, checkpoint = proved(story, entry)
        lines.append(f"{proof.index:>4} {entry['type']:<20} {_checked(entry, before)}")
        before = merkle.leaf_hash(leaf).hex()
    lines.append(f"以上各条均在日志中 all of it stands in {checkpoint.origin},")
    lines.append(f"root {checkpoint.root.hex()}")
    story.screen.facts("回退的证明已在本机验证 · the rollback's proof, verified here", lines)


def _checked(entry: Json, before: str) -> str:
    """What holds of one entry: its signature, and that it stands on the leaf before it."""
    data = entry["data"]
    if entry["type"] == "RolledBack":
        return f"v{entry['version']} → v{data['to_version']}"
    if not data.get("signature"):
        return ""
    who = next(who for who in _DECIDERS if _subject(who) == data["decided_by"])
    said = statement.decision(entry["type"], data)
    assert verifies(_key_of(who).public().hex(), said, data["signature"])
    assert data["previous_leaf_sha256"] == before, "not on the decision before it"
    return f"签名有效 signed by {who}, on leaf {before[:8]}…"


def _whole(story: Story, correction: str) -> list[Json] | None:
    entries = _entries(story, correction)
    return entries if entries and entries[-1]["type"] == "CorrectionExecuted" else None


def _entries(story: Story, stream: str) -> list[Json]:
    found: list[Any] = story.client.get(INSPECTOR, "audit", "/entries", stream=stream)["items"]
    return found[::-1]


def _key_of(who: str) -> FileKey:
    known = person(who)
    assert known is not None
    return FileKey(known.signing_seed)


def _subject(who: str) -> str:
    known = person(who)
    assert known is not None
    return known.subject
