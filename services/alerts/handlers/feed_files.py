"""Files of departments: taken in, compared a block at a time, finished.

A block is one transaction: what came before is recognised, document numbers are matched, the rows
that may be over a threshold are judged one by one as an alert that came by itself is, the others
(below everybody's threshold, whoever they are about) are kept as they are, and the file's own
stream says how far it has come.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import orjson

from services.alerts.domain import feed_commands as c
from services.alerts.domain import feed_policies, policies, triggers
from services.alerts.domain.alert import ALERT
from services.alerts.domain.alert_content import judged, place_of
from services.alerts.domain.commands import Person, ReceiveAlert
from services.alerts.domain.context import AlertsContext
from services.alerts.domain.feed import FEED, feed_id
from services.alerts.domain.feed_file import FEED_FILE, FeedFile
from services.alerts.domain.lead import LEAD
from services.alerts.domain.register import Known, Why
from services.alerts.handlers.tools import Tools
from services.alerts.read_models import feed_parts, feed_rows, register
from services.alerts.read_models.feed_rows import Decided
from services.alerts.reading import binary
from services.alerts.reading.plan import Block, Candidate, cut
from shared.contracts.alerts import RowFate, Tally, Threshold
from shared.kernel.division import NATION, within
from shared.kernel.event import Command
from shared.kernel.ids import new_id
from shared.kernel.refusal import Refusal
from shared.policy.parameters import PolicyVersion, working_years
from shared.store.application import Call, Handler, Outcome, on_stream
from shared.store.bulk import Begun
from shared.store.event_store import ConcurrentAppend
from shared.vault.vault import Entry

_AT_A_TIME = 10
_UNNAMED = frozenset({RowFate.REPEATED, RowFate.REFUSED})


class FeedFiles:
    """The handlers."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def by_command(self) -> Mapping[type[Command], Handler]:
        """Each command's handler."""
        return {
            c.MapFeed: on_stream(FEED, lambda command: feed_id(command.feed)),
            c.SetThreshold: on_stream(FEED, lambda command: feed_id(command.feed)),
            c.ReceiveFeed: on_stream(FEED_FILE, lambda command: command.file_id),
            c.CompareRows: self.compare,
            c.FinishFeed: self.finish,
        }

    async def compare(self, command: c.CompareRows, call: Call) -> Outcome:
        """One block."""
        file = (await call.load(FEED_FILE, command.file_id)).state
        feed_policies.block_is_next(file.is_open, file.blocks + 1, command.block)
        work = await self._begin(command, call, file)
        try:
            await work.run()
        except asyncpg.UniqueViolationError as error:
            # An alert of this block came by itself meanwhile: recognise it, and do the rest.
            raise ConcurrentAppend(command.file_id) from error
        compared = c.CompareBlock(
            file_id=command.file_id,
            block=command.block,
            last_row=command.rows.last_row,
            tally=work.tally,
            digest=work.digest,
            expected=command.expected,
        )
        return await call.decide(FEED_FILE, command.file_id, compared, call.context())

    async def finish(self, command: c.FinishFeed, call: Call) -> Outcome:
        """The file as it came is not needed any more: its parts go, and their key."""
        outcome = await call.decide(FEED_FILE, command.file_id, command, call.context())
        await feed_parts.discard(call.tx.raw, self._tools.vault, command.file_id, call.tx.clock)
        return outcome

    async def _begin(self, command: c.CompareRows, call: Call, file: FeedFile) -> "_Comparing":
        assert file.received is not None
        feed = file.received.feed
        book = (await call.load(FEED, feed_id(feed))).state.book
        laws = _Laws(call, await register.policy_book(call.tx.raw))
        return _Comparing(self._tools, call, command.file_id, feed, command.rows, book, laws)


@dataclass
class _Comparing:
    """One block under way."""

    tools: Tools
    call: Call
    file_id: UUID
    feed: str
    block: Block
    book: Sequence[Threshold]
    laws: "_Laws"
    decided: list[Decided] = field(default_factory=list)
    """Rows with another fate than to lie below the threshold."""
    begun: Begun = field(default_factory=Begun)
    people: list[Entry] = field(default_factory=list)
    waiting: list[tuple[bytes, UUID, Why]] = field(default_factory=list)

    async def run(self) -> None:
        """Do it all, but for the file's own event.

        Leads are drafted while the server keeps the rows that nobody has to look at. Who seems
        unknown comes last, looked up again under the lock that a household's registration takes,
        which is held the less: neither must miss the other.
        """
        connection = self.call.tx.raw
        await feed_rows.begin(connection, self.feed)
        rows = await self._still_open()
        tokens = [(row.n, token) for row in rows for token in row.tokens]
        asked = asyncio.create_task(feed_rows.households(connection, tokens))
        await asyncio.sleep(0)  # the server looks them up while we pack
        try:
            packed = await self._packed(self._below)
        finally:
            found = await asked
        keeping = asyncio.create_task(self._keep_below(packed))
        try:
            await self._judge([row for row in rows if row.n in found], found)
        finally:
            await keeping
        unknown = [row for row in rows if row.n not in found]
        await self._judge(unknown, await self._looked_up_again(unknown))
        await self._write()

    @property
    def _below(self) -> binary.Rows:
        good = self.block.good
        below: binary.Rows = good[~good["open"]]
        return below

    async def _packed(self, rows: binary.Rows) -> list[bytes]:
        made = []
        for part in binary.kept_below(self.file_id, rows, RowFate.BELOW_THRESHOLD):
            made.append(part)
            await asyncio.sleep(0)  # others' requests are answered meanwhile
        return made

    async def _keep_below(self, packed: Sequence[bytes]) -> None:
        """Keep what lies below everybody's threshold.

        Nearly always none of it came before: whether some did is asked when the index says so.
        """
        connection, below = self.call.tx.raw, self._below
        try:
            await feed_rows.keep(connection, binary.BELOW, packed)
        except asyncpg.UniqueViolationError:
            ids = [UUID(bytes=item) for item in cut(below["alert_id"].tobytes(), 16)]
            known = await feed_rows.known(connection, ids)
            contents = cut(below["content"].tobytes(), 8)
            for n, alert_id, content in zip(below["n"].tolist(), ids, contents, strict=True):
                if alert_id in known:
                    self._came_before(n, known[alert_id], content)
            others = await self._packed(below[[alert_id not in known for alert_id in ids]])
            await feed_rows.keep(connection, binary.BELOW, others)

    async def _write(self) -> None:
        connection, block = self.call.tx.raw, self.block
        await self.tools.vault.put(connection, self.people, at=self.call.tx.clock.now())
        await self.call.begin_many(self.begun)
        await register.wait_many(connection, self.waiting)
        await self._keep_decided()
        await feed_rows.keep_refused(connection, self.file_id, block.refused)
        await feed_rows.keep_repeated(connection, self.file_id, block.repeated)

    async def _keep_decided(self) -> None:
        """An alert that came before is kept elsewhere under its id."""
        decided, good = self.decided, self.block.good
        packed = binary.kept_decided(
            self.file_id,
            good[np.searchsorted(good["n"], [row.n for row in decided])],
            [row.fate for row in decided],
            named=[row.fate not in _UNNAMED for row in decided],
            households=[row.household_id for row in decided],
            why=[(row.code, row.field) for row in decided],
        )
        await feed_rows.keep(self.call.tx.raw, binary.DECIDED, [packed])

    @property
    def tally(self) -> Tally:
        """How many rows had each fate: what is not otherwise decided lies below."""
        fates = [row.fate for row in self.decided]
        counts = {fate.lower(): fates.count(fate) for fate in RowFate}
        counts["refused"] += len(self.block.refused)
        counts["repeated"] += len(self.block.repeated)
        counts["below_threshold"] += self.block.rows - sum(counts.values())
        return Tally(**counts)

    @property
    def digest(self) -> str:
        """Over the rows as they were read, and over every fate that is another than BELOW."""
        seal = sha256(self.block.good.tobytes())
        fates: list[Any] = [(row.n, row.fate, row.code) for row in self.decided]
        fates += [(row.n, row.code) for row in self.block.refused]
        seal.update(orjson.dumps([fates, self.block.repeated]))
        return seal.hexdigest()

    async def _still_open(self) -> list[Candidate]:
        """The rows to be judged; those that came before are put aside."""
        by_id = {UUID(bytes=row.alert_id): row for row in self.block.candidates}
        known = await feed_rows.known(self.call.tx.raw, list(by_id))
        good = self.block.good
        for alert_id, before in known.items():
            at = np.searchsorted(good["n"], by_id[alert_id].n)
            self._came_before(by_id[alert_id].n, before, good["content"][at].tobytes())
        return [row for alert_id, row in by_id.items() if alert_id not in known]

    def _came_before(self, n: int, before: int | None, content: bytes) -> None:
        """Note the fate of a row whose id is known: the same again, or another under that id."""
        if before is None or before == int.from_bytes(content, signed=True):
            self.decided.append(Decided(n, RowFate.REPEATED))
        else:
            reused = policies.alert_id_reused()
            self.decided.append(Decided(n, RowFate.REFUSED, None, reused.code, reused.field))

    async def _judge(self, rows: Sequence[Candidate], found: Mapping[int, Sequence[Known]]) -> None:
        for number, row in enumerate(rows):
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)  # others' requests are answered meanwhile, rows go out
            try:
                self._judge_one(row, found.get(row.n, ()))
            except Refusal as refusal:
                self.decided.append(
                    Decided(row.n, RowFate.REFUSED, None, refusal.code, refusal.field)
                )

    def _judge_one(self, row: Candidate, households: Sequence[Known]) -> None:
        """As an alert that came by itself is judged. Raises the ``Refusal``."""
        command = ReceiveAlert.model_validate(row.given)
        alert_id = UUID(bytes=row.alert_id)
        person = self._person(alert_id, command) if len(households) != 1 else None
        recorded, report = judged(
            command,
            alert_id,
            households,
            self.book,
            screened=self._screened(command, households),
            person_id=person.id if person else None,
        )
        self.decided.append(Decided(row.n, RowFate(recorded.fate), recorded.household_id))
        if report is None:
            return
        self.people += self._kept(alert_id, command, person)
        context = self.laws.context(command.division, command.happened_on)
        self.call.draft(self.begun, ALERT, alert_id, recorded, context)
        self.call.draft(self.begun, LEAD, report.lead_id, report, context)
        if report.household_id is None:
            self.waiting += [(token, report.lead_id, Why.SAME_NUMBER) for token in row.tokens]

    async def _looked_up_again(self, rows: Sequence[Candidate]) -> dict[int, list[Known]]:
        """Who is known after all."""
        tokens = [token for row in rows for token in row.tokens]
        if not tokens:
            return {}
        await register.lock(self.call.tx.raw, tokens)
        late = await register.among(self.call.tx.raw, tokens)
        found = {}
        for row in rows if late else ():
            known = {
                item.household_id: item for token in row.tokens for item in late.get(token, ())
            }
            if known:
                found[row.n] = list(known.values())
        return found

    def _screened(self, command: ReceiveAlert, households: Sequence[Known]) -> bool:
        if command.type not in triggers.APPLICATIONS:
            return True
        place = place_of(command, households)
        policy = self.laws.policy(place, command.happened_on)
        return triggers.screened_at_once(command.type, place[:6], policy)

    def _person(self, alert_id: UUID, command: ReceiveAlert) -> Entry:
        person = Person(name=command.person.name, document_number=command.person.document_number)
        return Entry(alert_id, new_id(), "person", person.model_dump(exclude_none=True))

    def _kept(self, alert_id: UUID, command: ReceiveAlert, person: Entry | None) -> list[Entry]:
        kept = [person] if person else []
        if command.details is not None:
            kept.append(Entry(alert_id, new_id(), "note", {"text": command.details}))
        return kept


class _Laws:
    """The policies in force, and the contexts of decisions: each made once for a block."""

    def __init__(self, call: Call, book: Sequence[PolicyVersion]) -> None:
        self._call, self._book = call, book
        self._calendar = working_years(book, call.today)
        self._owners = sorted({item.division for item in book}, key=len, reverse=True)
        self._nearest: dict[str, str] = {}
        self._policies: dict[tuple[str, date], PolicyVersion] = {}
        self._contexts: dict[tuple[str, date], AlertsContext] = {}

    def policy(self, division: str, on: date) -> PolicyVersion:
        """The policy in force: that of the nearest division which has any, whatever lies in it."""
        if division not in self._nearest:
            holding = (owner for owner in self._owners if within(division, owner))
            self._nearest[division] = next(holding, NATION)
        key = self._nearest[division], on
        if key not in self._policies:
            self._policies[key] = register.policy_in_force(self._book, *key)
        return self._policies[key]

    def context(self, division: str, on: date) -> AlertsContext:
        """The context of a decision there on that day."""
        policy = self.policy(division, on)
        key = policy.version, on
        if key not in self._contexts:
            plain = self._call.context(on)
            self._contexts[key] = AlertsContext(
                plain.today,
                plain.occurred_on,
                plain.principal,
                policy=policy,
                calendar=self._calendar,
            )
        return self._contexts[key]
