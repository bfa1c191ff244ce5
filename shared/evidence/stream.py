"""A kept file as a stream of its own, category ``evidence``: once an owner and content."""

from typing import Any, ClassVar
from uuid import UUID

from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import DivisionCode, Level
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.kernel.principal import Permission, Role, may
from shared.store.application import Handler, on_stream

Kept = Any
"""A service's ``EvidenceKept``; ``None`` before it is recorded."""


class KeepEvidence(Command):
    """Note that a file is kept. Comes from the evidence room only, after the file is."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER,
        Role.COMMITTEE,
        at=(Level.VILLAGE, Level.TOWN, Level.COUNTY, Level.CITY, Level.PROVINCE),
    )

    owner_id: UUID
    """Whose key seals it: a household, a lead, a correction."""
    division: DivisionCode
    sha256: str
    media_type: str
    size: int
    """Bytes."""


def evidence_id(owner_id: UUID, sha256: str) -> UUID:
    """The stream of a content among an owner's."""
    return named_id("evidence", str(owner_id), sha256)


def evidence_stream(event: type[Event]) -> Aggregate[Any]:
    """The stream of files that a service records as ``event``."""

    def decide(state: Kept, command: KeepEvidence, _context: Context) -> list[Event]:
        if state is not None:
            return []
        return [event(**command.model_dump())]

    return Aggregate(
        name="evidence",
        label=("佐证材料", "evidence file"),
        initial=None,
        evolve=lambda state, kept: kept if isinstance(kept, event) else state,
        decide=decide,
        divisions=lambda state: (state.division,) if state is not None else (),
        key=lambda state: state.owner_id,
    )


def keeping(stream: Aggregate[Any]) -> Handler:
    """The handler of ``KeepEvidence`` on a service's stream of files."""
    return on_stream(stream, lambda kept: evidence_id(kept.owner_id, kept.sha256))
