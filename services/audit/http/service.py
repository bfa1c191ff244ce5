"""What the routes stand on."""

from dataclasses import dataclass

from services.audit.log.checkpoints import Publisher
from services.audit.read_models.proofs import Prover
from shared.kernel.clock import Clock
from shared.kernel.division import Level
from shared.kernel.principal import Role, may
from shared.store.application import Application
from shared.store.database import Database
from shared.vault.vault import Vault

READ = may(
    Role.INSPECTOR, Role.OFFICER, at=(Level.COUNTY, Level.CITY, Level.PROVINCE, Level.NATION)
)
"""Who reads the trail of their own divisions: inspectors, and officers from the county up."""

READ_ALL = may(Role.INSPECTOR, at=(Level.PROVINCE, Level.NATION))
"""Who reads the log as a whole, entries of every division included."""

SETTLE = may(Role.INSPECTOR, Role.OPERATOR, at=(Level.PROVINCE, Level.NATION))
"""Who is told of findings: they name streams and people, not households."""


@dataclass(frozen=True)
class Audit:
    """The service's parts, as its routes use them."""

    database: Database
    application: Application
    publisher: Publisher
    prover: Prover
    vault: Vault
    clock: Clock
    """The real time: when a reading happened."""
