"""What the service's database consists of: store, vault, machines' keys, read models."""

from pathlib import Path

from services.identification.read_models.tables import metadata
from shared.store import tables as store
from shared.store.migrate import SHARED, Schema
from shared.vault import tables as vault
from shared.web import machine_keys as access

SCHEMA = Schema(
    service="identification",
    locations=[
        SHARED / "store" / "migrations",
        SHARED / "vault" / "migrations",
        SHARED / "web" / "migrations",
        Path(__file__).parent / "migrations",
    ],
    metadata=[store.metadata, vault.metadata, access.metadata, metadata],
)
"""Migrated by the owner's role; the bus adds its own branch where the service is composed."""
