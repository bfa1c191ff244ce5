"""One department's feed: how its files are read, and from which amounts on its alerts are leads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from uuid import UUID

from services.alerts.domain import feed_policies, policies, triggers
from services.alerts.domain.feed_commands import MapFeed, SetThreshold
from shared.contracts.alerts import (
    AlertField,
    FeedMapped,
    FeedMapping,
    Threshold,
    ThresholdSet,
)
from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import NATION, Level, ancestor
from shared.kernel.event import Event
from shared.kernel.ids import named_id
from shared.policy.rules import rule

USUAL_TITLES: Mapping[AlertField, str] = MappingProxyType(
    {
        AlertField.EXTERNAL_ID: "编号",
        AlertField.TYPE: "预警类型",
        AlertField.HAPPENED_ON: "日期",
        AlertField.PERIOD: "期间",
        AlertField.AMOUNT: "金额",
        AlertField.DIVISION: "行政区划代码",
        AlertField.NAME: "姓名",
        AlertField.DOCUMENT_NUMBER: "证件号码",
        AlertField.DETAILS: "说明",
    }
)
"""The titles that a file has whose feed nobody has configured; the fields' own names do as well."""

USUAL = FeedMapping(columns=dict(USUAL_TITLES))
"""How a file is read whose feed nobody has configured."""


@dataclass(frozen=True)
class Feed:
    """One feed's configuration."""

    division: str = NATION
    number: int = 0
    """Which mapping is in force."""
    mapping: FeedMapping = USUAL
    thresholds: tuple[Threshold, ...] = ()
    """What was set, in the order of setting, besides the defaults."""

    @property
    def book(self) -> tuple[Threshold, ...]:
        """All thresholds: what was set later for the same day goes before."""
        return (*reversed(self.thresholds), *triggers.DEFAULTS)


@rule("R42", "K7")
def decide(feed: Feed, command: MapFeed | SetThreshold, context: Context) -> list[Event]:
    """The feed's next events. Pure."""
    feed_policies.feed_is_known(command.feed, triggers.FEEDS)
    division = ancestor(context.principal.division, Level.PROVINCE)
    if isinstance(command, MapFeed):
        feed_policies.mapping_is_whole(command.mapping, triggers.FEEDS[command.feed])
        if feed.number and command.mapping == feed.mapping:
            return []
        number = feed.number + 1
        return [
            FeedMapped(feed=command.feed, division=division, number=number, mapping=command.mapping)
        ]
    threshold = command.threshold
    policies.type_is_the_feeds(command.feed, threshold.type, triggers.FEEDS[command.feed])
    feed_policies.not_set_backwards(threshold.effective_from, context.today)
    if threshold in feed.thresholds:
        return []
    return [ThresholdSet(feed=command.feed, division=division, threshold=threshold)]


def evolve(feed: Feed, event: Event) -> Feed:
    """The feed after ``event``."""
    match event:
        case FeedMapped():
            return replace(
                feed, division=event.division, number=event.number, mapping=event.mapping
            )
        case ThresholdSet():
            return replace(
                feed, division=event.division, thresholds=(*feed.thresholds, event.threshold)
            )
        case _:
            return feed


FEED: Aggregate[Feed] = Aggregate(
    name="feed",
    label=("数据源", "feed"),
    initial=Feed(),
    evolve=evolve,
    decide=decide,
    divisions=lambda feed: (feed.division,),
    key=lambda _feed: named_id("feeds"),
)


def feed_id(feed: str) -> UUID:
    """A feed's stream."""
    return named_id("feed", feed)
