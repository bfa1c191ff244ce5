"""Department alerts: matched by token, measured by the threshold in force, kept with their fate."""

from uuid import UUID

from services.alerts.domain import policies, triggers
from services.alerts.domain.alert import ALERT
from services.alerts.domain.alert_content import alert_key, fingerprint, judged, place_of, said
from services.alerts.domain.commands import Person, ReceiveAlert, RecordAlert
from services.alerts.domain.feed import FEED, feed_id
from services.alerts.domain.register import Match
from services.alerts.handlers import leads, matching
from services.alerts.handlers.tools import Tools, context
from services.alerts.read_models import feed_rows
from services.alerts.read_models.register import Waiting
from shared.store.application import Call, Outcome
from shared.vault.blind_index import BlindIndex


def alert_id(command: ReceiveAlert, index: BlindIndex) -> UUID:
    """The stream: the department's own id, or the content where it has none.

    Raises ``Invalid`` for a wrong number.
    """
    token = index.identity(matching.must_be_valid(command.person.document_number))
    return UUID(bytes=alert_key(command.feed, command.external_id, said(command), token))


class Alerts:
    """The handlers."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def receive(self, command: ReceiveAlert, call: Call) -> Outcome:
        """One alert, its fate, and the lead it makes, in one transaction."""
        self._must_be_acceptable(command, call)
        stream = alert_id(command, self._tools.index)
        document = matching.must_be_valid(command.person.document_number)
        match = await matching.look_up(call.tx.raw, self._tools.index, document.number)
        book = (await call.load(FEED, feed_id(command.feed))).state.book
        person_id = await self._keep_person(command, call, stream, match)
        recorded, report = judged(
            command,
            stream,
            match.households,
            book,
            screened=await self._screened(command, match, call),
            person_id=person_id,
        )
        await self._keep(command, call, recorded, self._tools.index.identity(document))
        made = await context(call, command.division, command.happened_on)
        outcome = await call.decide(ALERT, stream, recorded, made)
        if report is not None:
            waiting = matching.waiting_for_lead(match)
            await leads.report(call, report, list[Waiting](waiting))
        return outcome

    async def _screened(self, command: ReceiveAlert, match: Match, call: Call) -> bool:
        if command.type not in triggers.APPLICATIONS:
            return True
        place = place_of(command, match.households)
        law = await context(call, place, command.happened_on)
        return triggers.screened_at_once(command.type, place[:6], law.policy)

    async def _keep_person(
        self, command: ReceiveAlert, call: Call, stream: UUID, match: Match
    ) -> UUID | None:
        """What is said of the person; people whom the register knows are not kept again."""
        await self._tools.notes(call, stream, {"details": command.details})
        if match.household is not None:
            return None
        number = matching.must_be_valid(command.person.document_number).number
        person = Person(name=command.person.name, document_number=number)
        return await self._tools.person(call, stream, "person", person)

    async def _keep(
        self, command: ReceiveAlert, call: Call, recorded: RecordAlert, token: bytes
    ) -> None:
        """Where a file brings the same alert, it is to be recognised."""
        kept = await feed_rows.keep_posted(
            call.tx.raw,
            recorded.alert_id,
            fingerprint(said(command), token),
            recorded.fate,
            recorded.household_id,
        )
        policies.alert_is_new(not kept)

    def _must_be_acceptable(self, command: ReceiveAlert, call: Call) -> None:
        policies.feed_is_the_callers(command.feed, call.context())
        allowed = triggers.FEEDS.get(command.feed, frozenset())
        policies.type_is_the_feeds(command.feed, command.type, allowed)
        policies.not_in_the_future(command.happened_on, call.today, "happened_on")
        policies.local(command.division)
        if command.external_id is not None:
            policies.is_nobodys_number(command.external_id, "external_id", command.happened_on)
        self._tools.divisions.require(command.division, field="division")
