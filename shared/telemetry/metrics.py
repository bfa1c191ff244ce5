"""Every metric of the system, once, typed. A metric that is not here does not exist.

Each process of a service has its own ``Metrics`` with its own registry, so that the embedded shape
(all services in one process) and the tests never share a number.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_HTTP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one service in one process. Labels are codes; never an id or free text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._http()
        self._events()
        self._governance()

    def _http(self) -> None:
        self.http_requests: Counter = self._counter(
            "dixian_http_requests",
            "HTTP requests answered, by route template",
            "method",
            "route",
            "status",
        )
        self.http_seconds: Histogram = Histogram(
            "dixian_http_request_seconds",
            "Seconds from the request's first byte to the answer's last",
            ("method", "route"),
            buckets=_HTTP_SECONDS,
            registry=self.registry,
        )
        self.refusals: Counter = self._counter(
            "dixian_refusals", "Requests and commands refused, by code and rule", "code", "rule"
        )
        self.faults: Counter = self._counter(
            "dixian_faults", "Requests that ended in a fault, by the exception's class", "type"
        )

    def _events(self) -> None:
        self.events_appended: Counter = self._counter(
            "dixian_events_appended", "Events recorded in the store", "category", "type"
        )
        self.relay_sent: Counter = self._counter(
            "dixian_relay_sent", "Events handed to the bus and acknowledged by it"
        )
        self.relay_behind: Gauge = self._gauge(
            "dixian_relay_behind", "Recorded events that the bus has not acknowledged yet"
        )
        self.relay_lag_seconds: Gauge = self._gauge(
            "dixian_relay_lag_seconds", "Age of the oldest event that is recorded and not yet sent"
        )
        self.consumed: Counter = self._counter(
            "dixian_consumed", "Messages taken from the bus", "consumer", "topic", "outcome"
        )
        self.consumer_behind: Gauge = self._gauge(
            "dixian_consumer_behind",
            "Messages in the topic that the consumer has not taken yet",
            "consumer",
            "topic",
        )
        self.parked: Gauge = self._gauge(
            "dixian_parked", "Messages set aside and not yet replayed", "consumer"
        )
        self.reconciliation: Gauge = self._gauge(
            "dixian_reconciliation",
            "Events of a service at each stage: recorded, sent, received, audited",
            "service",
            "stage",
        )

    def _governance(self) -> None:
        self.deadlines: Counter = self._counter(
            "dixian_deadlines", "Legal clocks that spoke: warned or missed", "kind", "outcome"
        )
        self.webhooks: Counter = self._counter(
            "dixian_webhooks", "Tries to deliver a webhook: delivered, failed or dead", "outcome"
        )
        self.reveals: Counter = self._counter(
            "dixian_reveals", "Reveals of personal data, each of them recorded", "purpose"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)
