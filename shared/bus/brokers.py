"""The broker that the settings name."""

from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.bus.kafka import KafkaBroker
from shared.bus.port import Broker
from shared.bus.settings import Bus, BusSettings, KafkaSettings


def open_broker(settings: BusSettings, kafka: KafkaSettings | None = None) -> Broker:
    """A broker, not yet connected. Close it at the end."""
    if settings.bus is Bus.KAFKA:
        return KafkaBroker(kafka or KafkaSettings())
    if not settings.bus_database_url:
        raise ValueError("DIXIAN_BUS=embedded needs DIXIAN_BUS_DATABASE_URL")
    return EmbeddedBroker(connector(settings.bus_database_url), partitions=settings.bus_partitions)
