"""The plan: one case's help, from its opening to long after the elimination."""

from collections.abc import Callable, Mapping
from typing import Any

from services.assistance.domain import aftercare, measures, planning
from services.assistance.domain import commands as c
from services.assistance.domain.clocks import speak
from services.assistance.domain.context import Surroundings
from services.assistance.domain.corrections import correct
from services.assistance.domain.plan_state import Plan, evolve
from shared.kernel.decider import Aggregate, Tick
from shared.kernel.event import Command, Event
from shared.kernel.refusal import NotFound

LABEL = ("帮扶计划", "plan")


def decide(plan: Plan, command: Command, context: Surroundings) -> list[Event]:
    """What a command brings about in a plan, or the ``Refusal``."""
    if not plan.exists and not isinstance(command, c.OpenPlan | c.ClosePlan):
        raise NotFound(*LABEL)
    if isinstance(command, Tick):
        return speak(plan.clocks, plan.division, context.today)
    return _DECISIONS[type(command)](plan, command, context)


_DECISIONS: Mapping[type[Command], Callable[[Plan, Any, Surroundings], list[Event]]] = {
    c.OpenPlan: planning.open_plan,
    c.AddRisk: planning.add_risk,
    c.ClosePlan: planning.close_plan,
    c.DraftPlan: planning.draft_plan,
    c.SubmitPlan: planning.submit_plan,
    c.AllowEarlyElimination: planning.allow_early,
    c.FileMeasure: measures.file_measure,
    c.StartMeasure: measures.start_measure,
    c.RecordOutput: measures.record_output,
    c.StopMeasure: measures.stop_measure,
    c.EndMeasure: measures.end_measure,
    c.StartAfterCare: aftercare.start_after_care,
    c.EndAfterCare: aftercare.end_after_care,
    c.RecordRefresh: aftercare.record_refresh,
    c.Correct: correct,
}

PLAN: Aggregate[Plan] = Aggregate(
    name="plan",
    label=LABEL,
    initial=Plan(),
    evolve=evolve,
    decide=decide,
    divisions=lambda plan: (plan.division,),
    key=lambda plan: plan.household_id,  # type: ignore[arg-type,return-value]  # set by PlanOpened
    clocks=lambda plan: plan.clocks,
)
