"""Single acts of the demo's people, for tests that need one and not the whole story."""

from typing import Any

from dixian.demo.client import Client
from dixian.demo.people import family
from dixian.demo.reports import household

Json = dict[str, Any]


def register(client: Client) -> str:
    """Put a new household into the register; its id."""
    receipt = client.act("village-officer", "identification", "/households", household(family()))
    return str(receipt["id"])
