"""What can be set about how processes are laid out, each variable once.

The variables of the door, the bus, the vault and the audit log stand beside their users in
``shared`` and in the services.
"""

from enum import StrEnum
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Bus(StrEnum):
    """What carries the events."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


class ProcessSettings(BaseSettings):
    """How one process of Dixian listens."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", extra="ignore")

    host: str = "127.0.0.1"
    """``DIXIAN_HOST``: the address to listen on; ``0.0.0.0`` inside a container."""
    home: Path = Path("var")
    """``DIXIAN_HOME``: the data, keys and logs of the embedded shapes."""
    divisions_file: Path | None = None
    """``DIXIAN_DIVISIONS_FILE``: another list of divisions than Shandong's."""


class DatabaseSettings(BaseSettings):
    """Where each service's database is: once for the service, once for the migrations.

    No address carries a password: it is in the file that ``PGPASSFILE`` names.
    """

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", extra="ignore")

    admin_url: str = ""
    """``DIXIAN_ADMIN_URL``: a role that may create roles and databases; empty where they exist."""
    alerts_database_url: str = ""
    """``DIXIAN_ALERTS_DATABASE_URL``: the writer's."""
    alerts_owner_url: str = ""
    """``DIXIAN_ALERTS_OWNER_URL``: the owner's, for migrations only."""
    identification_database_url: str = ""
    """``DIXIAN_IDENTIFICATION_DATABASE_URL``."""
    identification_owner_url: str = ""
    """``DIXIAN_IDENTIFICATION_OWNER_URL``."""
    assistance_database_url: str = ""
    """``DIXIAN_ASSISTANCE_DATABASE_URL``."""
    assistance_owner_url: str = ""
    """``DIXIAN_ASSISTANCE_OWNER_URL``."""
    audit_database_url: str = ""
    """``DIXIAN_AUDIT_DATABASE_URL``."""
    audit_owner_url: str = ""
    """``DIXIAN_AUDIT_OWNER_URL``."""
    bus_database_url: str = ""
    """``DIXIAN_BUS_DATABASE_URL``: the embedded bus."""
    bus_owner_url: str = ""
    """``DIXIAN_BUS_OWNER_URL``."""

    def owner(self, name: str) -> str:
        """The owner's address for a service, or for ``bus``."""
        return str(getattr(self, f"{name}_owner_url"))

    def writer(self, name: str) -> str:
        """The writer's address for a service, or for ``bus``."""
        return str(getattr(self, f"{name}_database_url"))


class BusSettings(BaseSettings):
    """What carries the events between the services."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", extra="ignore", populate_by_name=True)

    bus: Bus = Bus.EMBEDDED
    """``DIXIAN_BUS``: ``embedded`` (a log in PostgreSQL) or ``kafka``."""
    kafka_bootstrap_servers: str = Field("", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    """``KAFKA_BOOTSTRAP_SERVERS``: ``host:port,host:port``."""


class ClusterSettings(BaseSettings):
    """How large the cluster without Docker is."""

    model_config = SettingsConfigDict(extra="ignore")

    replicas: int = Field(1, ge=1, le=16, validation_alias="REPLICAS")
    """``REPLICAS``: HTTP and worker processes per service."""
