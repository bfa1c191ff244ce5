"""Recorded = sent = received = audited, counted from outside the embedded lane's one process."""

from collections.abc import Mapping
from typing import Any

from dixian.provision import SERVICES
from tests.chaos.checker import check
from tests.chaos.collect import TAKES, collected, embedded_log, verified
from tests.end_to_end.installation import Installation


def must_be_exactly_once(installation: Installation) -> None:
    """Every event recorded was sent, received by all who take it and audited, once each."""
    installation.eventually("equal counts", lambda: in_balance(health_of(installation)) or None)
    found = collected(installation)
    found.sent = embedded_log(installation)
    assert [str(item) for item in check(found)] == []


def must_verify(installation: Installation) -> None:
    """The audit log's tree, exported and recomputed offline, is the signed one."""
    assert verified(installation, earlier=()) == []


def health_of(installation: Installation) -> dict[str, Any]:
    """Every service's published numbers."""
    return {service: installation.health(service) for service in SERVICES}


def in_balance(health: dict[str, Any], poison: Mapping[str, int] | None = None) -> bool:
    """Whether all that was recorded was sent, received and audited.

    ``poison``: how many malformed messages stand among each service's; they are parked.
    """
    audited = health["audit"]["audited"]
    return all(
        numbers["recorded"] == numbers["sent"] == audited.get(service, 0)
        and all(
            numbers["received"].get(f"dixian.{sender}", {"events": 0})["events"]
            == health[sender]["recorded"] + (poison or {}).get(sender, 0)
            for sender in TAKES[service]
        )
        for service, numbers in health.items()
    )
