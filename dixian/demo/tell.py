"""Tells the whole story, chapter by chapter."""

from collections.abc import Callable
from uuid import uuid4

from dixian.demo.assist import assistance, elimination
from dixian.demo.client import Addresses, Client
from dixian.demo.identify import fieldwork, procedure
from dixian.demo.reports import leads, policy, register
from dixian.demo.rollback import rollback
from dixian.demo.screen import Screen
from dixian.demo.story import Story
from dixian.demo.trail import reconciliation, trail


def tell(addresses: Addresses, screen: Screen, *, patience: float = 120.0) -> Story:
    """Tell the whole story. Raises ``Answered``, ``GaveUp`` or ``AssertionError`` if it breaks."""
    client = Client(uuid4(), addresses, patience=patience, waiting=screen.waiting)
    with client.http:
        story = begin(client, screen)
        for chapter in CHAPTERS:
            chapter(story)
        return story


def begin(client: Client, screen: Screen) -> Story:
    """A story at its beginning: on the system's own day, nothing told yet.

    Who will answer for its cases has come in.
    """
    today = client.today()
    for who in ("village-officer", "town-officer"):
        client.act(who, "identification", "/officers/me")
    return Story(client, screen, first=today, today=today)


CHAPTERS: tuple[Callable[[Story], None], ...] = (
    policy,
    register,
    leads,
    fieldwork,
    procedure,
    assistance,
    elimination,
    trail,
    rollback,
    reconciliation,
)
