"""Every contract there is: the modules beside this one, imported, and what they registered."""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shared.contracts
from shared.contracts.registry import all_contracts
from shared.kernel.event import Event

SERVICES = ("alerts", "identification", "assistance", "audit")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Published:
    """One event as the world outside its service knows it."""

    cls: type[Event]

    @property
    def service(self) -> str:
        """``identification``."""
        return self.cls.service

    @property
    def name(self) -> str:
        """``Approved``."""
        return self.cls.__name__

    @property
    def version(self) -> int:
        """Its shape's number."""
        return self.cls.schema_version

    @property
    def type(self) -> str:
        """``cn.dixian.identification.Approved.v1``: the CloudEvents type."""
        return f"cn.dixian.{self.service}.{self.name}.v{self.version}"

    @property
    def topic(self) -> str:
        """``dixian.identification``."""
        return topic_of(self.service)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its data, self-contained."""
        made = self.cls.model_json_schema()
        return {"$schema": _DIALECT, "$id": f"urn:dixian:{self.type}", **made}


def topic_of(service: str) -> str:
    """The topic that a service publishes to."""
    return f"dixian.{service}"


def published() -> Sequence[Published]:
    """All contracts of the four services, by service and name."""
    for module in pkgutil.iter_modules(shared.contracts.__path__):
        importlib.import_module(f"{shared.contracts.__name__}.{module.name}")
    found = [Published(cls) for (service, _), cls in all_contracts().items() if service in SERVICES]
    return sorted(found, key=lambda item: (SERVICES.index(item.service), item.name))
