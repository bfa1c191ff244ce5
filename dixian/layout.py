"""The production shape: which processes there are, in what order, with which variables.

One description for `make cluster` and for `deploy/docker-compose.yml`; a test holds the two
together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dixian.keys import ADMIN
from dixian.provision import SERVICES, SUPERUSER, Tenant
from dixian.settings import ProcessSettings

ISSUER = "issuer"
CONSOLE = "console"
"""The pages; it has no database and no worker."""
_DISCOVERY = "/.well-known/openid-configuration"
_NUMBERS = {name: number for number, name in enumerate((ISSUER, *SERVICES, CONSOLE))}
_HEALTH_OF_WORKERS = 100
"""A worker shows its health 100 ports above its service's API, its replicas 10 apart."""


def port_of(name: str) -> int:
    """The issuer's port (8100), a service's API: alerts 8101, identification 8102, and so on."""
    return ProcessSettings().port_base + _NUMBERS[name]


def url_of(name: str, above: int = 0) -> str:
    """Where the issuer or a service is reached on this machine, or so many ports above it."""
    return f"http://127.0.0.1:{port_of(name) + above}"


def worker_port(service: str, replica: int = 0) -> int:
    """Where a worker shows its health."""
    return port_of(service) + _HEALTH_OF_WORKERS + 10 * replica


def postgres_port() -> int:
    """The cluster's PostgreSQL: 8132."""
    return ProcessSettings().port_base + 32


def kafka_port() -> int:
    """The cluster's broker: 8192."""
    return ProcessSettings().port_base + 92


@dataclass(frozen=True)
class Places:
    """Where the parts are that every process needs, as the processes see them."""

    postgres: str
    """``host:port``."""
    kafka: str
    """``host:port``."""
    issuer: str
    """The issuer's identifier and address: ``http://127.0.0.1:8100``."""
    services: str
    """A service's address, ``{name}`` and ``{port}`` being its own: ``http://127.0.0.1:{port}``."""
    keys: str
    """The directory of a process's keys; ``{owner}`` in it stands for the process's own part."""
    above: int = 0
    """How many ports above its own a service's API is found."""
    host: str = "127.0.0.1"
    """What each process listens on."""
    mode: str = "demo"
    evidence: str = ""
    """Where evidence files are kept: a folder or a bucket, as an address."""
    scan: str = ""
    """Who looks for malware in them; production does not start without a choice."""


@dataclass(frozen=True)
class Process:
    """One process of the production shape."""

    name: str
    command: tuple[str, ...]
    """Arguments of ``dixian``."""
    variables: dict[str, str]
    port: int | None = None
    """Where it answers."""
    health: str = "/health/ready"
    """The path that answers 200 once it is up."""
    after: tuple[str, ...] = ()
    once: bool = False


@dataclass(frozen=True)
class Layout:
    """Every process, and the variables of each."""

    places: Places
    replicas: int = 1
    infrastructure: tuple[str, ...] = field(default=("postgres", "kafka"))
    """What must be up before the first of our processes."""

    def processes(self) -> Iterator[Process]:
        """In the order in which they are started."""
        yield Process(
            "migrate", ("migrate",), self._of_migrate(), after=self.infrastructure, once=True
        )
        yield Process(ISSUER, (ISSUER,), self._of_issuer(), port_of(ISSUER), _DISCOVERY)
        for service in SERVICES:
            for replica in range(self.replicas):
                yield self._http(service, replica)
                yield self._worker(service, replica)
        yield Process(
            CONSOLE, (CONSOLE,), self._of_console(), port_of(CONSOLE), after=("migrate", ISSUER)
        )

    def _http(self, service: str, replica: int) -> Process:
        command = ("serve", service, "--role", "http", *_numbered(replica))
        name = _name(service, "http", replica)
        after = ("migrate", "issuer")
        return Process(name, command, self._of_service(service), port_of(service), after=after)

    def _worker(self, service: str, replica: int) -> Process:
        command = ("serve", service, "--role", "worker", *_numbered(replica))
        name = _name(service, "worker", replica)
        port = worker_port(service, replica)
        return Process(name, command, self._of_service(service), port, after=("migrate",))

    def _of_service(self, service: str) -> dict[str, str]:
        tenant = Tenant(service)
        return {
            **self._common(service),
            "DIXIAN_BUS": "kafka",
            "KAFKA_BOOTSTRAP_SERVERS": self.places.kafka,
            "DIXIAN_OIDC_ISSUER": self.places.issuer,
            "DIXIAN_OIDC_AUDIENCE": "dixian",
            "DIXIAN_OIDC_ALLOW_HTTP": "true",
            "DIXIAN_MASTER_KEY_FILE": f"{self._keys(service)}/master.key",
            "DIXIAN_INDEX_KEY_FILE": f"{self._keys(service)}/index.key",
            "DIXIAN_EVIDENCE_STORE": self.places.evidence,
            "DIXIAN_EVIDENCE_SCAN": self.places.scan,
            f"DIXIAN_{service.upper()}_DATABASE_URL": self._url(tenant, tenant.writer),
        }

    def _of_migrate(self) -> dict[str, str]:
        tenants = [Tenant(service) for service in SERVICES]
        return {
            **self._common(ADMIN),
            "DIXIAN_BUS": "kafka",
            "KAFKA_BOOTSTRAP_SERVERS": self.places.kafka,
            "DIXIAN_ADMIN_URL": f"postgresql://{SUPERUSER}@{self.places.postgres}/postgres",
            **{
                f"DIXIAN_{tenant.name.upper()}_OWNER_URL": self._url(tenant, tenant.owner)
                for tenant in tenants
            },
        }

    def _of_issuer(self) -> dict[str, str]:
        return {
            **self._common(ISSUER),
            "DIXIAN_ISSUER_URL": self.places.issuer,
            "DIXIAN_ISSUER_KEY_FILE": f"{self._keys(ISSUER)}/key.pem",
        }

    def _of_console(self) -> dict[str, str]:
        places = self.places
        return {
            **self._common(CONSOLE),
            "DIXIAN_OIDC_ISSUER": places.issuer,
            "DIXIAN_OIDC_AUDIENCE": "dixian",
            "DIXIAN_OIDC_ALLOW_HTTP": "true",
            "DIXIAN_CONSOLE_URL": url_of(CONSOLE),
            # Browsers stand outside: the issuer's name among the containers is not theirs.
            "DIXIAN_CONSOLE_SIGN_IN_URL": f"{url_of(ISSUER)}/authorize",
            "DIXIAN_CONSOLE_KEY_FILE": f"{self._keys(CONSOLE)}/session.key",
            **{
                f"DIXIAN_CONSOLE_{name.upper()}_URL": places.services.format(
                    name=f"{name}-http", port=port_of(name) + places.above
                )
                for name in SERVICES
            },
        }

    def _common(self, owner: str) -> dict[str, str]:
        return {
            "DIXIAN_MODE": self.places.mode,
            "DIXIAN_HOST": self.places.host,
            "PGPASSFILE": f"{self._keys(owner)}/pgpass",
        }

    def _keys(self, owner: str) -> str:
        return self.places.keys.format(owner=owner)

    def _url(self, tenant: Tenant, role: str) -> str:
        return f"postgresql://{role}@{self.places.postgres}/{tenant.database}"


def _name(service: str, role: str, replica: int) -> str:
    return f"{service}-{role}" if replica == 0 else f"{service}-{role}-{replica + 1}"


def _numbered(replica: int) -> tuple[str, ...]:
    return () if replica == 0 else ("--replica", str(replica))
