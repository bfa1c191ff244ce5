"""What the audit database consists of."""

from pathlib import Path

from services.audit.log import tables as log_tables
from shared.store import tables as store_tables
from shared.store.migrate import SHARED, Schema

SCHEMA = Schema(
    service="audit",
    locations=(SHARED / "store" / "migrations", Path(__file__).parent / "migrations"),
    metadata=(store_tables.metadata, log_tables.metadata),
)
