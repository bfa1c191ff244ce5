"""The commands on cases and findings: what is looked up, put into the vault, and decided on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.identification import notices
from services.identification.domain import commands, internal
from services.identification.domain.case import CASE, LABEL
from services.identification.domain.context import CaseContext, HouseholdFacts
from services.identification.domain.delegation import Held
from services.identification.domain.finding import FINDING, FindingContext
from services.identification.read_models import lookups
from shared.kernel.division import Level, ancestor
from shared.kernel.event import Command
from shared.kernel.ids import named_id, new_id
from shared.kernel.refusal import Invalid, NotFound
from shared.policy.parameters import PolicyVersion
from shared.store.application import Call, Handler, Outcome, on_stream
from shared.vault.scan import Sensitive, scan
from shared.vault.vault import Entry, Vault

_TEXTS = ("note", "minutes", "objection", "answer", "facts")
"""The commands' free texts: into the vault, each as a note of the household."""


_NUMBERS = ("document", "receipt", "reference", "form_version")
"""The numbers of papers, which stand in events."""


@dataclass(frozen=True)
class CaseHandlers:
    """The handlers of the cases and the findings."""

    vault: Vault

    def table(self) -> Mapping[type[Command], Handler]:
        """Every command with its handler."""
        on_case = on_stream(CASE, lambda command: command.case_id, self.case_context)
        return {
            internal.TakeLead: self.take_lead,
            internal.RaiseFinding: on_stream(FINDING, lambda command: command.finding_id),
            commands.AnswerFinding: self.answer_finding,
            commands.PostNotice: self.with_notice,
            commands.Announce: self.with_notice,
            internal.EndMonitoring: on_stream(CASE, lambda command: command.case_id),
            internal.NoteMeasure: on_stream(CASE, lambda command: command.case_id),
            **dict.fromkeys(_PLAIN_ACTS, on_case),
        }

    async def case_context(self, command: commands.CaseAct, call: Call) -> CaseContext:
        """The household, the policy that governs the case, and the act's notes in the vault."""
        _no_document_numbers(command)
        household, policy = await self._of_case(command.case_id, call)
        plain = call.context(command.occurred_on)
        return CaseContext(
            today=plain.today,
            occurred_on=plain.occurred_on,
            principal=plain.principal,
            policy=policy,
            household=household,
            notes=await self._keep_texts(command, household.household_id, call),
            fresh_id=new_id(),
            delegations=await self._delegations(command, household.division, call),
            posts=await self._posts(command, call),
        )

    async def with_notice(
        self, command: commands.PostNotice | commands.Announce, call: Call
    ) -> Outcome:
        """Render and freeze the notice from what the case says, then decide on it (R65)."""
        context = await self.case_context(command, call)
        case = (await call.load(CASE, command.case_id)).state
        content = await notices.freeze(self.vault, call, case, context, command)
        return await call.decide(CASE, command.case_id, command, _with_content(context, content))

    async def take_lead(self, command: internal.TakeLead, call: Call) -> Outcome:
        """To the household's active case, or to a new one (R25, R105); twice is once."""
        household = await lookups.locked_household(call.tx.sql, command.household_id)
        # A household that was merged meanwhile: the lead is about the one it is part of now.
        command = command.model_copy(update={"household_id": household.household_id})
        found = await lookups.standing(call.tx.sql, command.household_id, command.lead_id)
        case_id = found.with_lead or found.active or named_id("case", str(command.lead_id))
        plain = call.context(command.discovered_on)
        context = CaseContext(
            today=plain.today,
            occurred_on=plain.occurred_on,
            principal=plain.principal,
            policy=await self._policy_of(found.active, household, command, call),
            household=household,
            fresh_id=case_id,
            previous_case_id=found.latest,
        )
        outcome = await call.decide(CASE, case_id, command, context)
        if found.followed is not None and outcome.version == 1:
            taken = internal.HandFollowingOver(case_id=found.followed, to_case_id=case_id)
            await call.decide(CASE, found.followed, taken, plain)
        return outcome

    async def answer_finding(self, command: commands.AnswerFinding, call: Call) -> Outcome:
        """The words into the vault, under the finding's household or the finding itself."""
        state = (await call.load(FINDING, command.finding_id)).state
        owner = (state.raised and state.raised.household_id) or command.finding_id
        note_id = new_id()
        note = Entry(owner, note_id, "note", {"text": command.note})
        await self.vault.put(call.tx.raw, [note], at=call.tx.clock.now())
        plain = call.context(command.occurred_on)
        context = FindingContext(plain.today, plain.occurred_on, plain.principal, note_id)
        return await call.decide(FINDING, command.finding_id, command, context)

    async def _of_case(self, case_id: UUID, call: Call) -> tuple[HouseholdFacts, PolicyVersion]:
        found = await lookups.of_case(call.tx.sql, case_id)
        if found is None or not _sees(call, found[0]):
            raise NotFound(*LABEL)
        return found

    async def _policy_of(
        self,
        active: UUID | None,
        household: HouseholdFacts,
        command: internal.TakeLead,
        call: Call,
    ) -> PolicyVersion:
        """A running case keeps its version; a new one starts with the one in force (K7).

        A lead found before the first version began is governed by the one in force when it is taken
        up: no later publication could reach back to it. Raises ``NoPolicy``.
        """
        governed = None if active is None else await lookups.of_case(call.tx.sql, active)
        if governed is not None:
            return governed[1]
        found = await lookups.policy_if_any(call.tx.sql, household.division, command.discovered_on)
        return found or await lookups.policy_for(call.tx.sql, household.division, call.today)

    async def _delegations(
        self, command: commands.CaseAct, division: str, call: Call
    ) -> tuple[Held, ...]:
        if not isinstance(command, commands.Approve):
            return ()
        county, holder = ancestor(division, Level.COUNTY), call.principal.subject
        return tuple(await lookups.delegations(call.tx.sql, county, holder))

    async def _posts(self, command: commands.CaseAct, call: Call) -> Mapping[str, str]:
        if not isinstance(command, commands.NameOfficers):
            return {}
        caller = call.principal
        known = await lookups.posts(call.tx.sql, [command.village_officer, command.town_officer])
        return {**known, caller.subject: caller.division}

    async def _keep_texts(
        self, command: commands.CaseAct, household_id: UUID, call: Call
    ) -> Mapping[str, UUID]:
        texts = {name: getattr(command, name, None) for name in _TEXTS}
        notes = {name: new_id() for name, text in texts.items() if text}
        entries = [
            Entry(household_id, note_id, "note", {"text": texts[name]})
            for name, note_id in notes.items()
        ]
        await self.vault.put(call.tx.raw, entries, at=call.tx.clock.now())
        return notes


def _sees(call: Call, household: HouseholdFacts) -> bool:
    """Whether the caller may know of the household at all (R1, R26)."""
    places = filter(None, (household.division, household.moved_from))
    return any(call.principal.covers(place) for place in places)


def _no_document_numbers(command: commands.CaseAct) -> None:
    """Numbers of papers stand in events, which hold no personal data: no identity number there."""
    for name in _NUMBERS:
        text = getattr(command, name, None)
        found = scan(text) if isinstance(text, str) else []
        if any(item.kind is Sensitive.DOCUMENT_NUMBER for item in found):
            raise Invalid(
                code="identity-number-in-reference",
                zh="文号、编号中不得填写身份证件号码",
                en="a paper's number is not a person's: no identity numbers here",
                field=name,
            )


def _with_content(context: CaseContext, content: tuple[UUID, str] | None) -> CaseContext:
    return replace(context, content=content)


_PLAIN_ACTS: tuple[type[commands.CaseAct], ...] = (
    commands.NameOfficers,
    commands.SignAuthorization,
    commands.RevokeAuthorization,
    commands.VerifyHousehold,
    commands.CompareData,
    commands.ExemptComparison,
    commands.Deliberate,
    commands.ReviewTown,
    commands.RaiseObjection,
    commands.AnswerObjection,
    commands.CloseNotice,
    commands.Approve,
    commands.DeclineIdentification,
    commands.RecordNationalEntry,
    commands.TellHousehold,
    commands.FollowUp,
    commands.ConfirmGreenChannel,
    commands.EnterGreenChannel,
    commands.VerifyGreenChannel,
    commands.ExitGreenChannel,
)
