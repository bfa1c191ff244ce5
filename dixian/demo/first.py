"""The first start of a demo: the province publishes its parameters, so that work can begin.

By the demo's own way: over HTTP, as the province's officer. Where something has ever been published
nothing is done: what is in force is whoever works here's own affair.
"""

import io
from uuid import uuid4

from rich.console import Console

from dixian.demo import reports
from dixian.demo.client import Addresses, Answered, Client, GaveUp
from dixian.demo.screen import Screen
from dixian.demo.tell import begin

_PATIENCE = 15.0
"""Seconds to wait for services that have just said they listen."""


def prepare(addresses: Addresses) -> str:
    """See to it that a policy is in force. What to tell somebody: empty where there was one."""
    client = Client(uuid4(), addresses, patience=_PATIENCE)
    with client.http:
        try:
            story = begin(client, Screen(Console(file=io.StringIO(), width=160)))
            if reports.in_force(story):
                return ""
            reports.publish(story)
        except (Answered, GaveUp) as error:
            return f"No policy is in force, and none could be published: {error}"
        return f"The demo's policy is in force from {story.today}."
