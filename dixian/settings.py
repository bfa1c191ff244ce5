"""What can be set about how processes are laid out, each variable once.

The variables of the door, the bus, the vault and the audit log stand beside their users in
``shared`` and in the services.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from dixian.errors import CannotStart


class ProcessSettings(BaseSettings):
    """How one process of Dixian listens."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", extra="ignore")

    host: str = "127.0.0.1"
    """``DIXIAN_HOST``: the address to listen on; ``0.0.0.0`` inside a container."""
    port_base: int = Field(8100, ge=1024, le=65000)
    """``DIXIAN_PORT_BASE``: the first port, the issuer's; the others follow. For a second
    installation on one machine."""
    home: Path = Path("var")
    """``DIXIAN_HOME``: the data, keys and logs of the embedded shapes; ``./var`` by default."""
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
    bus_owner_url: str = ""
    """``DIXIAN_BUS_OWNER_URL``: the embedded log's; unused with Kafka."""

    def owner(self, name: str) -> str:
        """The owner's address for a service, or for ``bus``. Raises ``CannotStart``."""
        return self._needed(f"{name}_owner_url")

    def writer(self, name: str) -> str:
        """The writer's address for a service. Raises ``CannotStart``."""
        return self._needed(f"{name}_database_url")

    def _needed(self, field: str) -> str:
        url = str(getattr(self, field))
        if not url:
            raise CannotStart(f"DIXIAN_{field.upper()} is not set. `make run` sets everything.")
        return url


class ClusterSettings(BaseSettings):
    """How large the cluster without Docker is."""

    model_config = SettingsConfigDict(extra="ignore")

    replicas: int = Field(1, ge=1, le=16, validation_alias="REPLICAS")
    """``REPLICAS``: HTTP and worker processes per service."""
    kafka: str = Field("", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    """``KAFKA_BOOTSTRAP_SERVERS``: a broker that runs already; empty: one is started."""
    kafka_via: str = Field("", validation_alias="DIXIAN_CLUSTER_KAFKA_VIA")
    """``DIXIAN_CLUSTER_KAFKA_VIA``: ``host:port`` under which the processes reach the broker that
    is started, where something stands between, such as a proxy that plays a bad network."""
    postgres_via: str = Field("", validation_alias="DIXIAN_CLUSTER_POSTGRES_VIA")
    """``DIXIAN_CLUSTER_POSTGRES_VIA``: the same for PostgreSQL."""
    doors_via: int = Field(0, ge=0, validation_alias="DIXIAN_CLUSTER_DOORS_VIA")
    """``DIXIAN_CLUSTER_DOORS_VIA``: the same for the issuer and the services' APIs: how many ports
    above its own each of them is found."""
