"""One file of a department: taken in once, compared block by block, finished when it adds up."""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from services.alerts.domain import feed_policies
from services.alerts.domain.feed_commands import CompareBlock, FinishFeed, ReceiveFeed
from shared.contracts.alerts import FeedCompared, FeedFinished, FeedMapping, FeedReceived, Tally
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.policy.rules import rule

_NONE = Tally()


class FileStatus(StrEnum):
    """Where a file stands."""

    RECEIVED = "RECEIVED"
    COMPARING = "COMPARING"
    FINISHED = "FINISHED"
    """Every row has its fate."""
    REFUSED = "REFUSED"
    """It could not be read, or not to its end; what was read before stays."""


@dataclass(frozen=True)
class FeedFile:
    """One file."""

    received: FeedReceived | None = None
    status: FileStatus = FileStatus.RECEIVED
    blocks: int = 0
    last_row: int = 0
    """Everything up to this row has its fate."""
    tally: Tally = _NONE
    expected: int | None = None
    refusal: str = ""

    @property
    def mapping(self) -> FeedMapping:
        """How it is read: as the feed was configured when it came."""
        assert self.received is not None
        return self.received.mapping

    @property
    def is_open(self) -> bool:
        """Whether it has come, and rows are still to be compared."""
        return self.received is not None and self.status in {
            FileStatus.RECEIVED,
            FileStatus.COMPARING,
        }


@rule("R42")
def decide(file: FeedFile, command: Command, context: Context) -> list[Event]:
    """The file's next events. Pure."""
    match command:
        case ReceiveFeed():
            return _receive(file, command, context)
        case CompareBlock():
            feed_policies.block_is_next(file.is_open, file.blocks + 1, command.block)
            fields = {name: getattr(command, name) for name in CompareBlock.model_fields}
            return [FeedCompared(**fields)]
        case FinishFeed() if file.is_open:
            return [
                FeedFinished(file_id=command.file_id, tally=file.tally, refusal=command.refusal)
            ]
        case _:
            return []


def _receive(file: FeedFile, command: ReceiveFeed, context: Context) -> list[Event]:
    """A file sent twice is one file: nothing happens the second time."""
    feed_policies.file_is_the_callers(command.feed, context.principal)
    if file.received is not None:
        return []
    fields = {name: getattr(command, name) for name in ReceiveFeed.model_fields}
    return [FeedReceived(**fields, division=context.principal.division)]


def evolve(file: FeedFile, event: Event) -> FeedFile:
    """The file after ``event``."""
    match event:
        case FeedReceived():
            return FeedFile(received=event)
        case FeedCompared():
            return replace(
                file,
                status=FileStatus.COMPARING,
                blocks=event.block,
                last_row=event.last_row,
                tally=file.tally.plus(event.tally),
                expected=event.expected,
            )
        case FeedFinished():
            status = FileStatus.REFUSED if event.refusal else FileStatus.FINISHED
            return replace(file, status=status, tally=event.tally, refusal=event.refusal)
        case _:
            return file


def _division(file: FeedFile) -> str:
    assert file.received is not None
    return file.received.division


def _key(file: FeedFile) -> UUID:
    assert file.received is not None
    return file.received.file_id


FEED_FILE: Aggregate[FeedFile] = Aggregate(
    name="feed_file",
    label=("数据文件", "file"),
    initial=FeedFile(),
    evolve=evolve,
    decide=decide,
    divisions=lambda file: (_division(file),),
    key=_key,
)


def file_id(feed: str, sha256: str, mapping_number: int) -> UUID:
    """The stream: the same content of the same feed, read the same way, is the same file."""
    return named_id("feed-file", feed, sha256, str(mapping_number))
