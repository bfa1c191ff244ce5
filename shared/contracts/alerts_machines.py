"""Events of the machines that call: which were let in, with which keys, and until when.

A key's secret is nowhere but with its machine. Its SHA-256 is told, so that every service that
machines call can know the key: of 256 random bits there is nothing to guess.
Brought in by ``shared.contracts.alerts``; import them from there.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.contracts.alerts_orders import AlertsEvent
from shared.contracts.registry import contract
from shared.contracts.values import Sha256
from shared.kernel.division import DivisionCode


class MachineKind(StrEnum):
    """What a machine may be. Its name is that of the role its keys carry."""

    HOTLINE = "hotline"
    """热线平台"""
    FEED = "feed"
    """部门数据推送系统"""
    PORTAL = "portal"
    """群众自主申报平台"""


@contract
class MachineRegistered(AlertsEvent):
    """A department's or hotline's system was let in, with its first key."""

    machine_id: UUID
    kind: MachineKind
    division: DivisionCode
    """Its keys open this division and all below it."""
    feeds: tuple[str, ...] = ()
    """The feeds it may post to, the comparisons it may answer; none for a hotline."""
    key_id: str
    secret_hash: Sha256 | None = None
    """None in what was recorded before other services asked."""
    expires_at: datetime | None = None


@contract
class MachineKeyIssued(AlertsEvent):
    """A machine got another key; the ones it had end after an overlap (轮换)."""

    machine_id: UUID
    key_id: str
    secret_hash: Sha256 | None = None
    expires_at: datetime | None = None
    former: tuple[str, ...] = ()
    """The keys that it had and that end now."""
    former_end_at: datetime | None = None


@contract
class MachineKeysRevoked(AlertsEvent):
    """Keys were taken back: they open nothing any more (吊销)."""

    machine_id: UUID
    key_ids: tuple[str, ...]
