"""整户无劳动能力兜底保障户: flagged by village and town, lifted through the gates (R96–R100)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from services.assistance.domain import commands as c
from services.assistance.domain.clocks import speak
from services.assistance.domain.context import Surroundings
from services.assistance.domain.corrections import correct
from services.assistance.domain.plan_state import Plan
from services.assistance.domain.planning import must_be_approved, must_be_open
from services.assistance.domain.quarters import (
    comparison_clock,
    following,
    must_have_begun,
    quarter_of,
)
from shared.contracts.assistance import (
    DeadlineMissed,
    DeadlineWarned,
    FlagChanged,
    FlagMismatchFound,
    FlagMismatchSettled,
    FlagUpheld,
    NoLabourDeclined,
    NoLabourFlagged,
    NoLabourProposed,
    Purged,
)
from shared.contracts.help import ComparedBenefit, Identified, Mismatch, NoLabourBasis
from shared.kernel import deadline
from shared.kernel.deadline import Clocks, Deadline
from shared.kernel.decider import Aggregate, Tick
from shared.kernel.event import Command, Event
from shared.kernel.refusal import NotFound, OutOfOrder, Refusal
from shared.policy.rules import rule

LABEL = ("整户无劳动能力标识", "no-labour flag")


@dataclass(frozen=True)
class Flag:
    """One household's flag."""

    household_id: UUID | None = None
    division: str = ""
    basis: NoLabourBasis | None = None
    """What the village put forward."""
    proposed: bool = False
    flagged: bool = False
    mismatch: Mismatch | None = None
    """What the latest comparison found."""
    compared: str = ""
    """The quarter of the latest mismatch or settlement."""
    corrected_by: UUID | None = None
    """The correction that changed it last."""
    clocks: Clocks = field(default_factory=dict)
    """``compare``, while the household is flagged (R99)."""


def decide(flag: Flag, command: Command, context: Surroundings) -> list[Event]:
    """What a command brings about, or the ``Refusal``."""
    if flag.household_id is None and not isinstance(command, c.ProposeNoLabour | c.CompareFlag):
        raise NotFound(*LABEL)
    if isinstance(command, Tick):
        return speak(flag.clocks, flag.division, context.today)
    return _DECISIONS[type(command)](flag, command, context)


@rule("R97", "R98")
def propose(flag: Flag, command: c.ProposeNoLabour, context: Surroundings) -> list[Event]:
    """The village: scattered support, or nobody can work and full or highest dibao (R97)."""
    plan = context.plan
    must_be_open(plan)
    must_be_approved(plan)
    assert plan.identified is not None
    if flag.flagged or flag.proposed:
        raise OutOfOrder(
            "R98",
            code="already-done",
            zh="该户已提出或已标识",
            en="it is proposed or flagged already",
        )
    if not command.nobody_can_work or not _nobody_works(command.basis, plan.identified):
        raise Refusal(
            "R97",
            code="somebody-can-work",
            zh="该户有劳动能力,不符合整户无劳动能力条件",
            en="somebody in the household can work",
            field="nobody_can_work",
        )
    return [
        NoLabourProposed(
            household_id=plan.household_id,
            division=plan.division,
            basis=command.basis,
            evidence=command.evidence,
        )
    ]


@rule("R97")
def _nobody_works(basis: NoLabourBasis, known: Identified) -> bool:
    """Full dibao needs a household wholly without labour; the destitute (特困) are so by law."""
    if basis is NoLabourBasis.SCATTERED_SUPPORT:
        return not known.labour_capable
    return known.wholly_without_labour


@rule("R98")
def confirm(flag: Flag, command: c.FlagNoLabour, context: Surroundings) -> list[Event]:
    """The town confirms what the village put forward, or sends it back: both are needed."""
    if flag.flagged or not flag.proposed:
        raise OutOfOrder(
            "R98",
            code="already-done" if flag.flagged else "village-first",
            zh="该户已标识" if flag.flagged else "须先由村级提出认定",
            en="it is flagged already" if flag.flagged else "the village puts it forward first",
        )
    if not command.confirmed:
        return [NoLabourDeclined(household_id=flag.household_id)]
    return [
        NoLabourFlagged(
            household_id=flag.household_id,
            division=flag.division,
            basis=flag.basis,
            deadlines=(_clock(quarter_of(context.occurred_on), flag.division, context),),
        )
    ]


def _clock(quarter: str, division: str, context: Surroundings) -> Deadline:
    return comparison_clock(quarter, context.policy(division))


@rule("R99")
def compare(flag: Flag, command: c.CompareFlag, context: Surroundings) -> list[Event]:
    """Hold the flag against what the household receives this quarter: a mismatch is a task.

    A file read twice, or an older quarter's, changes nothing; a corrected one of the same quarter
    does. Nothing here changes the flag.
    """
    must_have_begun(command.quarter, context.today)
    found = _mismatch(flag, command.benefit, context.plan)
    again = command.quarter == flag.compared and found == flag.mismatch
    if again or command.quarter < flag.compared:
        return []
    facts: dict[str, Any] = {"household_id": context.plan.household_id, "quarter": command.quarter}
    if flag.flagged:
        clock = _clock(following(command.quarter), flag.division, context)
        facts["deadlines"] = (clock,)
    if found is not None:
        facts |= {"division": context.plan.division, "benefit": command.benefit}
        return [FlagMismatchFound(**facts, mismatch=found)]
    if flag.mismatch is not None:
        return [FlagMismatchSettled(**facts)]
    return [FlagUpheld(**facts, benefit=command.benefit)] if flag.flagged else []


def _mismatch(flag: Flag, benefit: ComparedBenefit, plan: Plan) -> Mismatch | None:
    supported = benefit in {ComparedBenefit.DIBAO_FULL, ComparedBenefit.SCATTERED_SUPPORT}
    if flag.flagged:
        return None if supported else Mismatch.BASIS_LOST
    helpless = plan.identified is not None and plan.identified.wholly_without_labour
    return Mismatch.NOT_FLAGGED if supported and helpless else None


@rule("R100")
def unflag(_flag: Flag, _command: c.UnflagNoLabour, _context: Surroundings) -> list[Event]:
    """Nobody lifts the flag here: city, province and nation do, through the gates."""
    raise Refusal(
        "R100",
        code="only-through-the-gates",
        zh="整户无劳动能力标识的变更须由市汇总审核、省审定、国家备案后统一操作,不得在本地取消",
        en="the flag changes only through the city's, province's and nation's gates",
    )


@rule("R100", "R108")
def change(flag: Flag, command: c.ChangeFlag, context: Surroundings) -> list[Event]:
    """The gates authorised it: a new event changes the flag. Repeating changes nothing."""
    if flag.corrected_by == command.correction_id:
        return []
    compared = quarter_of(context.occurred_on)
    return [
        FlagChanged(
            household_id=flag.household_id,
            flagged=command.flagged,
            correction_id=command.correction_id,
            deadlines=(_clock(compared, flag.division, context),) if command.flagged else (),
        )
    ]


def evolve(flag: Flag, event: Event) -> Flag:
    """Fold one recorded event. Never refuses: it has happened."""
    fold = _FOLDS.get(type(event))
    if fold is None:
        return flag
    started = getattr(event, "deadlines", ())
    clocks = deadline.start(flag.clocks, *started)
    return replace(flag, **{"clocks": clocks} | fold(flag, event))


_FOLDS: Mapping[type[Event], Callable[[Flag, Any], dict[str, Any]]] = {
    NoLabourProposed: lambda _flag, event: {
        "household_id": event.household_id,
        "division": event.division,
        "basis": event.basis,
        "proposed": True,
    },
    NoLabourFlagged: lambda _flag, _event: {"flagged": True, "proposed": False},
    NoLabourDeclined: lambda _flag, _event: {"proposed": False, "basis": None},
    FlagChanged: lambda flag, event: {
        "flagged": event.flagged,
        "corrected_by": event.correction_id,
        "mismatch": None,
        **({} if event.flagged else {"clocks": deadline.stop(flag.clocks, "compare")}),
    },
    FlagMismatchFound: lambda _flag, event: {
        "household_id": event.household_id,
        "division": event.division,
        "mismatch": event.mismatch,
        "compared": event.quarter,
    },
    FlagMismatchSettled: lambda _flag, event: {"mismatch": None, "compared": event.quarter},
    FlagUpheld: lambda _flag, event: {"compared": event.quarter},
    DeadlineWarned: lambda flag, event: {"clocks": deadline.warned(flag.clocks, event.kind)},
    DeadlineMissed: lambda flag, event: {"clocks": deadline.missed(flag.clocks, event.kind)},
    Purged: lambda _flag, event: {
        "flagged": False,
        "proposed": False,
        "corrected_by": event.correction_id,
        "clocks": {},
    },
}
_DECISIONS: Mapping[type[Command], Callable[[Flag, Any, Surroundings], list[Event]]] = {
    c.ProposeNoLabour: propose,
    c.FlagNoLabour: confirm,
    c.CompareFlag: compare,
    c.UnflagNoLabour: unflag,
    c.ChangeFlag: change,
    c.Correct: correct,
}

NO_LABOUR: Aggregate[Flag] = Aggregate(
    name="no_labour",
    label=LABEL,
    initial=Flag(),
    evolve=evolve,
    decide=decide,
    divisions=lambda flag: (flag.division,),
    key=lambda flag: flag.household_id,  # type: ignore[arg-type,return-value]  # set by the first event
    clocks=lambda flag: flag.clocks,
)
