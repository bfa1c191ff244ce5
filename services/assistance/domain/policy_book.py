"""This service's own copy of the policy book, one stream a published version (K7)."""

from dataclasses import dataclass

from services.assistance.domain import commands as c
from shared.contracts.assistance import PolicyAdopted
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule


@dataclass(frozen=True)
class Page:
    """One published version, as adopted."""

    policy: PolicyVersion | None = None

    @property
    def the_policy(self) -> PolicyVersion:
        """The version of a page that exists."""
        assert self.policy is not None
        return self.policy


@rule("K7")
def decide(page: Page, command: Command, _context: Context) -> list[Event]:
    """Adopt a version once; a published version never changes."""
    assert isinstance(command, c.AdoptPolicy)
    return [] if page.policy is not None else [PolicyAdopted(policy=command.policy)]


def evolve(page: Page, event: Event) -> Page:
    """The page with the policy on it."""
    return Page(event.policy) if isinstance(event, PolicyAdopted) else page


POLICY: Aggregate[Page] = Aggregate(
    name="policy",
    label=("政策参数", "policy"),
    initial=Page(),
    evolve=evolve,
    decide=decide,
    divisions=lambda page: (page.the_policy.division,),
    key=lambda page: named_id("policy", page.the_policy.version),
)
