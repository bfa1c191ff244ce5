"""Single acts of the demo's people, for tests that need one and not the whole story."""

from typing import Any

from dixian.demo.client import Client
from dixian.demo.people import family
from dixian.people import VILLAGE

Json = dict[str, Any]


def household() -> Json:
    """A family of its own, as the village sends it to the register."""
    return {
        "division": VILLAGE,
        "hukou_place": VILLAGE,
        "residence": VILLAGE,
        "history": "FORMERLY_POOR",
        "address": "蒲秋村和平街3号",
        "phone": "13805310018",
        "members": [
            {
                "name": member.name,
                "document_number": member.number,
                "relation": member.relation,
                "labour": member.labour,
            }
            for member in family()
        ],
    }


def register(client: Client) -> str:
    """Put a new household into the register; its id."""
    receipt = client.act("village-officer", "identification", "/households", household())
    return str(receipt["id"])
