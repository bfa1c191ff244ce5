"""What this service's database consists of: the common tables, the divisions, the read models."""

from dataclasses import replace
from pathlib import Path

from services.identification.read_models.tables import metadata
from shared.service.schema import service_schema
from shared.store.migrate import SHARED
from shared.store.reference import tables as reference

_OWN = service_schema(
    "identification", Path(__file__).parent / "migrations", metadata, reference.metadata
)
SCHEMA = replace(_OWN, locations=[*_OWN.locations, SHARED / "store" / "reference" / "migrations"])
