"""Every endpoint as its OpenAPI document shows it, with an example of its body and who may."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from dixian.demo.client import Client
from dixian.demo.story import Story
from dixian.people import MACHINES, PEOPLE, Person
from shared.kernel.division import level_of
from tests.end_to_end.asking import UNKNOWN

Json = Any
PARAMETER = re.compile(r"{(\w+)(?::path)?}")
NEVER = frozenset({"/stream", "/demo/clock"})
"""A stream has no end, and the demo's clock is moved by the demo alone."""


def ids_of(story: Story) -> dict[str, str]:
    """What the demo has left behind, by the names that paths give it."""
    return {
        "household_id": story.household,
        "household": story.household,
        "case_id": story.case,
        "order_id": story.order,
        "lead_id": story.leads[0],
        "plan_id": story.plan,
        "measure_id": story.measure,
        "elimination_id": story.elimination,
    }


@dataclass(frozen=True)
class Operation:
    """One endpoint, as its document shows it."""

    service: str
    method: str
    path: str
    body: Json
    query: tuple[str, ...]
    roles: tuple[str, ...]
    levels: tuple[str, ...]

    def allows(self, person: Person) -> bool:
        """Whether the document lets somebody of that post in."""
        return person.role in self.roles and level_of(person.division).name in self.levels

    @property
    def who(self) -> str:
        """Somebody of the demo's own places who may; nobody for a public endpoint."""
        for person in PEOPLE:
            if not person.username.startswith("other-") and self.allows(person):
                return person.username
        return next((f"machine:{item.name}" for item in MACHINES if item.role in self.roles), "")

    def sent(
        self, client: Client, ids: dict[str, str], body: Json = None, **options: Any
    ) -> httpx.Response:
        """Send it, about what is there unless ``ids`` say otherwise."""
        path = PARAMETER.sub(lambda found: ids.get(found[1], UNKNOWN), self.path)
        who = options.pop("who", self.who)
        headers = {"Authorization": f"Bearer {client.token(who)}"} if who else {}
        headers |= options.pop("headers", {})
        return client.http.request(
            self.method,
            client.addresses.of(self.service) + path,
            json=self.body if body is None else body,
            headers=headers,
            **options,
        )


def operations(client: Client, service: str) -> Iterator[Operation]:
    """Those of a service that can be asked and answer."""
    address = client.addresses.of(service)
    document = client.http.get(f"{address}/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, shown in methods.items():
            if path in NEVER:
                continue
            query = [item["name"] for item in shown.get("parameters", ()) if item["in"] == "query"]
            body = _example(document, shown)
            roles, levels = shown.get("x-roles", ()), shown.get("x-levels", ())
            yield Operation(
                service, method.upper(), path, body, tuple(query), tuple(roles), tuple(levels)
            )


def _example(document: Json, shown: Json) -> Json:
    content = shown.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return next(iter(schema.get("examples", ())), None)
