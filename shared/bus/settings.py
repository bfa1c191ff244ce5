"""How the services reach the bus, from the environment."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.vault.keyring import private_text

Replicas = Annotated[int, Field(ge=1, le=15)]


class Bus(StrEnum):
    """Which broker."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


class KafkaSettings(BaseSettings):
    """A Kafka cluster, and how topics are made there when they are missing."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_KAFKA_", frozen=True)

    bootstrap_servers: str = Field(
        default="127.0.0.1:9092",
        validation_alias=AliasChoices("bootstrap_servers", "KAFKA_BOOTSTRAP_SERVERS"),
    )
    """``KAFKA_BOOTSTRAP_SERVERS``: ``host:port``, several separated by commas."""
    topic_prefix: str = ""
    """``DIXIAN_KAFKA_TOPIC_PREFIX``: before every topic and group, on a shared cluster."""
    partitions: int = Field(default=8, ge=1, le=1000)
    """``DIXIAN_KAFKA_PARTITIONS`` of a topic that is made. To change it later reorders keys."""
    replication: Replicas = 1
    """``DIXIAN_KAFKA_REPLICATION`` of a topic that is made; 3 on a cluster of three or more."""
    min_insync: Replicas = 1
    """``DIXIAN_KAFKA_MIN_INSYNC``: replicas that must have a message; 2 with replication 3."""
    security_protocol: str = Field(
        default="PLAINTEXT", pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$"
    )
    """``DIXIAN_KAFKA_SECURITY_PROTOCOL``."""
    sasl_mechanism: str = Field(default="SCRAM-SHA-512", pattern="^(PLAIN|SCRAM-SHA-(256|512))$")
    """``DIXIAN_KAFKA_SASL_MECHANISM``."""
    sasl_username: str | None = None
    """``DIXIAN_KAFKA_SASL_USERNAME``."""
    sasl_password: SecretStr | None = None
    """``DIXIAN_KAFKA_SASL_PASSWORD``; better in a file, which no process list shows."""
    sasl_password_file: Path | None = None
    """``DIXIAN_KAFKA_SASL_PASSWORD_FILE``: a file that only its owner may read."""
    ssl_cafile: Path | None = None
    """``DIXIAN_KAFKA_SSL_CAFILE``: the authorities trusted; the system's without it."""
    ssl_certfile: Path | None = None
    """``DIXIAN_KAFKA_SSL_CERTFILE``: the client's certificate, for mutual TLS."""
    ssl_keyfile: Path | None = None
    """``DIXIAN_KAFKA_SSL_KEYFILE``: its key."""
    compression: str | None = Field(default=None, pattern="^gzip$")
    """``DIXIAN_KAFKA_COMPRESSION``: ``gzip``, or none."""
    request_timeout_ms: int = Field(default=10_000, ge=1000)
    """``DIXIAN_KAFKA_REQUEST_TIMEOUT_MS``: then a request counts as failed and is repeated."""
    session_timeout_ms: int = Field(default=30_000, ge=6000)
    """``DIXIAN_KAFKA_SESSION_TIMEOUT_MS``: a silent consumer loses its partitions after it."""

    @property
    def password(self) -> str | None:
        """The password, from its file or from the environment. Raises ``KeyFileFault``."""
        if self.sasl_password_file is not None:
            return private_text(self.sasl_password_file)
        given = self.sasl_password
        return None if given is None else given.get_secret_value()


class BusSettings(BaseSettings):
    """Which broker carries the events."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", frozen=True)

    bus: Bus = Bus.EMBEDDED
    """``DIXIAN_BUS``: ``embedded`` (a log in PostgreSQL) or ``kafka``."""
    bus_database_url: str = ""
    """``DIXIAN_BUS_DATABASE_URL``: the database ``dixian_bus`` of the embedded log, writer role."""
    bus_partitions: int = Field(default=8, ge=1, le=1000)
    """``DIXIAN_BUS_PARTITIONS`` of an embedded topic that is made."""
