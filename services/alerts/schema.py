"""What the service's database consists of."""

from pathlib import Path

from services.alerts.read_models import feed_tables, tables
from shared.bus import tables as bus
from shared.store import tables as store
from shared.store.migrate import SHARED, Schema
from shared.vault import tables as vault
from shared.web import machine_keys

SCHEMA = Schema(
    service="alerts",
    locations=[
        SHARED / "store" / "migrations",
        SHARED / "bus" / "migrations",
        SHARED / "vault" / "migrations",
        SHARED / "web" / "migrations",
        Path(__file__).parent / "migrations",
    ],
    metadata=[
        store.metadata,
        bus.metadata,
        vault.metadata,
        machine_keys.metadata,
        tables.metadata,
        tables.matching,
        feed_tables.feeds,
    ],
)
