"""What this service's database consists of."""

from pathlib import Path

from services.assistance.read_models import tables
from shared.store import tables as store
from shared.store.migrate import SHARED, Schema
from shared.vault import tables as vault
from shared.web import machine_keys as access

SCHEMA = Schema(
    service="assistance",
    locations=[
        SHARED / "store" / "migrations",
        SHARED / "vault" / "migrations",
        SHARED / "web" / "migrations",
        Path(__file__).parent / "migrations",
    ],
    metadata=[store.metadata, vault.metadata, access.metadata, tables.metadata],
)
