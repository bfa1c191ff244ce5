"""What the bus and the clocks tell, as metrics; and the numbers that are looked up now and then."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from shared.bus.observe import LogObserver
from shared.bus.port import Broker
from shared.kernel.event import Event, Recorded
from shared.service.reconciliation import Reconciliation
from shared.telemetry.metrics import Metrics

_EVERY = 5.0
_CLOCKS = {
    "DeadlineWarned": "warned",
    "DeadlineMissed": "missed",
    "DeadlineEscalated": "escalated",
}


class Observed(LogObserver):
    """Counts what is worth counting, logs what somebody should see, and wakes the relay."""

    def __init__(self, metrics: Metrics, wake: asyncio.Event) -> None:
        self._metrics, self._wake = metrics, wake

    def sent(self, service: str, count: int) -> None:
        """The bus has acknowledged."""
        super().sent(service, count)
        self._metrics.relay_sent.inc(count)

    def received(self, consumer: str, topic: str, count: int) -> None:
        """What came may have made this service record something."""
        super().received(consumer, topic, count)
        self._metrics.consumed.labels(consumer, topic, "new").inc(count)
        self._wake.set()

    def repeated(self, consumer: str, topic: str, count: int) -> None:
        """Delivered again, skipped."""
        super().repeated(consumer, topic, count)
        self._metrics.consumed.labels(consumer, topic, "repeated").inc(count)

    def parked(self, consumer: str, topic: str, reason: str, count: int) -> None:
        """Somebody must look at it."""
        super().parked(consumer, topic, reason, count)
        self._metrics.consumed.labels(consumer, topic, "parked").inc(count)

    def replayed(self, consumer: str, topic: str, count: int) -> None:
        """Handled after all."""
        super().replayed(consumer, topic, count)
        self._metrics.consumed.labels(consumer, topic, "replayed").inc(count)
        self._wake.set()

    def clock_failed(self, error: Exception) -> None:
        """A stream's clocks could not be asked; the worker has logged it."""
        self._metrics.faults.labels(type(error).__name__).inc()

    def appended(self, events: Sequence[Recorded[Event]]) -> None:
        """Events were recorded by a command: the relay has something to do."""
        self._wake.set()
        for item in events:
            name = type(item.event).__name__
            self._metrics.events_appended.labels(item.category, name).inc()
            if name in _CLOCKS:
                kind = str(getattr(item.event, "kind", ""))
                self._metrics.deadlines.labels(kind, _CLOCKS[name]).inc()


class Watch:
    """Looks up, every few seconds, what nobody tells: lags, backlogs, the reconciliation."""

    def __init__(
        self,
        metrics: Metrics,
        reconciliation: Reconciliation,
        broker: Broker,
        topics: Sequence[str],
    ) -> None:
        self._metrics, self._reconciliation = metrics, reconciliation
        self._broker, self._topics = broker, topics

    async def run(self) -> None:
        """Look until cancelled; a fault is for whoever runs the worker, which begins it anew."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Set every gauge once."""
        service = self._reconciliation.service
        recorded = await self._reconciliation.recorded()
        sent = await self._reconciliation.sent()
        stage = self._metrics.reconciliation
        stage.labels(service, "recorded").set(recorded)
        stage.labels(service, "sent").set(sent)
        self._metrics.relay_behind.set(recorded - sent)
        self._metrics.relay_lag_seconds.set(await self._reconciliation.age_of_unsent())
        received = await self._reconciliation.received()
        for topic, numbers in received.items():
            stage.labels(topic.rpartition(".")[2], "received").set(numbers["events"])
        parked = sum(numbers["parked"] for numbers in received.values())
        self._metrics.parked.labels(service).set(parked)
        await self._measure_lag(service)

    async def _measure_lag(self, service: str) -> None:
        if not self._topics:
            return
        positions = await self._reconciliation.positions()
        behind: Counter[str] = Counter(dict.fromkeys(self._topics, 0))
        for source, end in (await self._broker.end_offsets(self._topics)).items():
            behind[source.topic] += max(0, end - positions.get((source.topic, source.partition), 0))
        for topic, count in behind.items():
            self._metrics.consumer_behind.labels(service, topic).set(count)
