"""W3C trace context: read from a request or a message, carried on, never required."""

import re
import secrets
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$")


@dataclass(frozen=True)
class Trace:
    """Where a piece of work belongs in a trace."""

    trace_id: str
    """32 hexadecimal digits, shared by the whole trace."""
    span_id: str
    """16 hexadecimal digits: this piece of work."""
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """The header that hands the trace on."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self) -> "Trace":
        """A new piece of work in the same trace."""
        return Trace(self.trace_id, secrets.token_hex(8), self.sampled)


def start() -> Trace:
    """A new trace."""
    return Trace(secrets.token_hex(16), secrets.token_hex(8))


def parse(header: str) -> Trace | None:
    """The caller's trace, or ``None`` when the header is not one (it is then ignored, per W3C)."""
    match = _TRACEPARENT.match(header.strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if (
        version == "ff"
        or (version == "00" and more)
        or not (int(trace_id, 16) and int(span_id, 16))
    ):
        return None
    return Trace(trace_id, span_id, bool(int(flags, 16) & 1))


def continue_from(header: str | None) -> Trace:
    """A new piece of work in the caller's trace, or in a new one."""
    caller = parse(header) if header else None
    return caller.child() if caller else start()
