"""What the service's database consists of."""

from pathlib import Path

from services.alerts.read_models import deliveries, feed_tables, tables
from shared.service.schema import service_schema

SCHEMA = service_schema(
    "alerts",
    Path(__file__).parent / "migrations",
    tables.metadata,
    tables.matching,
    deliveries.hooks,
    feed_tables.feeds,
)
