"""What this service's database consists of."""

from pathlib import Path

from services.assistance.read_models import tables
from shared.service.schema import service_schema

SCHEMA = service_schema("assistance", Path(__file__).parent / "migrations", tables.metadata)
