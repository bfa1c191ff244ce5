"""What this service's database consists of."""

from pathlib import Path

from services.identification.read_models.tables import metadata
from shared.service.schema import service_schema

SCHEMA = service_schema("identification", Path(__file__).parent / "migrations", metadata)
