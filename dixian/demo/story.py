"""The story: worked example 1 of the Guide's mechanism, from a call for help to the end of help.

A formerly poor family of four; dialysis has eaten what two wages bring in. Every date is the
example's own; the year is the one in which the Guide was issued.
"""

from dataclasses import dataclass, field
from datetime import date
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
    today: date = date(2023, 8, 1)
    people: tuple[Relative, ...] = field(default_factory=family)
    household: str = ""
    members: list[Json] = field(default_factory=list)
    case: str = ""
    leads: list[str] = field(default_factory=list)
    order: str = ""
    plan: str = ""
    measure: str = ""
    elimination: str = ""

    def at(self, day: str) -> None:
        """Move the system's business clock to a day, if it is not that day already."""
        self.today = date.fromisoformat(day)
        self.client.move_clock(self.today)
        self.screen.clock(self.today)

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
