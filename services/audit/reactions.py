"""What the audit service does with everybody's events: log them all, and watch the corrections.

Log and watch are one transaction: when a compensating event is in the log, the correction it
belongs to knows of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from asyncpg.pgproto.pgproto import UUID  # a uuid.UUID, made ten times as fast
from pydantic import ValidationError

from services.audit.domain.commands import NoteExecution, NoteMovedTarget
from services.audit.domain.leaf import Entry
from services.audit.log import completeness
from services.audit.log.append import LogWriter
from services.audit.read_models import corrections
from shared.bus.cloudevents import Envelope, Malformed
from shared.bus.handler import Together
from shared.bus.port import Message
from shared.kernel.event import Cause, Command
from shared.kernel.principal import system
from shared.kernel.refusal import Refusal
from shared.store.application import Application
from shared.store.database import Transaction

UNAUTHORIZED = "unauthorized-correction"
"""Finding: a service withdrew or rolled back without an authorized correction (R107)."""

COMPENSATING = frozenset({"Purged", "RolledBack", "FlagChanged"})
"""The events that undo; each names its correction."""

_OURS = system("audit")


@dataclass(frozen=True)
class Intake:
    """Takes batches of events in."""

    writer: LogWriter
    application: Application

    def handler(self) -> Together:
        """What the consumer hands its messages to: unread, so that they are logged as they came."""
        return Together(self.take, reads=entry_of)

    async def take(self, tx: Transaction, entries: Sequence[Entry]) -> None:
        """Log the entries, and let the corrections know what concerns them."""
        await self.writer.append(tx, entries)
        opened = await corrections.open_targets(tx.sql, {entry.stream_id for entry in entries})
        for entry in entries:
            correction = opened.get(entry.stream_id)
            if entry.type in COMPENSATING:
                await self._note_execution(tx, entry)
            elif correction is not None:
                await self._tell(
                    tx,
                    entry,
                    NoteMovedTarget(
                        correction_id=correction, stream_id=entry.stream_id, version=entry.version
                    ),
                )

    async def _note_execution(self, tx: Transaction, entry: Entry) -> None:
        """A compensating event: its correction is done, or nobody authorized it."""
        try:
            note = NoteExecution(
                correction_id=entry.data.get("correction_id"),
                stream_id=entry.stream_id,
                version=entry.version,
                event_id=entry.event_id,
            )
            await self._tell(tx, entry, note)
        except (Refusal, ValidationError) as error:
            why = error.code if isinstance(error, Refusal) else "names-no-correction"
            detail = {"event_id": str(entry.event_id), "type": entry.type, "why": why}
            subject = f"{entry.stream_id}/{entry.version}"
            now = self.writer.now()
            await completeness.raise_finding(tx.raw, UNAUTHORIZED, subject, detail, now)

    async def _tell(self, tx: Transaction, entry: Entry, command: Command) -> None:
        cause = Cause(correlation_id=entry.correlation_id, causation_id=entry.event_id)
        await self.application.execute_in(tx, command, _OURS, cause)


def entry_of(message: Message, known: Envelope) -> Entry:
    """The entry of a message, exactly as it was sent: types and fields unknown here included.

    Raises ``Malformed`` for headers or a value that are not an event's.
    """
    try:
        return _entry(message.headers, known, orjson.loads(message.value))
    except KeyError as error:
        raise Malformed(f"there is no {error.args[0]}") from error
    except ValueError as error:
        raise error if isinstance(error, Malformed) else Malformed(str(error)) from error


def _entry(headers: Mapping[str, str], known: Envelope, data: Any) -> Entry:
    recorded_at = datetime.fromisoformat(headers["ce_time"])
    if not isinstance(data, dict) or recorded_at.tzinfo is None:
        raise Malformed("the value is not a JSON object, or ce_time has no zone")
    return Entry(
        service=known.service,
        event_id=UUID(headers["ce_id"]),
        stream_id=known.stream_id,
        category=headers["ce_category"],
        version=known.version,
        type=known.type,
        schema_version=known.schema_version,
        key=known.key,
        region=headers["ce_region"],
        occurred_on=date.fromisoformat(headers["ce_occurredon"]),
        recorded_at=recorded_at,
        actor=headers["ce_actor"],
        actor_division=headers["ce_actordivision"],
        actor_roles=tuple(role for role in headers["ce_actorroles"].split(",") if role),
        correlation_id=UUID(headers["ce_correlationid"]),
        causation_id=UUID(headers["ce_causationid"]),
        data=data,
    )
