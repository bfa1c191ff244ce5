"""What one can ask of feeds and their files."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from services.alerts.domain.commands import Feed
from shared.contracts.alerts import FeedMapping, Tally, Threshold
from shared.contracts.values import Sha256
from shared.kernel.division import Level
from shared.kernel.event import Command
from shared.kernel.principal import Permission, Role, may

_SYSTEM = Permission(frozenset({Role.SYSTEM}))
_FILES = may(Role.FEED, Role.OFFICER, at=(Level.COUNTY, Level.CITY, Level.PROVINCE))


class MapFeed(Command):
    """Say how a feed's files are read."""

    permission: ClassVar[Permission] = may(Role.OFFICER, Role.ADMINISTRATOR, at=Level.PROVINCE)

    feed: Feed
    mapping: FeedMapping


class SetThreshold(Command):
    """Set a feed's threshold from a day on, with the document it rests on (K7)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=Level.PROVINCE)

    feed: Feed
    threshold: Threshold


class ReceiveFeed(Command):
    """Take a department's file in; its rows are compared afterwards."""

    permission: ClassVar[Permission] = _FILES

    file_id: UUID
    feed: Feed
    sha256: Sha256
    size: Annotated[int, Field(gt=0)]
    mapping: FeedMapping
    mapping_number: int
    received_at: datetime


class CompareBlock(Command):
    """Keep a block of rows, each with its fate. Comes from this service's own worker only."""

    permission: ClassVar[Permission] = _SYSTEM

    file_id: UUID
    block: int
    last_row: int
    tally: Tally
    digest: str
    expected: int | None


class CompareRows(Command):
    """Look at a block of rows, keep them and make leads of some. From this service's worker."""

    permission: ClassVar[Permission] = _SYSTEM

    file_id: UUID
    block: int
    expected: int | None
    rows: Any = Field(repr=False)
    """A ``reading.plan.Block``."""


class FinishFeed(Command):
    """All rows have their fates, or the file ends in a fault. From this service's worker only."""

    permission: ClassVar[Permission] = _SYSTEM

    file_id: UUID
    refusal: str = ""
