"""Were the gates' decisions made by whom they say? Checked from the log alone, offline (R108).

Each decision's signature is checked against the key its decider had enrolled and another person had
confirmed by then; the content it is over against the request; the leaf it stands on against the
leaf that is there. What stands in an earlier year's log is left to that log's verification.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from services.audit.domain import statement
from shared.vault.ed25519 import verifies

Envelope = Mapping[str, Any]
_DECISIONS = frozenset({*statement.GATE_OF, "CorrectionRefused"})
_KEYS = frozenset({"SigningKeyEnrolled", "SigningKeyConfirmed", "SigningKeyRevoked"})
_SYSTEM = "system:"


@dataclass
class Decisions:
    """What a log holds about corrections and keys, gathered entry by entry."""

    made: list[tuple[str, Envelope]] = field(default_factory=list)
    keys: dict[tuple[str, str], Envelope] = field(default_factory=dict)
    """By what happened and to which key."""
    requests: dict[str, tuple[str, Envelope]] = field(default_factory=dict)
    leaves: dict[str, str] = field(default_factory=dict)
    """The leaf hash of each event of a correction."""

    def take(self, where: str, envelope: Envelope, leaf_sha256: str) -> None:
        """Look at one entry."""
        if envelope["service"] != "audit" or "data" not in envelope:
            return
        kind, data = envelope["type"], envelope["data"]
        if kind in _KEYS:
            self.keys.setdefault((kind, data["key_id"]), envelope)
        elif envelope["category"] == "correction":
            self.leaves[envelope["event_id"]] = leaf_sha256
            if kind == "CorrectionRequested":
                self.requests[data["correction_id"]] = where, envelope
            elif kind in _DECISIONS and not data["decided_by"].startswith(_SYSTEM):
                self.made.append((where, envelope))

    def problems(self, *, first_log: bool) -> Iterator[tuple[str, str]]:
        """Where something is wrong, and what."""
        for where, envelope in self.requests.values():
            data = envelope["data"]
            said = (data.get("content") or "").encode()
            if sha256(said).hexdigest() != data["content_sha256"]:
                yield where, "the request's content is not what its hash says"
        for where, envelope in self.made:
            for what in self._wrong(envelope, first_log=first_log):
                yield where, f"{envelope['type']}: {what}"

    def _wrong(self, envelope: Envelope, *, first_log: bool) -> Iterator[str]:
        data = envelope["data"]
        request = self.requests.get(data["correction_id"])
        if request is None:
            if first_log:
                yield "there is no such request"
        elif request[1]["data"]["content_sha256"] != data["content_sha256"]:
            yield "is over another content than the request's"
        if envelope["actor"] != data["decided_by"]:
            yield f"was recorded by {envelope['actor']}, not by {data['decided_by']}"
        previous = self.leaves.get(str(data["previous_event_id"]))
        if previous is None:
            if first_log:
                yield "the step it stands on is not in the log"
        elif previous != data["previous_leaf_sha256"]:
            yield "the step it stands on has another leaf"
        yield from self._signature(envelope, first_log=first_log)

    def _signature(self, envelope: Envelope, *, first_log: bool) -> Iterator[str]:
        data = envelope["data"]
        if not data.get("signature"):
            yield "is not signed"
            return
        happened = (self.keys.get((kind, data["key_id"])) for kind in sorted(_KEYS))
        confirmed, enrolled, revoked = happened
        if enrolled is None or confirmed is None:
            if first_log:
                yield "is signed with a key that nobody confirmed"
            return
        if enrolled["data"]["owner"] != data["decided_by"]:
            yield f"is signed with the key of {enrolled['data']['owner']}"
        at = envelope["recorded_at"]
        if confirmed["recorded_at"] > at or (revoked and revoked["recorded_at"] < at):
            yield "is signed with a key that did not hold at the time"
        said = statement.decision(envelope["type"], data)
        if not verifies(enrolled["data"]["public_key"], said, data["signature"]):
            yield "the signature does not verify"
