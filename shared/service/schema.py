"""What every service's database has in common: store, bus, vault, evidence, machine keys."""

from pathlib import Path

import sqlalchemy as sa

from shared.bus import tables as bus
from shared.evidence import tables as evidence
from shared.store import tables as store
from shared.store.migrate import SHARED, Schema
from shared.vault import tables as vault
from shared.web import tables as access

_ROOMS = ("store", "bus", "vault", "evidence", "web")


def service_schema(service: str, migrations: Path, *metadata: sa.MetaData) -> Schema:
    """The common tables, and the service's own: its migrations and the tables in its code."""
    return Schema(
        service=service,
        locations=[
            *(SHARED / room / "migrations" for room in _ROOMS),
            migrations,
        ],
        metadata=[
            store.metadata,
            bus.metadata,
            vault.metadata,
            evidence.metadata,
            access.metadata,
            *metadata,
        ],
    )
