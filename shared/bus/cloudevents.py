"""Events as CloudEvents 1.0 in binary mode: attributes in the headers, the data as the value.

Headers: ``ce_specversion``, ``ce_id`` (event id),
``ce_type`` (``cn.dixian.alerts.RiskReported.v1``),
``ce_source`` (``/dixian/<service>``), ``ce_subject`` (stream id), ``ce_time`` (recorded at),
``ce_sequence`` (version), ``ce_partitionkey``, the extensions ``ce_category``, ``ce_region``,
``ce_occurredon``, ``ce_correlationid``, ``ce_causationid``, ``ce_actor``, ``ce_actordivision``,
``ce_actorroles`` (comma-separated), and ``traceparent``, ``content-type``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson

from shared.bus.port import Message
from shared.contracts.registry import decode as decode_event
from shared.kernel.event import Cause, Metadata, Recorded

_TYPE = re.compile(r"cn\.dixian\.([a-z_]+)\.([A-Za-z0-9_]+)\.v([0-9]+)")


class Malformed(ValueError):
    """A message that is no event of Dixian: an attribute is missing or is not what it must be."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a consumer must know of a message before it decides whether to read it."""

    service: str
    type: str
    schema_version: int
    stream_id: UUID
    version: int
    key: UUID


def topic(service: str) -> str:
    """The topic a service publishes to: ``dixian.alerts``."""
    return f"dixian.{service}"


def headers(
    *,
    service: str,
    event_id: str,
    type_name: str,
    schema_version: int,
    stream_id: str,
    version: int,
    key: str,
    category: str,
    region: str,
    occurred_on: str,
    recorded_at: datetime,
    correlation_id: str,
    causation_id: str,
    actor: str,
    actor_division: str,
    actor_roles: Sequence[str],
    traceparent: str,
) -> dict[str, str]:
    """The headers of one event. Plain values, so that the relay need not build an event first."""
    made = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_type": f"cn.dixian.{service}.{type_name}.v{schema_version}",
        "ce_source": f"/dixian/{service}",
        "ce_subject": stream_id,
        "ce_time": recorded_at.astimezone(UTC).isoformat(),
        "ce_sequence": str(version),
        "ce_partitionkey": key,
        "ce_category": category,
        "ce_region": region,
        "ce_occurredon": occurred_on,
        "ce_correlationid": correlation_id,
        "ce_causationid": causation_id,
        "ce_actor": actor,
        "ce_actordivision": actor_division,
        "ce_actorroles": ",".join(actor_roles),
        "content-type": "application/json",
    }
    if traceparent:
        made["traceparent"] = traceparent
    return made


def encode(recorded: Recorded[Any]) -> Message:
    """The message of a recorded event, for its service's topic."""
    event, metadata = recorded.event, recorded.metadata
    made = headers(
        service=event.service,
        event_id=str(recorded.event_id),
        type_name=type(event).__name__,
        schema_version=event.schema_version,
        stream_id=str(recorded.stream_id),
        version=recorded.version,
        key=str(recorded.key),
        category=recorded.category,
        region=recorded.region,
        occurred_on=recorded.occurred_on.isoformat(),
        recorded_at=recorded.recorded_at,
        correlation_id=str(metadata.correlation_id),
        causation_id=str(metadata.causation_id),
        actor=metadata.actor,
        actor_division=metadata.actor_division,
        actor_roles=metadata.actor_roles,
        traceparent=metadata.traceparent,
    )
    value = event.model_dump_json().encode()
    return Message(topic(event.service), str(recorded.key).encode(), made, value)


def envelope(message: Message) -> Envelope:
    """The envelope of a message. Raises ``Malformed``."""
    try:
        found = message.headers
        named = _TYPE.fullmatch(found["ce_type"])
        if named is None:
            raise Malformed(f"ce_type is {found['ce_type']!r}")
        if message.topic != topic(named[1]):
            # Each service may write to its own topic alone: nobody speaks for a neighbour.
            raise Malformed(f"an event of {named[1]} on {message.topic}")
        version = int(found["ce_sequence"])
        if version < 1:
            raise Malformed(f"ce_sequence is {version}")
        return Envelope(
            service=named[1],
            type=named[2],
            schema_version=int(named[3]),
            stream_id=UUID(found["ce_subject"]),
            version=version,
            key=UUID(found["ce_partitionkey"]),
        )
    except KeyError as error:
        raise Malformed(f"there is no {error.args[0]}") from error
    except ValueError as error:
        raise error if isinstance(error, Malformed) else Malformed(str(error)) from error


def decode(message: Message) -> Recorded[Any]:
    """The recorded event of a message, lifted to the newest schema this build knows.

    Raises ``Malformed``, ``UnknownEvent`` or ``pydantic.ValidationError``.
    """
    return read(message, envelope(message))


def read(message: Message, known: Envelope) -> Recorded[Any]:
    """``decode`` for a caller that has the envelope already."""
    data = _json(message.value)
    event = decode_event(known.service, known.type, known.schema_version, data)
    try:
        return _recorded(message.headers, known, event)
    except KeyError as error:
        raise Malformed(f"there is no {error.args[0]}") from error
    except ValueError as error:
        raise Malformed(str(error)) from error


def cause(recorded: Recorded[Any]) -> Cause:
    """Why a reaction to ``recorded`` acts: the same correlation, caused by that event."""
    return Cause(
        correlation_id=recorded.metadata.correlation_id,
        causation_id=recorded.event_id,
        traceparent=recorded.metadata.traceparent,
    )


def _recorded(found: Any, known: Envelope, event: Any) -> Recorded[Any]:
    return Recorded(
        event_id=UUID(found["ce_id"]),
        stream_id=known.stream_id,
        category=found["ce_category"],
        version=known.version,
        key=known.key,
        region=found["ce_region"],
        occurred_on=date.fromisoformat(found["ce_occurredon"]),
        recorded_at=datetime.fromisoformat(found["ce_time"]),
        event=event,
        metadata=Metadata(
            actor=found["ce_actor"],
            actor_division=found["ce_actordivision"],
            actor_roles=tuple(role for role in found["ce_actorroles"].split(",") if role),
            correlation_id=UUID(found["ce_correlationid"]),
            causation_id=UUID(found["ce_causationid"]),
            traceparent=found.get("traceparent", ""),
        ),
    )


def _json(value: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the value is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise Malformed("the value is not a JSON object")
    return data
