"""What carries each command out: looks up what the decision needs, keeps its free text, decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.assistance.domain import commands as c
from services.assistance.domain.context import Surroundings
from services.assistance.domain.delegation import DELEGATION
from services.assistance.domain.elimination import ELIMINATION, post_notice
from services.assistance.domain.help_outside import HELP
from services.assistance.domain.known_case import KNOWN_CASE, must_be_under_way
from services.assistance.domain.ledger import LEDGER
from services.assistance.domain.no_labour import NO_LABOUR
from services.assistance.domain.plan import PLAN
from services.assistance.domain.policies import NOBODY_LEFT
from services.assistance.domain.policy_book import POLICY
from services.assistance.domain.population import POPULATION
from services.assistance.read_models import ledger, lookups
from services.assistance.read_models.views import VIEWS
from services.assistance.reveals import REVEAL
from shared.contracts.assistance import EliminationNoticePosted, EvidenceKept, RiskEliminated
from shared.contracts.audit import Target
from shared.evidence.stream import KeepEvidence, evidence_stream, keeping
from shared.evidence.tables import EVIDENCE_VIEW
from shared.kernel.decider import Aggregate
from shared.kernel.division import Level, ancestor
from shared.kernel.event import Command, Event, Recorded
from shared.kernel.ids import named_id, new_id
from shared.kernel.refusal import Invalid, NotFound
from shared.policy.divisions import Divisions
from shared.policy.rules import rule
from shared.service.correcting import CarryOut, carry_out
from shared.store.application import Application, Call, Handler, Outcome, Stream
from shared.store.database import Database
from shared.store.event_store import ConcurrentAppend
from shared.vault.scan import scan
from shared.vault.vault import Entry, Vault

SERVICE = "assistance"
EVIDENCE = evidence_stream(EvidenceKept)
AGGREGATES: Sequence[Aggregate[Any]] = (
    PLAN,
    ELIMINATION,
    NO_LABOUR,
    HELP,
    KNOWN_CASE,
    DELEGATION,
    POPULATION,
    LEDGER,
    POLICY,
    REVEAL,
    EVIDENCE,
)

_FREE_TEXT: Mapping[type[Command], str] = {
    c.StopMeasure: "note",
    c.AllowEarlyElimination: "note",
    c.DeliberateElimination: "minutes",
    c.ReviewElimination: "feedback",
    c.PostEliminationNotice: "text",
    c.RaiseEliminationObjection: "statement",
    c.AnswerEliminationObjection: "answer",
    c.ApproveElimination: "note",
    c.AnnounceElimination: "text",
    c.WithdrawElimination: "note",
}
"""The field whose text goes to the vault; the event carries the id of the note."""
_PUBLISHED = ("text", "notice_no", "authority", "receipt")
"""Fields that are read in public or stand in events."""


def plan_id_of(case_id: UUID) -> UUID:
    """The plan's id follows from the case's: whoever opens it meets the same stream."""
    return named_id("plan", str(case_id))


def known_case_id_of(case_id: UUID) -> UUID:
    """The stream in which this service keeps what it knows of a case."""
    return named_id("known-case", str(case_id))


def no_labour_id_of(household_id: UUID) -> UUID:
    """The flag's id follows from the household's."""
    return named_id("no-labour", str(household_id))


@dataclass(frozen=True)
class Desk:
    """The handlers, with the vault in which free text is kept."""

    vault: Vault
    divisions: Divisions

    async def follow(self, command: Command, call: Call) -> Outcome:
        """What follows from a neighbour's event, whose day may be later than this clock's today."""
        around = await self._around(call, command, unchecked=True)
        return await call.decide(PLAN, _plan_id(command), command, around)

    async def know(self, command: c.KnowCase | c.ConcludeCase, call: Call) -> Outcome:
        """Take note of a case under way, or of its end."""
        around = await self._around(call, command, unchecked=True)
        return await call.decide(KNOWN_CASE, known_case_id_of(command.case_id), command, around)

    async def begin_early(self, command: c.BeginEarly, call: Call) -> Outcome:
        """Open the plan of a case under way, of which the neighbour has told."""
        around = await self._around(call, command)
        stream = await call.load(KNOWN_CASE, known_case_id_of(command.case_id))
        must_be_under_way(stream.state)
        case = stream.state.the_case
        plan_id = plan_id_of(case.case_id)
        opening = c.OpenPlan(
            plan_id=plan_id,
            case_id=case.case_id,
            household_id=case.household_id,
            division=case.division,
            risks=case.risks,
            identified=None,
            occurred_on=around.occurred_on,
        )
        return await call.decide(PLAN, plan_id, opening, around)

    async def record_help(self, command: c.RecordHelp, call: Call) -> Outcome:
        """Help outside a plan, held against the household's latest plan."""
        self.divisions.require(command.division, level=Level.VILLAGE, field="division")
        around = await self._around(call, command)
        plan_id = await lookups.latest_plan(call.tx.sql, command.household_id)
        if plan_id is not None:
            stream = await call.load(PLAN, plan_id)
            around = replace(around, plan=stream.state)
        help_id = named_id("help", str(command.household_id))
        return await call.decide(HELP, help_id, command, around)

    async def delegated(self, command: c.KnowDelegation | c.LoseDelegation, call: Call) -> Outcome:
        """Take note of a committee's delegation, or of its end."""
        around = await self._around(call, command, unchecked=True)
        return await call.decide(DELEGATION, command.delegation_id, command, around)

    async def adopt(self, command: c.AdoptPolicy, call: Call) -> Outcome:
        """Keep a copy of a published policy."""
        around = await self._around(call, command, unchecked=True)
        return await call.decide(
            POLICY, named_id("policy", command.policy.version), command, around
        )

    async def plan(self, command: Command, call: Call) -> Outcome:
        """An act on a plan or one of its measures."""
        around = await self._around(call, command)
        plan_id = _plan_id(command)
        if type(command) in _FREE_TEXT:
            stream = await call.load(PLAN, plan_id)
            if not stream.state.exists:
                raise NotFound(*PLAN.label)
            around = await self._noted(call, command, stream.state.household_id, around)
        return await call.decide(PLAN, plan_id, command, around)

    async def propose(self, command: c.ProposeElimination, call: Call) -> Outcome:
        """Begin an elimination: a stream of its own beside the plan."""
        plan = await self._plan_beside(call, command.plan_id)
        number = 1 + await lookups.proposals(call.tx.sql, plan.state.case_id)
        around = replace(
            await self._around(call, command),
            plan=plan.state,
            plan_id=command.plan_id,
            flagged=await lookups.is_flagged(call.tx.sql, plan.state.household_id),
            number=number,
        )
        stream_id = named_id("elimination", str(plan.state.case_id), str(number))
        return await call.decide(ELIMINATION, stream_id, command, around)

    async def eliminate(self, command: Command, call: Call) -> Outcome:
        """A step of an elimination; the county's approval also starts the plan's after-care."""
        elimination_id: UUID = command.elimination_id  # type: ignore[attr-defined]
        stream = await call.load(ELIMINATION, elimination_id)
        around = replace(
            await self._around(call, command),
            hands=frozenset(item.metadata.actor for item in stream.history),
        )
        if stream.state.exists:
            household_id = stream.state.the_proposal.household_id
            around = await self._noted(call, command, household_id, around)
        if not isinstance(command, c.ApproveElimination) or not stream.state.exists:
            return await call.decide(ELIMINATION, elimination_id, command, around)
        return await self._approve(command, call, around, stream)

    async def posting(
        self, command: c.PostEliminationNotice, call: Call
    ) -> tuple[EliminationNoticePosted, str]:
        """What posting a notice would record, and the notice's village; nothing is kept."""
        nothing_sensitive_is_published(command)
        stream = await call.load(ELIMINATION, command.elimination_id)
        if not stream.state.exists:
            raise NotFound(*ELIMINATION.label)
        around = replace(await self._around(call, command), note_id=new_id())
        [posted] = post_notice(stream.state, command, around)
        assert isinstance(posted, EliminationNoticePosted)
        return posted, stream.state.the_proposal.division

    async def _approve(
        self, command: c.ApproveElimination, call: Call, around: Surroundings, stream: Stream
    ) -> Outcome:
        plan_id = stream.state.the_proposal.plan_id
        await lookups.lock_plan(call.tx.sql, plan_id)
        plan = await call.load(PLAN, plan_id)
        flagged = await lookups.is_flagged(call.tx.sql, plan.state.household_id)
        county = ancestor(plan.state.division, Level.COUNTY)
        held = await lookups.held(call.tx.sql, call.principal.subject, county)
        around = replace(around, plan=plan.state, plan_id=plan_id, flagged=flagged, held=held)
        outcome = await call.decide(ELIMINATION, command.elimination_id, command, around)
        if any(isinstance(item.event, RiskEliminated) for item in outcome.events):
            care = c.StartAfterCare(
                plan_id=plan_id,
                elimination_id=command.elimination_id,
                nobody_left=stream.state.the_proposal.cause in NOBODY_LEFT,
                occurred_on=around.occurred_on,
            )
            after = await call.decide(PLAN, plan_id, care, around)
            if after.version - len(after.events) != plan.version:
                raise ConcurrentAppend(plan_id)
        return outcome

    async def flag(self, command: Command, call: Call) -> Outcome:
        """An act on a household's no-labour flag, by way of its plan."""
        plan_id = _plan_id(command)
        await lookups.lock_plan(call.tx.sql, plan_id)
        plan = await self._plan_beside(call, plan_id)
        around = replace(await self._around(call, command), plan=plan.state, plan_id=plan_id)
        stream_id = no_labour_id_of(plan.state.household_id)
        return await call.decide(NO_LABOUR, stream_id, command, around)

    async def compare(self, command: c.CompareFlag, call: Call) -> Outcome:
        """One row of the quarter's file, held against the household's flag and plan."""
        plan_id = await lookups.latest_plan(call.tx.sql, command.household_id)
        # One answer for a household that is elsewhere and for one that is nowhere.
        unknown = NotFound("监测帮扶户", "monitored household", field="household_id")
        if plan_id is None:
            raise unknown
        try:
            plan = await call.load(PLAN, plan_id)
        except NotFound:
            raise unknown from None
        around = replace(await self._around(call, command), plan=plan.state, plan_id=plan_id)
        return await call.decide(NO_LABOUR, no_labour_id_of(command.household_id), command, around)

    async def record_population(self, command: c.RecordPopulation, call: Call) -> Outcome:
        """A town's figures of a year."""
        around = await self._around(call, command)
        return await call.decide(POPULATION, named_id("population", command.town), command, around)

    async def ledger(self, command: c.UpdateLedger | c.ReviewLedger, call: Call) -> Outcome:
        """A town's and its villages' figures of today: held against the share, or gone through."""
        self.divisions.require(command.town, level=Level.TOWN, field="town")
        around = await self._around(call, command)
        figures = await ledger.figures_of(call.tx.sql, command.town, around.today)
        around = replace(around, figures=figures)
        return await call.decide(LEDGER, named_id("ledger", command.town), command, around)

    async def correct(
        self, command: CarryOut, target: Target, stream: Stream, call: Call
    ) -> Outcome:
        """The compensating event of one stream; after-care ends with an elimination (R108)."""
        wish = _correction(command, target)
        around = await self._around(call, wish, unchecked=True)
        aggregate = await self.aggregate_of(call, stream.stream_id)
        outcome = await call.decide(aggregate, stream.stream_id, wish, around)
        if aggregate is ELIMINATION and stream.state.eliminated and not outcome.state.eliminated:
            plan_id = stream.state.the_proposal.plan_id
            care = c.EndAfterCare(
                plan_id=plan_id,
                correction_id=wish.correction_id,
                occurred_on=around.occurred_on,
            )
            await call.decide(PLAN, plan_id, care, around)
        return outcome

    async def aggregate_of(self, call: Call, stream_id: UUID) -> Aggregate[Any]:
        """What kind of stream it is. Raises ``NotFound`` for one that is not ours."""
        category = await lookups.category_of(call.tx.raw, stream_id)
        found = [item for item in AGGREGATES if item.name == category]
        if not found:
            raise NotFound("更正对象", "stream to be corrected")
        return found[0]

    async def _plan_beside(self, call: Call, plan_id: UUID) -> Stream:
        """The plan that another stream's act is about; ``If-Match`` concerns the plan then."""
        stream = await call.load(PLAN, plan_id)
        if not stream.state.exists:
            raise NotFound(*PLAN.label)
        call.must_have_seen(stream)
        return stream

    async def _around(
        self, call: Call, command: Command, *, unchecked: bool = False
    ) -> Surroundings:
        occurred_on = getattr(command, "occurred_on", None)
        if unchecked and occurred_on is not None:
            plain = Surroundings(max(call.today, occurred_on), occurred_on, call.principal)
        else:
            known = call.context(occurred_on)
            plain = Surroundings(known.today, known.occurred_on, known.principal)
        book = await lookups.policy_book(call.tx.sql)
        return replace(plain, book=book, new_id=new_id())

    async def _noted(
        self, call: Call, command: Command, household_id: UUID, around: Surroundings
    ) -> Surroundings:
        """Keep the command's free text under the household's key."""
        nothing_sensitive_is_published(command)
        text = getattr(command, _FREE_TEXT.get(type(command), ""), None)
        if text is None:
            return around
        note = Entry(owner=household_id, id=new_id(), kind="note", data={"text": text})
        await self.vault.put(call.tx.raw, [note], at=call.tx.clock.now())
        return replace(around, note_id=note.id)


@rule("R65")
def nothing_sensitive_is_published(command: Command) -> None:
    """A notice holds no document number, phone, account or illness, and nobody may override it."""
    for field in _PUBLISHED:
        text = getattr(command, field, None)
        found = scan(text) if isinstance(text, str) else []
        if found:
            kinds = dict.fromkeys(item.kind for item in found)
            raise Invalid(
                "R65",
                code="sensitive-in-notice",
                zh="公示公告中不得含有" + "、".join(kind.zh for kind in kinds),
                en=f"a notice must not hold: {', '.join(kinds)}",
                field=field,
            )


def _plan_id(command: Command) -> UUID:
    plan_id: UUID = command.plan_id  # type: ignore[attr-defined]
    return plan_id


def _correction(command: CarryOut, target: Target) -> c.Correct | c.ChangeFlag:
    """What the gates authorised for one target: a flag's change, a withdrawal or a rollback."""
    authorized = command.authorized
    if authorized.change is not None:
        return c.ChangeFlag(
            flag_id=target.stream_id,
            flagged=authorized.change.value,
            correction_id=authorized.correction_id,
            occurred_on=command.occurred_on,
        )
    return c.Correct(
        stream_id=target.stream_id,
        correction_id=authorized.correction_id,
        to_version=target.to_version,
        occurred_on=command.occurred_on,
    )


def handlers(vault: Vault, divisions: Divisions) -> Mapping[type[Command], Handler]:
    """Every command this service takes, with what carries it out."""
    desk = Desk(vault, divisions)
    rooms: Mapping[Handler, tuple[type[Command], ...]] = {
        desk.follow: (c.OpenPlan, c.AddRisk, c.ClosePlan),
        desk.adopt: (c.AdoptPolicy,),
        desk.know: (c.KnowCase, c.ConcludeCase),
        desk.delegated: (c.KnowDelegation, c.LoseDelegation),
        desk.begin_early: (c.BeginEarly,),
        desk.record_help: (c.RecordHelp,),
        desk.plan: (
            c.DraftPlan,
            c.FileMeasure,
            c.SubmitPlan,
            c.StartMeasure,
            c.RecordOutput,
            c.StopMeasure,
            c.EndMeasure,
            c.AllowEarlyElimination,
            c.RecordRefresh,
        ),
        desk.propose: (c.ProposeElimination,),
        desk.eliminate: (
            c.VerifyElimination,
            c.DeliberateElimination,
            c.ReviewElimination,
            c.PostEliminationNotice,
            c.RaiseEliminationObjection,
            c.AnswerEliminationObjection,
            c.CloseEliminationNotice,
            c.ApproveElimination,
            c.AnnounceElimination,
            c.MarkElimination,
            c.WithdrawElimination,
        ),
        desk.flag: (c.ProposeNoLabour, c.FlagNoLabour, c.UnflagNoLabour),
        desk.compare: (c.CompareFlag,),
        desk.record_population: (c.RecordPopulation,),
        desk.ledger: (c.UpdateLedger, c.ReviewLedger),
        carry_out(SERVICE, desk.aggregate_of, desk.correct, flags=True): (CarryOut,),
    }
    return {command: handler for handler, commands in rooms.items() for command in commands} | {
        KeepEvidence: keeping(EVIDENCE)
    }


def application(
    database: Database,
    vault: Vault,
    divisions: Divisions,
    *,
    appended: Callable[[Sequence[Recorded[Event]]], None] = lambda _events: None,
) -> Application:
    """The service on ``database``; ``appended`` is told of every commit."""
    return Application(
        service=SERVICE,
        database=database,
        handlers=handlers(vault, divisions),
        aggregates=AGGREGATES,
        views=(*VIEWS, EVIDENCE_VIEW),
        appended=appended,
    )
