"""The story: worked example 1 of the Guide's mechanism, from a call for help to the end of help.

A formerly poor family of four; dialysis has eaten what two wages bring in. Every date is the
example's own; the year is the one in which the Guide was issued.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from dixian.demo.client import Answered, Client
from dixian.demo.people import Relative, family
from dixian.demo.screen import Screen

Json = dict[str, Any]


@dataclass
class Story:
    """What is known so far, and how to go on."""

    client: Client
    screen: Screen
    first: date
    """The day on which the call comes: the system's own day at the demo's start."""
    today: date
    people: tuple[Relative, ...] = field(default_factory=family)
    household: str = ""
    members: list[Json] = field(default_factory=list)
    case: str = ""
    leads: list[str] = field(default_factory=list)
    order: str = ""
    plan: str = ""
    measure: str = ""
    elimination: str = ""

    def day(self, number: int) -> str:
        """The day ``number`` days after the first, as the API takes it."""
        return (self.first + timedelta(days=number)).isoformat()

    def at(self, number: int) -> None:
        """Move the system's business clock forward to that day."""
        self.at_date(self.first + timedelta(days=number))

    def at_date(self, to: date) -> None:
        """Move the system's business clock forward to a day, unless it is that day already."""
        if to == self.today:
            return
        self.today = to
        self.client.move_clock(to)
        self.screen.clock(to)

    def do(self, who: str, what: str, service: str, path: str, body: Json | None = None) -> Json:
        """One act, shown with what it recorded."""
        receipt = self.client.act(who, service, path, body)
        self.screen.act(self.today, who, what, receipt)
        return receipt

    def refused(
        self, who: str, what: str, service: str, path: str, body: Json, *, rule: str
    ) -> None:
        """One act that the rules must refuse; if they do not, the demo fails."""
        try:
            self.client.act(who, service, path, body)
        except Answered as answer:
            if answer.problem.get("rule") != rule:
                raise
            self.screen.refused(self.today, who, what, answer.problem)
        else:
            raise AssertionError(f"{what} was not refused by {rule}")

    def case_act(self, who: str, what: str, path: str, body: Json | None = None) -> Json:
        """One act on the case."""
        return self.do(who, what, "identification", f"/cases/{self.case}/{path}", body)

    def plan_act(self, who: str, what: str, path: str, body: Json | None = None) -> Json:
        """One act on the plan."""
        return self.do(who, what, "assistance", f"/plans/{self.plan}/{path}", body)

    def end_act(self, who: str, what: str, path: str, body: Json | None = None) -> Json:
        """One act on the elimination."""
        path = f"/eliminations/{self.elimination}/{path}"
        return self.do(who, what, "assistance", path, body)


def evidence(what: str) -> str:
    """The SHA-256 under which a file of evidence is cited."""
    return sha256(f"demo evidence: {what}".encode()).hexdigest()
