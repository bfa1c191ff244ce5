"""What the audit database consists of."""

from pathlib import Path

from services.audit.log import tables as log_tables
from services.audit.read_models import corrections
from shared.store import tables as store_tables
from shared.store.migrate import SHARED, Schema
from shared.vault import tables as vault_tables
from shared.web import machine_keys

SCHEMA = Schema(
    service="audit",
    locations=(
        SHARED / "store" / "migrations",
        SHARED / "vault" / "migrations",
        SHARED / "web" / "migrations",
        Path(__file__).parent / "migrations",
    ),
    metadata=(
        store_tables.metadata,
        vault_tables.metadata,
        machine_keys.metadata,
        log_tables.metadata,
        corrections.metadata,
    ),
)
