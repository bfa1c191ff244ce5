"""What a service asks of an authorization before it carries a correction out (R107–R109).

Whoever can write to the bus can write an authorization. So each carries what proves it: the exact
content of the request, the decision of every gate as its decider signed it, and over all of that
the signature of the audit log's key, which says whose keys those are. A service knows that key from
a file of its own, not from the bus; what does not hold is parked, and nothing is carried out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.bus.cloudevents import Envelope
from shared.bus.handler import Handler
from shared.bus.port import Message
from shared.contracts.audit import CorrectionAuthorized, Gate
from shared.kernel.refusal import Refusal
from shared.policy.rules import rule
from shared.store.database import Transaction
from shared.vault.ed25519 import verifies
from shared.web.service import ServiceSettings

FILE = "audit-log.pub"
"""The usual name of the file with the audit log's public key, beside the vault's keys."""
GATES = (Gate.CITY, Gate.PROVINCE, Gate.NATION)
_STATEMENT = "dixian-gate-decision/1\n"
_OF_THE_CONTENT = ("correction_id", "city", "kind", "targets", "change", "reason")


class AuthoritySettings(BaseSettings):
    """Whose authorizations are carried out."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", extra="ignore")

    authority_file: Path | None = None
    """``DIXIAN_AUTHORITY_FILE``: the audit log's public keys in hex, one a line (two while the key
    is changed); by default ``audit-log.pub`` beside the vault's master key."""


class NotAuthorized(Refusal):
    """An authorization that does not prove itself."""

    def __init__(self, why_zh: str, why_en: str) -> None:
        super().__init__(
            "R107",
            code="authorization-does-not-hold",
            zh=f"更正授权不成立: {why_zh}",
            en=f"the authorization does not hold: {why_en}",
        )


@dataclass(frozen=True)
class Authority:
    """The audit log as a service knows it: by its public keys."""

    file: Path

    @classmethod
    def of(cls, settings: ServiceSettings) -> "Authority":
        """As the service is set up."""
        named = AuthoritySettings().authority_file
        return cls(named or settings.vault.master_key_file.with_name(FILE))

    def keys(self) -> Sequence[str]:
        """The public keys, none without the file; read each time, as they may change."""
        if not self.file.exists():
            return []
        return self.file.read_text(encoding="utf-8").split()

    @rule("R107", "R108", "R109")
    def must_hold(self, authorized: CorrectionAuthorized) -> None:
        """Every gate has decided on exactly this. Raises ``NotAuthorized``."""
        said = authorized.sealed()
        if not any(verifies(key, said, authorized.seal or "") for key in self.keys()):
            raise NotAuthorized("缺少审计日志的签名", "no known audit log has signed it")
        request = _content_of(authorized)
        deciders = [_decider_of(authorized, gate) for gate in GATES]
        if len(authorized.decisions) != len(GATES):
            raise NotAuthorized("环节决定数目不符", "there are not as many decisions as gates")
        people = [*deciders, request["requested_by"], *request["contributors"]]
        if len(set(people)) != len(people):
            raise NotAuthorized("同一人办理了两个环节", "one person had a hand in it twice")


def _content_of(authorized: CorrectionAuthorized) -> Mapping[str, Any]:
    """The request that the gates decided on: what is to be done is what it asked for."""
    content = authorized.content or ""
    if sha256(content.encode()).hexdigest() != authorized.content_sha256:
        raise NotAuthorized("申请内容与其哈希不符", "the content is not what its hash says")
    asked: Mapping[str, Any] = json.loads(content)
    event = authorized.model_dump(mode="json")
    if any(asked[name] != event[name] for name in _OF_THE_CONTENT):
        raise NotAuthorized("授权与申请内容不符", "it is about something else than the request")
    return asked


def _decider_of(authorized: CorrectionAuthorized, gate: Gate) -> str:
    """Who passed a gate, over this very content, with a key of their own."""
    found = [item for item in authorized.decisions if item.gate is gate]
    if len(found) != 1 or not found[0].statement.startswith(_STATEMENT):
        raise NotAuthorized(f"缺少环节{gate}的决定", f"there is no decision of the gate {gate}")
    [decision] = found
    said: Mapping[str, Any] = json.loads(decision.statement.removeprefix(_STATEMENT))
    expected = {
        "decision": "APPROVED",
        "gate": gate.value,
        "correction_id": str(authorized.correction_id),
        "content_sha256": authorized.content_sha256,
    }
    if any(said[name] != value for name, value in expected.items()):
        raise NotAuthorized(f"环节{gate}另有所决", f"the gate {gate} decided something else")
    if not verifies(decision.public_key, decision.statement.encode(), decision.signature):
        raise NotAuthorized(f"环节{gate}的签名不符", f"the signature of the gate {gate} is wrong")
    return str(said["decided_by"])


@dataclass(frozen=True)
class Authorized:
    """A handler of events that takes no authorization which does not hold."""

    handler: Handler
    authority: Authority

    def wants(self, known: Envelope) -> bool:
        """What the handler wants."""
        return self.handler.wants(known)

    def read(self, message: Message, known: Envelope) -> Any:
        """As the handler reads it."""
        return self.handler.read(message, known)

    async def handle(self, tx: Transaction, events: list[Any]) -> None:
        """Handle what holds. Raises ``NotAuthorized``: the message is parked."""
        for recorded in events:
            if isinstance(recorded.event, CorrectionAuthorized):
                self.authority.must_hold(recorded.event)
        await self.handler.handle(tx, events)
