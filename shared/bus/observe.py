"""What the bus tells of itself: the hook that metrics hang on, and the log lines."""

from typing import Protocol

import structlog

_log = structlog.get_logger("dixian.bus")


class Observer(Protocol):
    """Told of everything worth counting. Never raises."""

    def sent(self, service: str, count: int) -> None:
        """``count`` events were acknowledged by the broker and the relay's cursor has moved."""
        ...

    def received(self, consumer: str, topic: str, count: int) -> None:
        """``count`` events came in for the first time (handled, not subscribed to, or parked)."""
        ...

    def repeated(self, consumer: str, topic: str, count: int) -> None:
        """``count`` messages were skipped because their events had come in before."""
        ...

    def parked(self, consumer: str, topic: str, reason: str, count: int) -> None:
        """``count`` messages were parked for ``reason``."""
        ...

    def replayed(self, consumer: str, topic: str, count: int) -> None:
        """``count`` parked messages were handled after all."""
        ...

    def retrying(self, who: str, error: BaseException, attempt: int) -> None:
        """``who`` (a relay or a consumer) met an error that may pass and will try again."""
        ...


class LogObserver:
    """Writes what somebody should see to the log, and counts nothing."""

    def sent(self, service: str, count: int) -> None:
        """Not logged: it is the normal course."""

    def received(self, consumer: str, topic: str, count: int) -> None:
        """Not logged: it is the normal course."""

    def repeated(self, consumer: str, topic: str, count: int) -> None:
        """A redelivery, harmless."""
        _log.info("bus.repeated", consumer=consumer, topic=topic, count=count)

    def parked(self, consumer: str, topic: str, reason: str, count: int) -> None:
        """Somebody must look at it."""
        _log.error("bus.parked", consumer=consumer, topic=topic, reason=reason, count=count)

    def replayed(self, consumer: str, topic: str, count: int) -> None:
        """The end of a finding."""
        _log.info("bus.replayed", consumer=consumer, topic=topic, count=count)

    def retrying(self, who: str, error: BaseException, attempt: int) -> None:
        """With the error, so that an outage names itself."""
        _log.warning("bus.retrying", who=who, attempt=attempt, error=repr(error))
