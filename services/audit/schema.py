"""What the audit database consists of."""

from pathlib import Path

from services.audit.exports import tables as export_tables
from services.audit.log import tables as log_tables
from services.audit.read_models import corrections, searches, signing_keys
from shared.service.schema import service_schema

SCHEMA = service_schema(
    "audit",
    Path(__file__).parent / "migrations",
    log_tables.metadata,
    export_tables.metadata,
    corrections.metadata,
    searches.metadata,
    signing_keys.metadata,
)
