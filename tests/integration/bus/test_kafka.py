"""Kafka passes the suite of every broker."""

from collections.abc import AsyncIterator

import pytest

from shared.bus.kafka import KafkaBroker
from shared.bus.settings import KafkaSettings
from shared.kernel.ids import new_id
from shared.testing.bus_suite import BrokerSuite

pytestmark = pytest.mark.kafka


def _settings(bootstrap: str) -> KafkaSettings:
    """A cluster of one's own, as far as names go."""
    prefix = f"t{new_id().hex[-12:]}."
    return KafkaSettings(
        bootstrap_servers=bootstrap, topic_prefix=prefix, partitions=4, session_timeout_ms=6000
    )


@pytest.fixture
async def broker(kafka_bootstrap: str) -> AsyncIterator[KafkaBroker]:
    made = KafkaBroker(_settings(kafka_bootstrap))
    yield made
    await made.close()


@pytest.fixture
async def second_broker(kafka_bootstrap: str) -> AsyncIterator[KafkaBroker]:
    made = KafkaBroker(_settings(kafka_bootstrap))
    yield made
    await made.close()


class TestKafka(BrokerSuite):
    """The suite."""
