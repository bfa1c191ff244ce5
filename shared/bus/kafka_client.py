"""What all clients of a Kafka cluster share: how to connect, how to begin, how to end."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

from shared.bus.port import BrokerUnavailable, TopicPartition
from shared.bus.settings import KafkaSettings

STOP = 5.0
"""Seconds a client gets to stop."""


@contextmanager
def reaching() -> Iterator[None]:
    """Turn what aiokafka raises into ``BrokerUnavailable``: for its callers all of it may pass."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnavailable(f"Kafka: {error!r}") from error


def common(settings: KafkaSettings) -> dict[str, Any]:
    """The options every client takes: where the cluster is and how it is to be trusted."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": "dixian",
        "request_timeout_ms": settings.request_timeout_ms,
        "metadata_max_age_ms": 60_000,
        "security_protocol": settings.security_protocol,
    }
    if "SSL" in settings.security_protocol:
        options["ssl_context"] = create_ssl_context(
            cafile=settings.ssl_cafile and str(settings.ssl_cafile),
            certfile=settings.ssl_certfile and str(settings.ssl_certfile),
            keyfile=settings.ssl_keyfile and str(settings.ssl_keyfile),
        )
    if "SASL" in settings.security_protocol:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.password
    return options


async def started(client: Any, timeout_ms: int) -> None:
    """Start a client, or leave nothing of it. Raises ``BrokerUnavailable``."""
    try:
        with reaching():
            async with asyncio.timeout(2 * timeout_ms / 1000):
                await client.start()
    except BaseException:
        await stopped(client)
        raise


async def stopped(client: Any) -> None:
    """Stop a client. One that cannot reach its broker is left to the end of the event loop."""
    stopping = asyncio.ensure_future(client.stop())
    done, _ = await asyncio.wait([stopping], timeout=STOP)
    if not done:
        stopping.cancel()
        await asyncio.wait([stopping])


def ours_of(source: Any, prefix: str) -> TopicPartition:
    """A partition by the name its services know it by."""
    return TopicPartition(source.topic.removeprefix(prefix), source.partition)
