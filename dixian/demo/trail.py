"""The end of the story: the household's audit trail, a proof checked here, and the counts."""

from typing import Any

from dixian.demo.story import Json, Story
from dixian.provision import SERVICES
from services.audit.domain.note import Checkpoint
from services.audit.domain.tlogproof import TlogProof
from services.audit.log.keys import KeyVerifier

INSPECTOR = "inspector"


def trail(story: Story) -> None:
    """What everybody did for this household, and that nobody can have changed it since."""
    story.screen.chapter("7 审计 · the audit trail, proven")
    entries = story.client.eventually("the whole trail in the log", lambda: _whole(story))
    story.screen.table(
        f"该户的审计轨迹 · the trail of household {story.household}",
        ("日期", "服务", "事件", "版本", "何人", "日志序号"),
        (_row(entry) for entry in entries),
    )
    _prove(story, entries[-1])


def _whole(story: Story) -> list[Json] | None:
    """The household's entries, once its last act has been audited."""
    entries = _timeline(story)
    last = {entry["type"] for entry in entries}
    return entries if "EliminationMarked" in last else None


def _timeline(story: Story) -> list[Json]:
    path = f"/households/{story.household}/timeline"
    entries: list[Json] = []
    more: dict[str, Any] = {"limit": 100}
    while True:
        page = story.client.get(INSPECTOR, "audit", path, **more)
        entries += page["items"]
        if not page["next"]:
            return entries
        more["cursor"] = page["next"]


def _row(entry: Json) -> tuple[str, ...]:
    return (
        entry["occurred_on"],
        entry["service"],
        entry["type"],
        str(entry["version"]),
        entry["actor"],
        str(entry["index"]),
    )


def _prove(story: Story, entry: Json) -> None:
    _, proof, checkpoint = proved(story, entry)
    story.screen.facts(
        "包含证明已在本机验证 · inclusion proof verified here",
        [
            f"log        {checkpoint.origin}",
            f"entry      {proof.index} of {checkpoint.size}: {entry['type']}",
            f"root       {checkpoint.root.hex()}",
            f"path       {len(proof.hashes)} hashes (RFC 6962); signed by {checkpoint.origin}",
        ],
    )


def proved(story: Story, entry: Json) -> tuple[bytes, TlogProof, Checkpoint]:
    """Fetch an entry's exact bytes with its proof, and check it with nothing but the key.

    Raises ``ProofError`` or ``NoteError`` when it does not hold.
    """
    path = f"/events/{entry['event_id']}/proof"
    given = story.client.get(INSPECTOR, "audit", path)
    leaf, verifier = given["leaf"].encode(), KeyVerifier.parse(given["vkey"])
    proof = TlogProof.parse(given["tlog_proof"].encode())
    return leaf, proof, proof.verify(leaf, [verifier], given["log"])


def reconciliation(story: Story) -> None:
    """Recorded = sent = received = audited, service by service; nothing parked, nothing missing."""
    story.screen.chapter("9 对账 · recorded = sent = audited")
    rows = story.client.eventually("equal counts", lambda: _equal(story))
    story.screen.table(
        "每个事件恰好一次 · every event exactly once",
        ("服务", "已记录 recorded", "已发送 sent", "已审计 audited", "搁置 parked"),
        rows,
    )


def _equal(story: Story) -> list[tuple[str, ...]] | None:
    audited = _health(story, "audit")["audited"]
    rows = []
    for service in SERVICES:
        numbers = _health(story, service)
        parked = sum(item["parked"] for item in numbers["received"].values())
        counts = numbers["recorded"], numbers["sent"], audited.get(service, 0)
        if len(set(counts)) > 1 or parked:
            return None
        rows.append((service, *map(str, counts), str(parked)))
    return rows


def _health(story: Story, service: str) -> Json:
    numbers: Json = story.client.get("operator", service, "/health")["reconciliation"]
    return numbers
