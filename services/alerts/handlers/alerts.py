"""Department alerts: matched by token, measured by the threshold in force, kept with their fate."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from services.alerts.domain import policies, triggers
from services.alerts.domain.alert import ALERT, fate_of
from services.alerts.domain.commands import Person, ReceiveAlert, RecordAlert, ReportRisk
from services.alerts.domain.register import Match, population_of
from services.alerts.handlers import leads, matching
from services.alerts.handlers.tools import Tools, context
from services.alerts.read_models import register
from services.alerts.read_models.register import Waiting
from shared.contracts.alerts import Fate, Threshold
from shared.contracts.values import LeadSource
from shared.kernel.ids import named_id
from shared.kernel.refusal import Invalid
from shared.store.application import Call, Outcome
from shared.vault.blind_index import BlindIndex
from shared.vault.documents import Document, parse_document

_NO_LEAD = frozenset({Fate.BELOW_THRESHOLD, Fate.NOT_SCREENED})


@dataclass(frozen=True)
class _Seen:
    """What looking at an alert came to."""

    match: Match
    threshold: Threshold | None
    fate: Fate
    person_id: UUID | None


def alert_id(command: ReceiveAlert, index: BlindIndex) -> UUID:
    """The stream: the department's own id, or the content where it has none.

    The content's person is their token: an id that stands in events must not be a hash that
    somebody could try document numbers against. Raises ``Invalid`` for a wrong number.
    """
    if command.external_id is not None:
        return named_id("alert", command.feed, "id", command.external_id)
    content = command.model_dump(mode="json", exclude={"person", "details"})
    token = index.identity(_document(command)).hex()
    packed = orjson.dumps([content, token], option=orjson.OPT_SORT_KEYS)
    return named_id("alert", command.feed, "content", packed.decode())


def _document(command: ReceiveAlert) -> Document:
    """A machine can check what it sends: unlike a caller's, its numbers must be right."""
    try:
        return parse_document(command.person.document_number)
    except Invalid as wrong:
        field = "person.document_number"
        raise Invalid(code=wrong.code, zh=wrong.zh, en=wrong.en, field=field) from None


class Alerts:
    """The handlers."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def receive(self, command: ReceiveAlert, call: Call) -> Outcome:
        """One alert, its fate, and the lead it makes, in one transaction."""
        self._must_be_acceptable(command, call)
        stream = alert_id(command, self._tools.index)
        seen = await self._look(command, call, stream)
        lead_id = None if seen.fate in _NO_LEAD else named_id("lead", str(stream))
        household = seen.match.household
        recorded = RecordAlert(
            alert_id=stream,
            received=command,
            household_id=household.household_id if household else None,
            household_division=household.division if household else None,
            threshold=seen.threshold,
            fate=seen.fate,
            lead_id=lead_id,
            person_id=seen.person_id,
        )
        made = await context(call, command.division, command.happened_on)
        outcome = await call.decide(ALERT, stream, recorded, made)
        if lead_id is not None:
            waiting = matching.waiting_for_lead(seen.match)
            await leads.report(call, _lead(recorded, lead_id), list[Waiting](waiting))
        return outcome

    def _must_be_acceptable(self, command: ReceiveAlert, call: Call) -> None:
        policies.feed_is_the_callers(command.feed, call.context())
        allowed = triggers.FEEDS.get(command.feed, frozenset())
        policies.type_is_the_feeds(command.feed, command.type, allowed)
        policies.not_in_the_future(command.happened_on, call.today, "happened_on")
        policies.local(command.division)
        self._tools.divisions.require(command.division, field="division")

    async def _look(self, command: ReceiveAlert, call: Call, stream: UUID) -> _Seen:
        number = _document(command).number
        match = await matching.look_up(call.tx.raw, self._tools.index, number)
        threshold = triggers.in_force(
            triggers.DEFAULTS, command.type, population_of(match.households), command.happened_on
        )
        policies.amount_is_given(command.type, command.amount, threshold)
        over = triggers.over(threshold, command.amount)
        await self._tools.notes(call, stream, {"details": command.details})
        person_id = None
        if match.household is None:
            person = Person(name=command.person.name, document_number=number)
            person_id = await self._tools.person(call, stream, "person", person)
        screened = await self._screened(command, match, call)
        fate = fate_of(len(match.households), over=over, screened=screened)
        return _Seen(match, threshold, fate, person_id)

    async def _screened(self, command: ReceiveAlert, match: Match, call: Call) -> bool:
        if command.type not in triggers.APPLICATIONS:
            return True
        division = match.household.division if match.household else command.division
        policy = await register.policy_for(call.tx.raw, division, command.happened_on)
        return triggers.screened_at_once(command.type, division[:6], policy)


def _lead(recorded: RecordAlert, lead_id: UUID) -> ReportRisk:
    given = recorded.received
    return ReportRisk(
        lead_id=lead_id,
        source=LeadSource.DEPARTMENT_ALERT,
        discovered_on=given.happened_on,
        division=recorded.household_division or given.division,
        reported_in=given.division,
        household_id=recorded.household_id,
        risks=triggers.RISKS[given.type],
        alert_id=recorded.alert_id,
        person_id=recorded.person_id,
    )
