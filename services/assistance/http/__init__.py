"""The door for people and machines: a request becomes a command, a question gets its answer."""

from services.assistance.domain import commands as c
from services.assistance.http.figures import figure_questions
from services.assistance.http.files import file_doors
from services.assistance.http.notes import note_door
from services.assistance.http.notices import notice_doors
from services.assistance.http.questions import (
    elimination_questions,
    measure_questions,
    plan_questions,
)
from services.assistance.http.registers import register_questions
from services.assistance.http.templates import template_doors
from shared.contracts.assistance import OffRegisterHelpRefused
from shared.kernel.refusal import Refusal
from shared.policy.divisions import Divisions
from shared.store.application import Application, Receipt
from shared.vault.vault import Vault
from shared.web.doors import Door, add_doors
from shared.web.routing import Router


def off_register(receipt: Receipt) -> Refusal | None:
    """The refusal of help that was recorded as 体外循环 (R49)."""
    if receipt.body["events"][-1]["type"] != OffRegisterHelpRefused.__name__:
        return None
    return Refusal(
        "R49",
        code="off-register-help",
        zh="该户未纳入监测也未进入绿色通道,不得在机制外给予帮扶;已列入“体外循环”线索",
        en="neither identified nor in the green channel: no help outside the register; it is noted",
        field="household_id",
    )


DOORS = (
    Door("/plans", c.BeginEarly, 201),
    Door("/help", c.RecordHelp, 201, refusal=off_register),
    Door("/plans/{plan_id}/draft", c.DraftPlan),
    Door("/plans/{plan_id}/measures", c.FileMeasure, 201),
    Door("/plans/{plan_id}/submission", c.SubmitPlan),
    Door("/plans/{plan_id}/early-elimination", c.AllowEarlyElimination),
    Door("/plans/{plan_id}/eliminations", c.ProposeElimination, 201),
    Door("/plans/{plan_id}/refreshes", c.RecordRefresh, 201),
    Door("/plans/{plan_id}/no-labour", c.ProposeNoLabour, 201),
    Door("/plans/{plan_id}/no-labour/confirmation", c.FlagNoLabour),
    Door("/plans/{plan_id}/no-labour/removal", c.UnflagNoLabour),
    Door("/plans/{plan_id}/measures/{measure_id}/start", c.StartMeasure),
    Door("/plans/{plan_id}/measures/{measure_id}/output", c.RecordOutput),
    Door("/plans/{plan_id}/measures/{measure_id}/stop", c.StopMeasure),
    Door("/plans/{plan_id}/measures/{measure_id}/end", c.EndMeasure),
    Door("/ledger", c.UpdateLedger),
    Door("/ledger/reviews", c.ReviewLedger, 201),
    Door("/eliminations/{elimination_id}/verification", c.VerifyElimination),
    Door("/eliminations/{elimination_id}/deliberation", c.DeliberateElimination),
    Door("/eliminations/{elimination_id}/review", c.ReviewElimination),
    Door("/eliminations/{elimination_id}/notice", c.PostEliminationNotice),
    Door("/eliminations/{elimination_id}/objections", c.RaiseEliminationObjection, 201),
    Door("/eliminations/{elimination_id}/notice/close", c.CloseEliminationNotice),
    Door("/eliminations/{elimination_id}/approval", c.ApproveElimination),
    Door("/eliminations/{elimination_id}/announcement", c.AnnounceElimination),
    Door("/eliminations/{elimination_id}/marking", c.MarkElimination),
    Door("/eliminations/{elimination_id}/withdrawal", c.WithdrawElimination),
    Door(
        "/eliminations/{elimination_id}/objections/{objection_id}/answer",
        c.AnswerEliminationObjection,
    ),
)
"""Everything that can be done through this door."""


def router(application: Application, vault: Vault, divisions: Divisions) -> Router:
    """Every route of the service, each with who may use it."""
    made = Router()
    add_doors(made, application, DOORS)
    plan_questions(made, application)
    measure_questions(made, application)
    elimination_questions(made, application)
    figure_questions(made, application)
    register_questions(made, application)
    note_door(made, application, vault)
    notice_doors(made, application, vault, divisions)
    template_doors(made, application, divisions)
    file_doors(made, application, divisions)
    return made
